"""Blobs as files: written beside their place, synced, then renamed into it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skinapi.storage.disk_errors import disk_error
from skinapi.storage.ids import BLOB_KEY, check_blob_key, checked, new_blob_key

LONGEST_WRITE_S = 3600


class FileBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        place = self._place(key)
        with _disk_errors():
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_suffix(".draft")
            try:
                _write_synced(draft, data)
                draft.replace(place)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(place.parent)
            _sync_folder(self._folder)
        return key

    def get(self, key: str) -> bytes | None:
        with _disk_errors():
            try:
                data = self._place(key).read_bytes()
            except FileNotFoundError:
                return None
        return checked(key, data)

    def delete(self, key: str) -> None:
        with _disk_errors():
            self._place(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        with _disk_errors():
            for path in self._folder.glob("*/*"):
                if BLOB_KEY.fullmatch(path.name):
                    yield path.name

    def sweep(self) -> None:
        with _disk_errors():
            for draft in self._folder.glob("*/*.draft"):
                with suppress(FileNotFoundError):  # its writer has just finished
                    if time.time() - draft.stat().st_mtime > LONGEST_WRITE_S:
                        draft.unlink()

    def _place(self, key: str) -> Path:
        """The last two random digits of the id name the folder, so that folders fill evenly."""
        return self._folder / check_blob_key(key)[30:32] / key


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
