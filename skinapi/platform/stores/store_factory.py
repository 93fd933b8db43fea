import importlib
from contextlib import suppress
from pathlib import Path

from skinapi.base.errors import StoreRefused, StoreUnavailable, UnsafeSettings
from skinapi.base.settings.instance_folder import open_folder
from skinapi.base.settings.settings import Settings
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.ports import Store
from skinapi.platform.stores.sqlite_store import SqliteStore

GROUP_AND_OTHERS = 0o077


def open_store(settings: Settings) -> Store:
    if mongo_uri := settings.secret("mongo_uri"):
        # Imported late: a server on SQLite does without the driver.
        module = importlib.import_module("skinapi.platform.stores.mongo_store")
        mongo = module.MongoStore.at(mongo_uri)
        mongo.refuse_unusable()
        opened: Store = mongo
        return opened
    store = _sqlite_store(settings.instance_dir)
    store.refuse_if_lost()
    return store


def make_store(settings: Settings) -> None:
    """Create what `open_store` opens. MongoDB only needs the instance folder for the files of this
    machine.

    Call it before a server starts, never in a process that serves: the folder may be missing
    temporarily, and a new one in its place would obstruct its return.
    """
    if settings.mongo_uri:
        with suppress(OSError):  # models have another place, and what needs this one says so
            settings.instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        _close_folder(settings.instance_dir)
        _sqlite_store(settings.instance_dir).make()


def refuse_wrong_store(settings: Settings) -> None:
    """Raise StoreRefused if MongoDB rejects the settings, but not if waiting may help. Leaves no
    connection open.
    """
    if settings.mongo_uri:
        try:
            open_store(settings).close()
        except StoreRefused:
            raise
        except StoreUnavailable:
            return  # the workers wait for it, and say why


def _sqlite_store(folder: Path) -> SqliteStore:
    return SqliteStore(folder / "skinapi.db", FileBlobs(folder / "blobs"))


def _close_folder(folder: Path) -> None:
    open_folder(folder)
    # mkdir ignores `mode` for a folder that exists, so an old one is checked and changed here.
    mode = folder.stat().st_mode
    if mode & GROUP_AND_OTHERS:
        try:
            folder.chmod(mode & 0o700)
        except OSError as error:
            raise UnsafeSettings(
                "Other users of this machine can read INSTANCE_DIR: give its folder the mode 0700"
            ) from error
