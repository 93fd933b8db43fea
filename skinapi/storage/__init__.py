"""Where things are kept: the Documents and Blobs ports, and the stores that implement them."""

from pathlib import Path

from skinapi.storage.files import FileBlobs
from skinapi.storage.mongo import MongoStore
from skinapi.storage.ports import Store
from skinapi.storage.sqlite import SqliteStore


def open_store(*, instance_dir: Path, mongo_uri: str | None) -> Store:
    """MongoDB with GridFS where a URI is given, else SQLite and files in the instance folder."""
    if mongo_uri:
        return MongoStore.at(mongo_uri)
    instance_dir.mkdir(parents=True, exist_ok=True)
    return SqliteStore(instance_dir / "skinapi.db", FileBlobs(instance_dir / "blobs"))
