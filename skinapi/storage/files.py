"""Blobs as files: written to a temporary file, synced, then renamed to the final path."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skinapi.storage.disk_errors import disk_error
from skinapi.storage.ids import BLOB_KEY, check_blob_key, new_blob_key, verified_blob

LONGEST_WRITE_S = 3600


class FileBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        path = self._path_of(key)
        with _disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".draft")
            try:
                _write_synced(temporary, data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(path.parent)
            _sync_folder(self._folder)
        return key

    def get(self, key: str) -> bytes | None:
        with _disk_errors():
            try:
                data = self._path_of(key).read_bytes()
            except FileNotFoundError:
                return None
        return verified_blob(key, data)

    def delete(self, key: str) -> None:
        with _disk_errors():
            self._path_of(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
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


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise DiskFull or StoreUnavailable instead of OSError."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()  # from Python's buffer to the kernel; fsync then writes it to the disk
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # fsync of the file does not make its directory entry durable, see fsync(2).
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
