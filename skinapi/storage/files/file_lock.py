"""A file lock between threads and processes.

SQLite waits for its own lock by polling, so a busy writer makes the others wait for seconds. With
this lock the kernel wakes the next waiter, and releases the lock of a killed process.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file at this path. Creates the file, and never removes it."""
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Not lockf: its POSIX locks do not exclude the other threads of this process.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        # Closing alone does not unlock if a forked process still has the file open, see flock(2).
        fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)
