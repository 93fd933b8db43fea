"""Opens the folder that INSTANCE_DIR names."""

import os
import stat
from pathlib import Path

from skinapi.errors import UnsafeSettings


def open_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises UnsafeSettings where nothing can be kept in it, or
    where it is not this server's own.
    """
    refuse_shared(folder)
    fault = "no permission to write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY  # the store waits for such a disk
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
    """Raises UnsafeSettings for the root of all files, and for a folder in which every user of the
    machine may write, such as /tmp: it would be closed for all others.
    """
    try:
        mode = folder.stat().st_mode
    except OSError:  # it is missing, or `open_folder` says what is wrong with it
        return
    everybodys = stat.S_ISDIR(mode) and mode & (stat.S_ISVTX | stat.S_IWOTH)
    if everybodys or folder.resolve() == Path("/"):
        raise UnsafeSettings(
            "INSTANCE_DIR is a folder that others use too: name one of this server's own, with the "
            "mode 0700, for example a new folder inside it"
        )
