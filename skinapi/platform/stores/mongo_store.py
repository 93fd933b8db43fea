"""The store in MongoDB, with its blobs in GridFS. A write returns once a majority of the replica
set has journalled it: https://www.mongodb.com/docs/manual/reference/write-concern/
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import pymongo
from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from gridfs.errors import CorruptGridFile
from pymongo import WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from skinapi.base.errors import BlobDamaged, StoreUnavailable, UnsafeSettings
from skinapi.base.settings.value_checks import NOT_MONGO
from skinapi.platform.storage.documents import require_name
from skinapi.platform.storage.ids import (
    LONGEST_WRITE,
    new_blob_key,
    now,
    require_blob_key,
    verified_blob,
)
from skinapi.platform.storage.ports import Blobs, Document, Remnant, Scrubbed, Snapshot
from skinapi.platform.stores.mongo_diagnosis import explain_outage
from skinapi.platform.stores.mongo_documents import MongoDocuments
from skinapi.platform.stores.mongo_transactions import (
    INDEXING_S,
    LISTING_S,
    MongoTransactions,
    mongo_errors,
    with_longer_timeout,
)
from skinapi.platform.stores.outage import TIMEOUTS, ErrorContext, Outage

DATABASE = "skinapi"
# Reads see only what a majority has: what the primary alone has can be lost with it, and a retry
# must not be told of it. https://www.mongodb.com/docs/manual/reference/read-concern-majority/
DURABLE: dict[str, Any] = {
    "w": "majority",
    "journal": True,
    "readConcernLevel": "majority",
    "tz_aware": True,
}
STANDALONE = (
    "The MongoDB of MONGO_URI is no replica set, so it has no transactions. One server alone can "
    'be one: start mongod with --replSet rs0, then run mongosh --eval "rs.initiate()"'
)
MONGOS = "isdbgrid"
# The counts of the rate limits (platform/web/mongo_limit_windows.py). They are in this database
# too where MONGO_URI names one, and are no records: their form is that of another library, and
# they hold addresses.
LIMIT_COUNTERS, LIMIT_WINDOWS = "limit_counters", "limit_windows"
# `compact` makes some checkpoints of the whole database each time: of 60 small collections it took
# more than 100 s on busy cores, and moved nothing.
LEAST_FREE_BYTES = 2**20
PAGE = 500
SNAPSHOT_ATTEMPTS = 20
CHANGED = "Collections or indexes of the database changed while it was read; try again"
# https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
REFUSALS = {
    123: "A snapshot needs a MongoDB replica set; one of a single server is enough",
    239: (
        "The database was read for longer than MongoDB keeps a snapshot: set "
        "minSnapshotHistoryWindowInSeconds of its server to more"
    ),
    246: CHANGED,
}
T = TypeVar("T")


class MongoStore:
    blobs: Blobs
    one_writer = False

    def __init__(self, database: Database[Document], uri: str = "") -> None:
        self._database, self._uri = database, uri
        self._collections: dict[str, MongoDocuments] = {}
        self._error_context = Outage(mongo_errors).noticed
        self._transactions = MongoTransactions(database.client, self._error_context)
        self.blobs = GridBlobs(database, self._error_context)

    @classmethod
    def at(cls, uri: str) -> "MongoStore":
        try:
            client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, **DURABLE, **TIMEOUTS)
        except (ConfigurationError, ValueError, OSError):  # OSError: a file of its TLS options
            # Without its cause: that may quote the password.
            raise UnsafeSettings(NOT_MONGO) from None
        return cls(client.get_default_database(DATABASE), uri)

    def refuse_unusable(self) -> None:
        answer = self._ask(self._database.client.admin, "hello")
        if answer.get("isreplicaset"):  # a member of a set that is not initiated
            self.close()
            raise explain_outage(self._uri, StoreUnavailable(), self._database.name)
        if not answer.get("setName") and answer.get("msg") != MONGOS:
            self.close()
            raise UnsafeSettings(STANDALONE)
        self._ask(self._database, "listCollections", nameOnly=True)  # anybody may say hello

    def _ask(self, database: Database[Document], command: str, **options: Any) -> Document:
        try:
            with self._error_context():
                return database.command(command, **options)
        except StoreUnavailable as error:
            self.close()
            raise explain_outage(self._uri, error, self._database.name) from error

    def collection(self, name: str) -> MongoDocuments:
        collection = self._database[require_name(name)]
        documents = MongoDocuments(collection, self._error_context, self._transactions)
        return self._collections.setdefault(name, documents)

    def collections(self) -> list[str]:
        with self._error_context():
            return collections_of(self._database)

    def transaction(self, act: Callable[[], T]) -> T:
        return self._transactions.run(act)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._error_context():
            try:
                for _ in range(SNAPSHOT_ATTEMPTS):
                    with self._database.client.start_session(snapshot=True) as session:
                        snapshot = MongoSnapshot(self._database, session)
                        if snapshot.begin():
                            yield snapshot
                            return
            except OperationFailure as error:
                if error.code in REFUSALS:
                    raise StoreUnavailable(REFUSALS[error.code]) from error
                raise
            raise StoreUnavailable(CHANGED)

    def scrub(self, *, any_size: bool = False) -> Scrubbed:
        """MongoDB does not overwrite deleted data. `compact` moves live data into free blocks and
        truncates the file, while others read and write:
        https://www.mongodb.com/docs/manual/reference/command/compact/
        """
        remains = [Remnant.FREED_BLOCKS, Remnant.JOURNAL, Remnant.OPLOG, Remnant.DISK]
        if not self._compact(within_s=INDEXING_S if any_size else LISTING_S):
            remains.insert(0, Remnant.COMPACT_REFUSED)
        return Scrubbed(tuple(remains))

    def _compact(self, *, within_s: float) -> bool:
        with mongo_errors():
            names = self._database.list_collection_names()
            try:
                with pymongo.timeout(within_s):
                    for name in names:
                        if free_bytes(self._database, name) >= LEAST_FREE_BYTES:
                            # `force`: on a primary, which goes on serving meanwhile.
                            self._database.command({"compact": name, "force": True})
            except PyMongoError as error:
                if error.timeout:
                    return True
                if isinstance(error, OperationFailure):
                    return False
                raise
        return True

    def ping(self) -> None:
        """Also raises StoreUnavailable if the server is no longer the primary."""
        with self._error_context():
            self._database.command("ping")
            writable = self._database.client.is_primary
        if not writable:
            raise StoreUnavailable

    def close(self) -> None:
        self._database.client.close()


def free_bytes(database: Database[Document], name: str) -> int:
    engine = database.command({"collStats": name}).get("wiredTiger", {})
    free: int = engine.get("block-manager", {}).get("file bytes available for reuse", 0)
    return free


def collections_of(database: Database[Document]) -> list[str]:
    others = (LIMIT_COUNTERS, LIMIT_WINDOWS)
    names = database.list_collection_names()
    return sorted(name for name in names if "." not in name and name not in others)


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
        """Open a cursor on each collection; the first read sets the moment. Returns False if
        collections were added since.
        """
        for name in self._names:
            self._page(name, "", 1)
        return collections_of(self._database) == self._names

    def _page(self, name: str, after: str, limit: int = PAGE) -> list[Document]:
        later = {"_id": {"$gt": after}}
        cursor = self._database[name].find(later, sort=[("_id", 1)], session=self._session)
        return list(cursor.limit(limit))


class GridBlobs:
    """The entry in `fs.files` is written after all chunks, so a reader sees all or none."""

    def __init__(
        self, database: Database[Document], error_context: ErrorContext = mongo_errors
    ) -> None:
        self._error_context = error_context
        self._longer_timeout = partial(with_longer_timeout, database.client)
        self._bucket = GridFSBucket(database, write_concern=WriteConcern(w="majority", j=True))
        self._files = database["fs.files"]
        self._chunks = database["fs.chunks"]

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        with self._error_context():
            self._bucket.upload_from_stream(key, data)
        return key

    def put_as(self, key: str, data: bytes) -> None:
        with self._error_context():
            if not self._files.find_one({"filename": require_blob_key(key)}, {"_id": 1}):
                self._bucket.upload_from_stream(key, verified_blob(key, data))

    def find(self, key: str) -> bytes | None:
        with self._error_context():
            try:
                stream = self._bucket.open_download_stream_by_name(require_blob_key(key))
                data: bytes = stream.read()
            except NoFile:
                return None
            except CorruptGridFile as error:
                raise BlobDamaged from error
        return verified_blob(key, data)

    def name_of(self, key: str) -> str:
        return f"{key} of GridFS"

    def delete(self, key: str) -> None:
        with self._error_context():
            for entry in self._files.find({"filename": require_blob_key(key)}, {"_id": 1}):
                with suppress(NoFile):  # another request has deleted it
                    self._bucket.delete(entry["_id"])

    def keys(self) -> Iterator[str]:
        with self._error_context(), self._longer_timeout():
            entries = list(self._files.find({}, {"filename": 1}))
        yield from (entry["filename"] for entry in entries)

    def sweep(self) -> None:
        # Chunks of an upload that is still running have no entry in fs.files yet.
        oldest_running = ObjectId.from_datetime(now() - LONGEST_WRITE)
        by_id = {"localField": "_id", "foreignField": "_id"}
        with self._error_context(), self._longer_timeout():
            for orphan in self._chunks.aggregate(
                [
                    {"$match": {"files_id": {"$lt": oldest_running}}},
                    {"$group": {"_id": "$files_id"}},
                    {"$lookup": {"from": "fs.files", **by_id, "as": "entries"}},
                    {"$match": {"entries": []}},
                ]
            ):
                self._chunks.delete_many({"files_id": orphan["_id"]})
