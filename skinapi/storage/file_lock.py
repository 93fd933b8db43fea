"""A lock among threads and processes. SQLite itself waits by polling, so that under a busy writer
the others starve for seconds. Here the kernel wakes whoever is next, and frees a killed process's.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone, as long as everybody locks the file at this path, which is made and never removed."""
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # said aloud, for a fork may hold the file open
        os.close(file)
