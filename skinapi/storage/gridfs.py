"""Blobs in MongoDB's GridFS: the file's entry is written last, so a reader sees all or nothing."""

from collections.abc import Iterator
from datetime import timedelta

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from pymongo import WriteConcern
from pymongo.database import Database

from skinapi.storage.ids import checked, new_blob_key, now
from skinapi.storage.mongo_errors import mongo_errors
from skinapi.storage.ports import Document

LONGEST_UPLOAD = timedelta(hours=1)


class GridBlobs:
    def __init__(self, database: Database[Document]) -> None:
        self._bucket = GridFSBucket(database, write_concern=WriteConcern(w="majority", j=True))
        self._files = database["fs.files"]
        self._chunks = database["fs.chunks"]

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        with mongo_errors():
            self._bucket.upload_from_stream(key, data)
        return key

    def get(self, key: str) -> bytes | None:
        with mongo_errors():
            try:
                data: bytes = self._bucket.open_download_stream_by_name(key).read()
            except NoFile:
                return None
        return checked(key, data)

    def delete(self, key: str) -> None:
        with mongo_errors():
            for entry in self._files.find({"filename": key}, {"_id": 1}):
                self._bucket.delete(entry["_id"])

    def keys(self) -> Iterator[str]:
        with mongo_errors():
            yield from (entry["filename"] for entry in self._files.find({}, {"filename": 1}))

    def sweep(self) -> None:
        started = ObjectId.from_datetime(now() - LONGEST_UPLOAD)
        with mongo_errors():
            finished = self._files.distinct("_id")
            self._chunks.delete_many({"files_id": {"$nin": finished, "$lt": started}})
