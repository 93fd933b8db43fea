"""The folder of a job on this machine, `INSTANCE_DIR/jobs/<id>`.

Who works in it holds a lock on it, and so do the processes that it forks. So no two attempts work
in it at once, not even while a killed one is still dying.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

JOB_ID = re.compile(r"[0-9a-f]{8}")


def lock_folder(folder: Path) -> int | None:
    """Make the folder, and lock it: the file descriptor that holds the lock. None if another
    process holds it.
    """
    while True:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = _locked(folder)
        if handle is None:
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(folder.stat(), os.fstat(handle)):
                return handle
        os.close(handle)  # it was removed between opening and locking


def remove_if(folder: Path, unused: Callable[[], bool]) -> None:
    """Remove the folder unless a process works in it, or `unused` says no while none may begin."""
    with _try_locked(folder) as locked:
        if locked and unused():
            shutil.rmtree(folder, ignore_errors=True)


def folders_in(parent: Path) -> list[Path]:
    """The folders of jobs; nothing else in there is touched."""
    with suppress(FileNotFoundError):
        return [path for path in parent.iterdir() if JOB_ID.fullmatch(path.name)]
    return []


@contextmanager
def _try_locked(folder: Path) -> Iterator[bool]:
    handle = None
    with suppress(OSError):
        handle = _locked(folder)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
