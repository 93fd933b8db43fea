"""Moving windows of the rate limits in MongoDB: exact across servers, one command for each hit.

A window is a document with the times of its hits, newest first.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pymongo
from limits import RateLimitItem
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError, DuplicateKeyError

from skinapi.platform.stores.mongo_store import LIMIT_WINDOWS
from skinapi.platform.stores.mongo_transactions import mongo_errors
from skinapi.platform.stores.outage import TIMEOUTS
from skinapi.platform.web.rate_limits import Window

# Losing the counts of the last moments does no harm, so no hit waits for the other members.
QUICK = pymongo.WriteConcern(w=1, j=False)


# What a hit answers with, instead of the times of all hits.
ANSWER = {"allowed": 1, "spent": {"$size": "$entries"}, "oldest": {"$min": "$entries"}}


class MongoWindows:
    def __init__(self, uri: str) -> None:
        try:
            client: pymongo.MongoClient[Any] = pymongo.MongoClient(uri, connect=False, **TIMEOUTS)
        except ConfigurationError as error:
            raise ValueError from error
        database = client[urlsplit(uri).path.strip("/") or "limits"]
        self._windows: Collection[Any] = database[LIMIT_WINDOWS].with_options(write_concern=QUICK)
        self._lock = threading.Lock()
        self._indexed = False

    def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> Window:
        key, moment = {"_id": item.key_for(*names)}, time.time()
        with mongo_errors():
            if not self._indexed:
                with self._lock:  # MongoDB removes windows whose hits have all expired
                    self._windows.create_index("expireAt", expireAfterSeconds=0)
                    self._indexed = True
            try:
                found = self._count(key, item, moment, cost)
            except DuplicateKeyError:  # another first hit has made the window
                found = self._count(key, item, moment, cost)
        oldest = found["oldest"] or moment
        return Window(found["allowed"], item.amount - found["spent"], oldest + item.get_expiry())

    def ping(self) -> None:
        with mongo_errors():
            self._windows.database.command("ping")

    def close(self) -> None:
        self._windows.database.client.close()

    def _count(self, key: dict[str, str], item: RateLimitItem, moment: float, cost: int) -> Any:
        return self._windows.find_one_and_update(
            key,
            _pipeline(item.amount, item.get_expiry(), moment, cost),
            ANSWER,
            upsert=True,
            return_document=pymongo.ReturnDocument.AFTER,
        )


def _pipeline(amount: int, expiry: int, moment: float, cost: int) -> list[dict[str, Any]]:
    within = {"$gte": ["$$hit", moment - expiry]}
    kept = {"$ifNull": ["$entries", []]}
    more = {"$concatArrays": [[moment] * cost, "$entries"]}
    ends = datetime.fromtimestamp(moment, UTC) + timedelta(seconds=expiry)
    return [
        {"$set": {"entries": {"$filter": {"input": kept, "as": "hit", "cond": within}}}},
        {"$set": {"allowed": {"$lte": [{"$size": "$entries"}, amount - cost]}}},
        {"$set": {"entries": {"$cond": ["$allowed", more, "$entries"]}, "expireAt": ends}},
    ]
