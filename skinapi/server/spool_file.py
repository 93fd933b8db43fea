"""Keeps bodies that are larger than memory in files without a name, while they arrive.

Such a file has no entry in any folder, so it is gone with the process that has it open, whatever
ends that process: nothing is left to sweep.
"""

import errno
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

# The disk is also that of the database, which must still take writes when uploads have filled what
# they may: so much stays free, or a twentieth of a small disk.
RESERVED_BYTES = 256 * 1024 * 1024
RESERVED_SHARE = 20
CHECK_EVERY = 4 * 1024 * 1024


class SpoolFile:
    """One body. It is written by the main loop, and read by a thread when it is complete."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the folder cannot be used, or its disk is full."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (open until `close`)
        self._size = 0
        self._at = 0
        self._checked_at = 0
        refuse_full_disk(folder)

    def write(self, data: bytes | bytearray) -> None:
        """Append. Raises OSError, ENOSPC too where no more than the reserved space is left."""
        if self._size - self._checked_at >= CHECK_EVERY:
            self._checked_at = self._size
            refuse_full_disk(self._folder)
        self._file.write(data)
        self._size += len(data)

    def rewind(self) -> None:
        self._file.seek(0)
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._at += len(data)
        return data

    @property
    def size(self) -> int:
        return self._size

    @property
    def at_end(self) -> bool:
        return self._at == self._size

    def close(self) -> None:
        self._file.close()


def refuse_full_disk(folder: Path, wanted: int = 0) -> None:
    """Raises OSError (ENOSPC) where so many more bytes would take of the reserved space of its
    disk.
    """
    disk = os.statvfs(folder)
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    if free - wanted < min(RESERVED_BYTES, total // RESERVED_SHARE):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
