"""MongoDB's `compact`, over all collections of the database.

It does not block reads and writes, since MongoDB 4.4:
https://www.mongodb.com/docs/manual/reference/command/compact/
"""

import pymongo
from pymongo.database import Database
from pymongo.errors import OperationFailure

from skinapi.storage.mongo.mongo_transactions import mongo_errors
from skinapi.storage.ports import Document


def compact_all(database: Database[Document], *, within_s: float) -> bool:
    """Compact each collection, in so many seconds each. False where the server refuses it, as to a
    user without the role `dbAdmin`. Raises StoreUnavailable.
    """
    with mongo_errors():
        for name in database.list_collection_names():
            try:
                with pymongo.timeout(within_s):
                    # `force`: on a primary, which goes on serving meanwhile.
                    database.command({"compact": name, "force": True})
            except OperationFailure:
                return False
    return True
