"""Files that appear whole or not at all, also after a kill or a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from skinapi.errors import Conflict

DRAFT = ".draft"


@contextmanager
def written_durably(path: Path) -> Iterator[Path]:
    """A draft to write. At the end it is synced and takes the place of `path`; if the block raises,
    it is removed and `path` stays as it was.
    """
    draft = path.with_name(path.name + DRAFT)
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)  # else a power cut may undo the rename


def write_durably(path: Path, data: bytes) -> None:
    with written_durably(path) as draft:
        draft.write_bytes(data)


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


def rename_durably(path: Path, target: Path) -> None:
    path.rename(target)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the disk has this file, or the names in this folder: syncing a file does not make
    its name durable, see fsync(2).
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
