"""Blobs in MongoDB's GridFS. The entry in `fs.files` is written after all chunks, so a reader sees
the whole blob or none.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from gridfs.errors import CorruptGridFile
from pymongo import WriteConcern
from pymongo.database import Database

from skinapi.base.errors import BlobDamaged
from skinapi.platform.mongo.mongo_transactions import mongo_errors, with_longer_timeout
from skinapi.platform.mongo.outage import ErrorContext
from skinapi.platform.storage.ids import (
    LONGEST_WRITE,
    new_blob_key,
    now,
    require_blob_key,
    verified_blob,
)
from skinapi.platform.storage.ports import Document

CHUNK_BYTES = 255 * 1024  # the specification's default


class GridBlobs:
    def __init__(
        self, database: Database[Document], error_context: ErrorContext = mongo_errors
    ) -> None:
        self._error_context = error_context
        self._longer_timeout = partial(with_longer_timeout, database.client)
        self._bucket = GridFSBucket(database, write_concern=WriteConcern(w="majority", j=True))
        self._files = database["fs.files"]
        self._chunks = database["fs.chunks"]
        self._indexed = False

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        with self._error_context():
            self._upload(key, data)
        return key

    def put_as(self, key: str, data: bytes) -> None:
        with self._error_context():
            if not self._files.find_one({"filename": require_blob_key(key)}, {"_id": 1}):
                self._upload(key, verified_blob(key, data))

    def _upload(self, key: str, data: bytes) -> None:
        """The driver looks at each upload whether both collections are empty and need indexes; here
        it does so once. https://github.com/mongodb/specifications/blob/master/source/gridfs/
        """
        if not self._indexed:
            self._bucket.upload_from_stream(key, data)
            self._indexed = True
            return
        entry = {
            "_id": ObjectId(),
            "filename": key,
            "length": len(data),
            "chunkSize": CHUNK_BYTES,
            "uploadDate": now(),
        }
        pieces = [data[begin : begin + CHUNK_BYTES] for begin in range(0, len(data), CHUNK_BYTES)]
        chunks = [
            {"files_id": entry["_id"], "n": number, "data": piece}
            for number, piece in enumerate(pieces)
        ]
        if chunks:
            self._chunks.insert_many(chunks)
        self._files.insert_one(entry)

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
        with self._error_context(), self._longer_timeout():
            for orphan in self._chunks.aggregate(
                [
                    {"$match": {"files_id": {"$lt": oldest_running}}},
                    {"$group": {"_id": "$files_id"}},
                    {
                        "$lookup": {
                            "from": "fs.files",
                            "localField": "_id",
                            "foreignField": "_id",
                            "as": "entries",
                        }
                    },
                    {"$match": {"entries": []}},
                ]
            ):
                self._chunks.delete_many({"files_id": orphan["_id"]})
