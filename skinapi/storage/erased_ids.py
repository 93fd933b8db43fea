"""The ids of accounts and findings that were erased, for a restore of a backup from before.

Only ids: nobody is named. The list is never deleted.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from skinapi.storage.ids import now
from skinapi.storage.ports import Ops, Store
from skinapi.stored_record import StoredRecord

ErasedKind = Literal["account", "finding"]
COLLECTION = "erased_ids"
AT_ONCE = 500


class Erased(StoredRecord):
    """`id` is that of the account or finding, `created_at` when it was erased. `scrubbed_at`: when
    the store had overwritten what was deleted, as far as it can.
    """

    id: str
    created_at: datetime
    kind: ErasedKind
    scrubbed_at: datetime | None = None


class ErasedIds:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection(COLLECTION)
        self._documents.ensure_index("scrubbed_at")

    def add(self, kind: ErasedKind, identifier: str) -> None:
        """Call it in the transaction that deletes the account or finding. It may be on the list."""
        erased = {"kind": kind, "created_at": now(), "schema": 1}
        ops: Ops = {"$set": erased, "$unset": {"scrubbed_at": True}}
        self._documents.update({"id": identifier}, ops, upsert=True)

    def find(self, identifier: str) -> Erased | None:
        found = self._documents.get(identifier)
        return Erased.model_validate(found) if found else None

    def list_all(self) -> Iterator[Erased]:
        after = None
        while page := self._documents.find(after=after, limit=AT_ONCE):
            yield from map(Erased.model_validate, page)
            after = page[-1]["id"]
