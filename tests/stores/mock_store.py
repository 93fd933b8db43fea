"""mongomock as a store, for tests that need no transaction and no second thread."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import mongomock
import mongomock.gridfs

from skinapi.platform.storage.ports import Document, Remnant, Scrubbed
from skinapi.platform.stores.mongo_documents import MongoDocuments
from skinapi.platform.stores.mongo_store import MongoStore

mongomock.gridfs.enable_gridfs_integration()  # type: ignore[no-untyped-call]
T = TypeVar("T")


class MockDocuments(MongoDocuments):
    def set_each(self, changes: Mapping[str, Document]) -> None:
        """mongomock does not support the bulk writes of this driver."""
        for identifier, fields in changes.items():
            self.update({"id": identifier}, {"$set": fields})


class MockStore(MongoStore):
    """It rolls nothing back, because mongomock has no transactions."""

    one_writer = True

    def __init__(self) -> None:
        client: Any = mongomock.MongoClient(tz_aware=True)
        super().__init__(client["test"])
        self.blobs._bucket._timeout = None  # type: ignore[attr-defined]  # mongomock has no options

    def collection(self, name: str) -> MongoDocuments:
        if name not in self._collections:
            self._collections[name] = MockDocuments(
                self._database[name], self._error_context, self._transactions
            )
        return self._collections[name]

    def scrub(self, *, any_size: bool = False) -> Scrubbed:  # noqa: ARG002 (the port's)
        return Scrubbed((Remnant.DISK,))  # it has no file

    def transaction(self, act: Callable[[], T]) -> T:
        return act()
