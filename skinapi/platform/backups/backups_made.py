"""Which backups were made of this store, as far as it knows: a receipt of an erasure names those
that may hold the person. It does not know of copies of them, nor of what others copied of its disk.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from skinapi.base.errors import NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store

COLLECTION = "backups"
MOST = 10_000  # 27 years of one each night
Place = Literal["file", "folder", "stdout"]


class BackupMade(StoredRecord):
    """`created_at`: when it was begun, so what was erased before is not in it. `written_at`: when
    it was whole; without, the command was ended, and may have left a part. `name` is that of its
    file, without its folder. `gone_at`: since when it is known to exist no more, because `--keep`
    removed it or the operator said that it was destroyed.
    """

    id: str
    created_at: datetime
    place: Place
    name: str | None = None
    written_at: datetime | None = None
    gone_at: datetime | None = None
    gone: Literal["removed", "destroyed"] | None = None


def begin_backup(store: Store, *, place: Place, name: str | None) -> str:
    """Remember that a backup is made; call it before its first byte. Returns its id."""
    made = BackupMade(id=new_id(), created_at=now(), place=place, name=name)
    store.collection(COLLECTION).insert({**made.stored(), "schema": 1})
    return made.id


def end_backup(store: Store, identifier: str) -> None:
    """Remember that it is whole."""
    store.collection(COLLECTION).update({"id": identifier}, {"$set": {"written_at": now()}})


def list_backups(store: Store) -> list[BackupMade]:
    """Those that were made, the newest first."""
    found = store.collection(COLLECTION).find(sort="-id", limit=MOST)
    return [BackupMade.model_validate(one) for one in found]


LOOKED_AT = 50  # the newest may have been ended


def find_last_backup(store: Store) -> datetime | None:
    """When the newest whole one was written."""
    for one in store.collection(COLLECTION).find(sort="-id", limit=LOOKED_AT):
        if written := one.get("written_at"):
            return written  # type: ignore[no-any-return]
    return None


def may_hold(backups: Iterable[BackupMade], *, since: datetime) -> list[BackupMade]:
    """Those that may hold what was stored at this time, and are still there as far as known."""
    return [one for one in backups if one.gone_at is None and one.created_at >= since]


def note_removed(store: Store, names: Iterable[str]) -> None:
    """`--keep` has removed the files with these names."""
    gone = {"gone_at": now(), "gone": "removed"}
    for name in names:
        store.collection(COLLECTION).update_all({"name": name, "gone_at": None}, {"$set": gone})


def note_destroyed(store: Store, identifier: str) -> None:
    """The operator says that this backup, with all copies of it, exists no more. Raises NotFound
    where there is none with this id that was not gone.
    """
    gone = {"gone_at": now(), "gone": "destroyed"}
    still = {"id": identifier, "gone_at": None}
    if not store.collection(COLLECTION).update(still, {"$set": gone}):
        raise NotFound(f"No backup with the id {identifier} is known that still exists")
