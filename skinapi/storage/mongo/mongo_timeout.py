"""More time for the operations of MongoDB that are slow by their nature."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo

from skinapi.errors import StoreUnavailable

LISTING_S, INDEXING_S = 15, 600


@contextmanager
def with_longer_timeout(
    client: pymongo.MongoClient[Any], seconds: float = LISTING_S
) -> Iterator[None]:
    """Allow a slow operation `seconds`: reading or clearing a whole collection, building an index.

    Raises StoreUnavailable at once if no primary is known, so that nobody waits that long for a
    server that is gone.
    """
    # The driver answers this from its own monitoring, without a request where it can.
    if not client.is_primary:
        raise StoreUnavailable
    with pymongo.timeout(seconds):
        yield
