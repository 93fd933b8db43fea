"""The quarantine: a folder where uploads are unpacked and checked, and nothing else is written.

Each check has a folder of its own in it, removed at its end. Where the process was killed, the next
process that opens the quarantine removes it: it recognises such a folder by the lock that only a
living process holds.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from skinapi.errors import PayloadTooLarge
from skinapi.server.spool_file import CHECK_EVERY, refuse_full_disk
from skinapi.storage.files import disk_error
from skinapi.web.size_limits import size_in_words

CHECK_PREFIX = "check-"


class Quarantine:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def opened(self, *, most: int) -> Iterator["QuarantineFolder"]:
        """A new folder that may hold `most` bytes, removed at the end.

        Raises DiskFull or StoreUnavailable, also for the caller's own writes to it.
        """
        path = self._folder / f"{CHECK_PREFIX}{secrets.token_hex(8)}"
        lock = -1
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path.mkdir(mode=0o700)
            lock = _locked(path)
            yield QuarantineFolder(path, most)
        except OSError as error:
            raise disk_error(error) from error
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if lock >= 0:
                os.close(lock)

    @contextmanager
    def copied(self, pieces: Iterable[bytes]) -> Iterator[IO[bytes]]:
        """These bytes as a file without a name, while a folder of the quarantine is open."""
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for piece in pieces:
                refuse_full_disk(self._folder)
                file.write(piece)
            file.seek(0)
            yield file

    def sweep(self) -> None:
        """Remove what killed processes left behind."""
        for path in self._folder.glob(f"{CHECK_PREFIX}*"):
            with suppress(OSError):  # another process removes it at the same moment
                os.close(_locked(path))
                shutil.rmtree(path, ignore_errors=True)


def _locked(folder: Path) -> int:
    """The file descriptor that holds the folder's lock. Raises BlockingIOError where another
    process holds it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


class QuarantineFolder:
    """Files under names of our own: the names that people gave are never used on the disk."""

    def __init__(self, path: Path, most: int) -> None:
        self.path = path
        self._most = most
        self._checked_at = 0
        self.size = 0
        self._files = 0

    @contextmanager
    def new_file(self) -> Iterator[tuple[Path, "QuarantineFile"]]:
        """A file to write. Its bytes count also where it is deleted later."""
        self._files += 1
        path = self.path / f"{self._files:06d}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield path, QuarantineFile(self, file)

    def count(self, size: int) -> None:
        """Raises PayloadTooLarge past the folder's limit, OSError where the disk is full."""
        self.size += size
        if self.size > self._most:
            raise PayloadTooLarge(f"The data set has more than {size_in_words(self._most)}")
        if self.size - self._checked_at >= CHECK_EVERY:
            self._checked_at = self.size
            refuse_full_disk(self.path)


class QuarantineFile:
    def __init__(self, folder: QuarantineFolder, file: BinaryIO) -> None:
        self._folder = folder
        self._file = file
        self.size = 0

    def write(self, data: bytes) -> None:
        """Raises PayloadTooLarge before more is written than the folder may hold."""
        self._folder.count(len(data))
        self._file.write(data)
        self.size += len(data)
