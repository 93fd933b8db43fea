"""Blobs as files: written to a temporary file, synced, then renamed to the final path.

Their folder is made once, before a server starts, and holds a file that proves it: an empty folder
in its place, such as the one below a disk that is not mounted, is an error and takes no file.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import structlog

from skinapi.errors import BlobDamaged, Conflict, StoreUnavailable
from skinapi.storage.files.disk_errors import LOST_BLOBS, disk_error
from skinapi.storage.files.durable import sync, written_durably
from skinapi.storage.ids import BLOB_KEY, check_blob_key, new_blob_key, verified_blob

log: Any = structlog.get_logger("skinapi")
LONGEST_WRITE_S = 3600
NOT_A_FILE = {errno.ELOOP, errno.ENXIO}  # a link to itself, a socket
PROOF = b"Files of SkinAPI are kept here. Without this file the folder is taken for another one.\n"
MARKER = b"A folder of files was made here. While this file is here, no empty one is taken.\n"


class FileBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marker, self._proof = folder.with_name(f"{folder.name}-made"), folder / "made"
        self._reported = False

    def make(self) -> None:
        """Make the folder, unless that was done before. Like the database's file, not by whoever
        serves (sqlite_file.py). A folder without a marker is an earlier version's.
        """
        if self._marker.exists():
            return
        with _disk_errors():
            self._folder.mkdir(exist_ok=True)
            write_synced(self._proof, PROOF)
            write_synced(self._marker, MARKER)

    def check_in_place(self) -> None:
        """Raises StoreUnavailable if the folder was removed or replaced."""
        with _disk_errors():
            lost = not self._proof.exists()
        if lost != self._reported:
            self._reported = lost
            if lost:
                log.error(LOST_BLOBS, folder=str(self._folder))
            else:
                log.info("the folder of stored files is back", folder=str(self._folder))
        if lost:
            raise StoreUnavailable(LOST_BLOBS)

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        self._write_to(self._path_of(key), data)
        return key

    def put_as(self, key: str, data: bytes) -> None:
        path = self._path_of(key)
        if not path.exists():
            self._write_to(path, verified_blob(key, data))

    def _write_to(self, path: Path, data: bytes) -> None:
        self.check_in_place()
        with _disk_errors():
            path.parent.mkdir(exist_ok=True)
            temporary = path.with_suffix(".draft")
            try:
                _write(temporary, data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            sync(path.parent)
            sync(self._folder)

    def get(self, key: str) -> bytes | None:
        with _disk_errors():
            try:
                data = _read_regular(self._path_of(key))
            except FileNotFoundError:
                self.check_in_place()
                return None
        return verified_blob(key, data)

    def delete(self, key: str) -> None:
        self.check_in_place()  # a file that is away for a while would come back undeleted
        with _disk_errors():
            self._path_of(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        self.check_in_place()
        with _disk_errors():
            for path in self._folder.glob("*/*"):
                if BLOB_KEY.fullmatch(path.name):
                    yield path.name

    def sweep(self) -> None:
        with _disk_errors():
            for temporary in self._folder.glob("*/*.draft"):
                with suppress(FileNotFoundError):  # its writer has renamed it in the meantime
                    if time.time() - temporary.stat().st_mtime > LONGEST_WRITE_S:
                        temporary.unlink()

    def _path_of(self, key: str) -> Path:
        """The blob's path. The folder is the last two digits of the id, which are random, so that
        all folders fill evenly.
        """
        return self._folder / check_blob_key(key)[30:32] / key


def _read_regular(path: Path) -> bytes:
    """The content of a file. Raises BlobDamaged where something else stands in its place: reading a
    pipe or a device would never end.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in NOT_A_FILE:
            raise BlobDamaged from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BlobDamaged
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise DiskFull or StoreUnavailable instead of OSError."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that no other user can read. It appears under its name when the block ends,
    whole and durable, or not at all. Raises Conflict if the name is taken, or cannot be written.
    """
    if path.exists():
        raise Conflict(f"{path.name} exists already")
    try:
        with written_durably(path) as draft, open(draft, "wb", opener=_private) as file:
            yield file
    except OSError as error:
        raise Conflict(f"{path.name} cannot be written: {error.strerror}") from error


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def write_synced(path: Path, data: bytes) -> None:
    """Write the file, and make it and its name in the folder durable."""
    _write(path, data)
    sync(path.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()  # from Python's buffer to the kernel; fsync then writes it to the disk
        os.fsync(file.fileno())
