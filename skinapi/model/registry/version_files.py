"""The files of a stored model, split into blobs: a model may have 400 MB, and only one piece at a
time is in memory.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from skinapi.base.errors import BlobDamaged, ModelDamaged
from skinapi.base.stored_record import StoredRecord
from skinapi.model.network.model import MB
from skinapi.model.network.model_checks import sum_file
from skinapi.platform.storage.files import disk_errors, locked, refuse_full_disk
from skinapi.platform.storage.ports import Blobs

PIECE_BYTES = 8 * MB
DRAFT = ".draft-"
LOCK = ".lock"


class StoredFile(StoredRecord):
    name: str
    size: int
    sha256: str
    piece_blobs: tuple[str, ...]


def store_files(blobs: Blobs, folder: Path) -> tuple[StoredFile, ...]:
    keys: list[str] = []
    try:
        return tuple(
            _store_file(blobs, path, keys) for path in sorted(folder.iterdir()) if path.is_file()
        )
    except BaseException:
        # If the store is away too, `check` finds these blobs later.
        for key in keys:
            blobs.delete(key)
        raise


def _store_file(blobs: Blobs, path: Path, keys: list[str]) -> StoredFile:
    digest, size, first = hashlib.sha256(), 0, len(keys)
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            keys.append(blobs.put(piece))
            digest.update(piece)
            size += len(piece)
    pieces = tuple(keys[first:])
    return StoredFile(name=path.name, size=size, sha256=digest.hexdigest(), piece_blobs=pieces)


def write_files(blobs: Blobs, files: Collection[StoredFile], folder: Path) -> None:
    """Write the files into this folder atomically. Only one process of a machine does so."""
    with disk_errors():
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        with locked(folder.parent / LOCK):
            if _holds(folder, files):
                return
            for draft in folder.parent.glob(
                f"{DRAFT}*"
            ):  # left by killed writers: we hold the lock
                shutil.rmtree(draft, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder.parent))
            try:
                for file in files:
                    with (draft / file.name).open("wb") as target:
                        target.writelines(_pieces(blobs, file))
                if folder.exists():
                    shutil.rmtree(folder)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)


def refuse_without_room(files: Collection[StoredFile], folder: Path) -> None:
    """Reads the folder only if the disk is short of room, because it is called in transactions."""
    with disk_errors():
        try:
            refuse_full_disk(folder.parent, sum(file.size for file in files))
        except OSError:
            if not _holds(folder, files):
                raise


def read_file(blobs: Blobs, file: StoredFile) -> bytes:
    return b"".join(_pieces(blobs, file))


def _pieces(blobs: Blobs, file: StoredFile) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for key in file.piece_blobs:
        try:
            piece = blobs.find(key)
        except BlobDamaged as error:
            raise _damaged(file) from error
        if piece is None:
            raise _damaged(file)
        digest.update(piece)
        yield piece
    if digest.hexdigest() != file.sha256:
        raise _damaged(file)


def _damaged(file: StoredFile) -> ModelDamaged:
    return ModelDamaged(
        f"The stored file {file.name} is incomplete or damaged; `python -m skinapi check` names it",
        file=file.name,
    )


def _holds(folder: Path, files: Collection[StoredFile]) -> bool:
    if not folder.is_dir() or {path.name for path in folder.iterdir()} != {f.name for f in files}:
        return False
    return all(
        (folder / file.name).is_file() and sum_file(folder / file.name) == file.sha256
        for file in files
    )


def prune_folders(parent: Path, keep: Collection[str]) -> None:
    if not parent.is_dir():
        return
    with disk_errors(), locked(parent / LOCK):
        for folder in parent.iterdir():
            if folder.is_dir() and folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def models_folder(instance_dir: Path) -> Path:
    """The folder for models in INSTANCE_DIR or, if that is not writable, in a private temporary
    folder. (`export` writes to `models`.)
    """
    folder = instance_dir / "served-models"
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    with disk_errors():
        own = Path(tempfile.gettempdir()) / f"skinapi-models-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        # Another user may have created it to plant their own network.
        found = own.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise ModelDamaged(f"{own} belongs to somebody else, so no model is kept there")
    return own
