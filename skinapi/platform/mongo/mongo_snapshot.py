"""All documents of a MongoDB as they were at one moment.

https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.documents import require_name
from skinapi.platform.storage.ports import Document

# The counts of the rate limits (platform/web/mongo_limit_windows.py). They are in this database
# too where MONGO_URI names one, and are no records: their form is that of another library, and
# they hold addresses.
LIMIT_COUNTERS, LIMIT_WINDOWS = "limit_counters", "limit_windows"
PAGE = 500
ATTEMPTS = 20
CHANGED = "Collections or indexes of the database changed while it was read; try again"
REFUSALS = {
    123: "A snapshot needs a MongoDB replica set; one of a single server is enough",
    239: (
        "The database was read for longer than MongoDB keeps a snapshot: set "
        "minSnapshotHistoryWindowInSeconds of its server to more"
    ),
    246: CHANGED,
}


class MongoSnapshot:
    def __init__(self, database: Database[Document], session: ClientSession) -> None:
        self._database = database
        self._session = session
        self._names = collections_of(database)

    def collections(self) -> list[str]:
        return self._names

    def documents(self, name: str) -> Iterator[Document]:
        after = ""
        while page := self._page(require_name(name), after):
            after = page[-1]["_id"]
            yield from ({"id": document.pop("_id"), **document} for document in page)

    def begin(self) -> bool:
        """Read from each collection; the first read sets the moment. Returns whether all
        collections of that moment are known: MongoDB does not list them in a snapshot.
        """
        for name in self._names:
            self._page(name, "", 1)
        return collections_of(self._database) == self._names

    def _page(self, name: str, after: str, limit: int = PAGE) -> list[Document]:
        later = {"_id": {"$gt": after}}
        cursor = self._database[name].find(later, sort=[("_id", 1)], session=self._session)
        return list(cursor.limit(limit))


@contextmanager
def mongo_snapshot(database: Database[Document]) -> Iterator[MongoSnapshot]:
    """Raises StoreUnavailable, with what to do, where MongoDB gives no snapshot or ends it."""
    try:
        for _ in range(ATTEMPTS):
            with database.client.start_session(snapshot=True) as session:
                snapshot = MongoSnapshot(database, session)
                if snapshot.begin():
                    yield snapshot
                    return
    except OperationFailure as error:
        if error.code in REFUSALS:
            raise StoreUnavailable(REFUSALS[error.code]) from error
        raise
    raise StoreUnavailable(CHANGED)


def collections_of(database: Database[Document]) -> list[str]:
    """Without those of GridFS and of the rate limits."""
    others = (LIMIT_COUNTERS, LIMIT_WINDOWS)
    names = database.list_collection_names()
    return sorted(name for name in names if "." not in name and name not in others)
