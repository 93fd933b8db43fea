"""Blobs as files: written to a temporary file, synced, then renamed to the final path.

Their folder is made once, before a server starts, and holds a file that proves it: an empty folder
in its place, such as the one below a disk that is not mounted, is an error and takes no file.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from skinapi.errors import BlobDamaged, StoreUnavailable
from skinapi.logs import log
from skinapi.storage.files.disk_errors import LOST_BLOBS, disk_errors
from skinapi.storage.files.durable import DRAFT, sync, write_durably
from skinapi.storage.ids import (
    BLOB_KEY,
    LONGEST_WRITE,
    new_blob_key,
    require_blob_key,
    verified_blob,
)

NOT_A_FILE = {errno.ELOOP, errno.ENXIO}  # a link to itself, a socket
PROOF = b"Files of SkinAPI are kept here. Without this file the folder is taken for another one.\n"


class FileBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._proof = folder / "made"
        self._reported = False

    def make(self) -> None:
        """Make the folder. Call it once, with the database's file."""
        with disk_errors():
            self._folder.mkdir(exist_ok=True)
            write_durably(self._proof, PROOF)

    def refuse_if_lost(self) -> None:
        """Raises StoreUnavailable if the folder was removed or replaced."""
        with disk_errors():
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
        self.refuse_if_lost()
        with disk_errors():
            path.parent.mkdir(exist_ok=True)
            write_durably(path, data)
            sync(self._folder)

    def find(self, key: str) -> bytes | None:
        with disk_errors():
            try:
                data = _read_regular(self._path_of(key))
            except FileNotFoundError:
                self.refuse_if_lost()
                return None
        return verified_blob(key, data)

    def delete(self, key: str) -> None:
        self.refuse_if_lost()  # a file that is away for a while would come back undeleted
        with disk_errors():
            self._path_of(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        self.refuse_if_lost()
        with disk_errors():
            for path in self._folder.glob("*/*"):
                if BLOB_KEY.fullmatch(path.name):
                    yield path.name

    def sweep(self) -> None:
        with disk_errors():
            for draft in self._folder.glob(f"*/*{DRAFT}"):
                with suppress(FileNotFoundError):  # its writer has renamed it in the meantime
                    if time.time() - draft.stat().st_mtime > LONGEST_WRITE.total_seconds():
                        draft.unlink()

    def _path_of(self, key: str) -> Path:
        """The blob's path. The folder is the last two digits of the id, which are random, so that
        all folders fill evenly.
        """
        return self._folder / require_blob_key(key)[30:32] / key


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
