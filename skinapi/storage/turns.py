"""Turns at one file, for threads and processes alike: readers share them, a writer is alone.

SQLite itself waits by polling, so that under a busy writer the others starve for seconds.
Here the kernel wakes whoever is next, and gives the turn of a killed process back.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class Turns:
    def __init__(self, path: Path) -> None:
        self._gate, self._room = f"{path}-gate", f"{path}-room"

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._entered(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._entered(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _entered(self, how: int) -> Iterator[None]:
        """All wait at the gate; a writer that waits there for an empty room lets nobody past."""
        with ExitStack() as stay:
            with _locked(self._gate, fcntl.LOCK_EX):
                stay.enter_context(_locked(self._room, how))
            yield


@contextmanager
def _locked(path: str, how: int) -> Iterator[None]:
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # said aloud, for a fork may hold the file open
        os.close(file)
