"""Where things are kept: the Documents and Blobs ports, and the stores that implement them."""

from pathlib import Path

from skinapi.errors import UnsafeSettings
from skinapi.storage.files import FileBlobs
from skinapi.storage.mongo import MongoStore
from skinapi.storage.ports import Store
from skinapi.storage.sqlite import SqliteStore

READABLE_BY_OTHERS = 0o077


def open_store(*, instance_dir: Path, mongo_uri: str | None) -> Store:
    """MongoDB with GridFS where a URI is given, else SQLite and files in the instance folder."""
    if mongo_uri:
        return MongoStore.at(mongo_uri)
    close_folder(instance_dir)
    return SqliteStore(instance_dir / "skinapi.db", FileBlobs(instance_dir / "blobs"))


def close_folder(folder: Path) -> None:
    """Make the folder, if it is not there, and let no other user of this machine look into it.

    Raises UnsafeSettings where it belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if mode & READABLE_BY_OTHERS:
        try:
            folder.chmod(mode & 0o700)
        except OSError as error:
            raise UnsafeSettings(
                "Other users of this machine can read INSTANCE_DIR: give its folder the mode 0700"
            ) from error
