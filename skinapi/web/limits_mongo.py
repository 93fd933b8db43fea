"""Moving windows of the rate limits in MongoDB: the library's storage, with its faults mended."""

import time
from urllib.parse import urlsplit

import pymongo
from limits.storage import MongoDBStorage
from pymongo.errors import ConfigurationError

from skinapi.storage.ids import CLOCK_TOLERANCE
from skinapi.storage.mongo_snapshot import LIMIT_COUNTERS, LIMIT_WINDOWS
from skinapi.storage.outage import TIMEOUTS


class MongoWindowStorage(MongoDBStorage):
    STORAGE_SCHEME = ["skinapi-mongodb"]  # noqa: RUF012 (the base class reads a list)

    @classmethod
    def at(cls, uri: str) -> "MongoWindowStorage":
        """In the database that the URI names, so that two installations on one MongoDB server have
        separate counts. Does not connect yet. Raises ValueError for a URI that is not valid.
        """
        # The library reads the URI at the first request, and again at the end.
        try:
            pymongo.MongoClient(uri, connect=False).close()
        except ConfigurationError as error:
            raise ValueError from error
        return cls(
            uri,
            database_name=urlsplit(uri).path.strip("/") or "limits",
            counter_collection_name=LIMIT_COUNTERS,
            window_collection_name=LIMIT_WINDOWS,
            wrap_exceptions=True,
            **TIMEOUTS,
        )

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request; False where the window is full.

        The first requests of a window collide, because each of them creates it, and the library
        refuses all but one. So a refused request is tried again: by then the window exists. Before
        that, a window with requests in the future is removed: after the clock was put back, they
        would count until the clock has caught up.
        """
        acquire = super().acquire_entry
        if acquire(key, limit, expiry, amount):
            return True
        tolerance = min(expiry, CLOCK_TOLERANCE.total_seconds())
        self.windows.delete_one({"_id": key, "entries.0": {"$gt": time.time() + tolerance}})
        return acquire(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the window begins, and how many requests it counts. A window whose requests have all
        expired begins now; the library returns None for it.
        """
        oldest, spent = super().get_moving_window(key, limit, expiry)
        return oldest or time.time(), spent
