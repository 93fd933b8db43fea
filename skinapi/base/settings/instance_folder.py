import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from skinapi.base.errors import UnsafeSettings


def open_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises UnsafeSettings if it is not writable, or belongs
    to another server.
    """
    refuse_shared(folder)
    fault = "no permission to write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY  # the store handles a read-only disk
        if read_only or os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            return
    except FileExistsError:
        fault = "it is a file"
    except OSError as error:
        fault = error.strerror or fault
    raise UnsafeSettings(
        f"INSTANCE_DIR cannot be used ({fault}): name a folder in which this server may create "
        "files"
    )


def refuse_shared(folder: Path) -> None:
    """Raises UnsafeSettings for the root directory, and for a folder in which every user of the
    machine may write, such as /tmp: it would become inaccessible to all others.
    """
    try:
        mode = folder.stat().st_mode
    except OSError:  # missing, or `open_folder` reports the fault
        return
    everybodys = stat.S_ISDIR(mode) and mode & (stat.S_ISVTX | stat.S_IWOTH)
    if everybodys or folder.resolve() == Path("/"):
        raise UnsafeSettings(
            "INSTANCE_DIR is a folder that others use too: name one of this server's own, with the "
            "mode 0700, for example a new folder inside it"
        )


def refuse_other_user(
    folder: Path, *, command: Sequence[str], kept: Iterable[str], as_root: bool
) -> None:
    """Raises UnsafeSettings if the store of this folder belongs to another user than the caller's:
    the server could not open files written by this command. `kept` are the environment variables
    that the command needs. Root may override it (`as_root`).
    """
    owner, user = _owner_of(folder), os.geteuid()
    if owner in (None, user) or (as_root and user == 0):
        return
    preserved = ",".join(sorted(kept))
    line = ["sudo", "-u", _name_of(owner), *([f"--preserve-env={preserved}"] if preserved else [])]
    insist = ", or add --as-root" if user == 0 else ""
    raise UnsafeSettings(
        f"The store in {folder.resolve()} belongs to the user {_name_of(owner)}, and this command "
        f"runs as {_name_of(user)}: the server could not open what it writes (permission denied). "
        f"Run this line{insist}:\n  {shlex.join([*line, *command])}"
    )


def _owner_of(folder: Path) -> int | None:
    for path in (folder / "skinapi.db", folder):
        try:
            return path.stat().st_uid
        except OSError:
            continue
    return None


def _name_of(user: int | None) -> str:
    try:
        return pwd.getpwuid(user or 0).pw_name
    except KeyError:
        return f"#{user}"
