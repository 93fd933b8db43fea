"""Moving windows in MongoDB: the library's own, made sure of two things."""

import time
from urllib.parse import urlsplit

from limits.storage import MongoDBStorage

from skinapi.storage.outage import TIMEOUTS


class MongoWindows(MongoDBStorage):
    STORAGE_SCHEME = ["skinapi-mongodb"]  # noqa: RUF012 (the base class reads a list)

    @classmethod
    def at(cls, uri: str) -> "MongoWindows":
        """In the database that the URI names, so that two houses on one server stay apart."""
        return cls(
            uri,
            database_name=urlsplit(uri).path.strip("/") or "limits",
            counter_collection_name="limit_counters",
            window_collection_name="limit_windows",
            wrap_exceptions=True,
            **TIMEOUTS,
        )

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """The first hits of a window collide as each of them makes it, and all but one were
        refused; the second time it is there. Hits that lie ahead of a clock that was put back
        would count until it has caught up with them."""
        acquire = super().acquire_entry
        if acquire(key, limit, expiry, amount):
            return True
        self.windows.delete_one({"_id": key, "entries.0": {"$gt": time.time() + expiry}})
        return acquire(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """A window whose hits have all expired begins now, not at None."""
        oldest, spent = super().get_moving_window(key, limit, expiry)
        return oldest or time.time(), spent
