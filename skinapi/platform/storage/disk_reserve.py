import errno
import os
from contextlib import suppress
from pathlib import Path

from skinapi.base.errors import DiskFull
from skinapi.base.logs import log
from skinapi.platform.storage.files import FULL

NAME = "room-for-a-full-disk"
LARGEST_BYTES, SHARE = 16 * 1024 * 1024, 10
LEAST_FREE_BYTES = 1024 * 1024


class DiskReserve:
    """A placeholder file. It is removed when the disk is full and created again when there is room.
    Meanwhile `refuse_without` keeps other changes from using that space.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / NAME

    def free_when_full(self) -> None:
        with suppress(OSError):
            if self._free_bytes() < LEAST_FREE_BYTES:
                self._file.unlink()
                log.error("the disk is full: its reserve is in use", folder=str(self._folder))

    def refuse_without(self) -> None:
        if self._file.exists():
            return
        try:
            disk = os.statvfs(self._folder)
            size = min(LARGEST_BYTES, disk.f_blocks * disk.f_frsize // SHARE)
            if self._free_bytes() < size + LEAST_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
            self._make(size)
        except OSError as error:  # for other errors the store reports the fault
            if error.errno in FULL:
                raise DiskFull from error

    def _make(self, size: int) -> None:
        with suppress(FileExistsError), self._file.open("xb") as file:
            try:
                if hasattr(os, "posix_fallocate"):  # not on macOS
                    os.posix_fallocate(file.fileno(), 0, size)
            except OSError:
                self._file.unlink()
                raise

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize
