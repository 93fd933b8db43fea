"""MongoDB's `compact`, of the collections with much free room in their files.

It does not block reads and writes, since MongoDB 4.4:
https://www.mongodb.com/docs/manual/reference/command/compact/
But it makes some checkpoints of the whole database each time: of 60 small collections it took more
than 100 s on busy cores, and moved nothing.
"""

import pymongo
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from skinapi.platform.mongo.mongo_transactions import mongo_errors
from skinapi.platform.storage.ports import Document

LEAST_FREE_BYTES = 2**20


def compact_all(database: Database[Document], *, within_s: float) -> bool:
    """Compact what is worth it, in so many seconds: what is left then waits for the next call.
    False where the server refuses it, as to a user without the role `dbAdmin`. Raises
    StoreUnavailable.
    """
    with mongo_errors():
        names = database.list_collection_names()
        try:
            with pymongo.timeout(within_s):
                for name in names:
                    if _free_bytes(database, name) >= LEAST_FREE_BYTES:
                        # `force`: on a primary, which goes on serving meanwhile.
                        database.command({"compact": name, "force": True})
        except PyMongoError as error:
            if error.timeout:
                return True
            if isinstance(error, OperationFailure):
                return False
            raise
    return True


def _free_bytes(database: Database[Document], name: str) -> int:
    """In the file of this collection."""
    said = database.command({"collStats": name}).get("wiredTiger", {})
    free: int = said.get("block-manager", {}).get("file bytes available for reuse", 0)
    return free
