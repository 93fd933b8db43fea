"""Files that appear whole or not at all, also after a kill or a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
