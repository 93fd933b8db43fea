"""How long a request waits for a MongoDB that is gone, frozen or choosing a primary."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pymongo

from skinapi.errors import StoreUnavailable

# One limit for all of an operation: finding a server, the network, and trying again. The driver's
# timeouts for each of these add up to half a minute where the server neither answers nor hangs up.
TIMEOUT_S = 4
TIMEOUTS: dict[str, Any] = {
    "timeoutMS": TIMEOUT_S * 1000,
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
}
LISTING_S, INDEXING_S = 15, 600
LONG_WAIT_S, SPARED_S = 1, 1
Asking = Callable[[], AbstractContextManager[None]]


@contextmanager
def with_longer_timeout(
    client: pymongo.MongoClient[Any], seconds: float = LISTING_S
) -> Iterator[None]:
    """For what may take its time: to read or to clear a whole collection, to build an index. Not
    for a server that is known to be gone: that one is told apart first, with no request if it can.
    """
    if not client.is_primary:
        raise StoreUnavailable
    with pymongo.timeout(seconds):
        yield


class Outage:
    """Whoever waited in vain spares the others the wait: for a second they are refused at once,
    then one of them looks again. Else a crowd that waits would hold every thread of the server,
    and nobody could be told that it lives.
    """

    def __init__(self, errors: Asking) -> None:
        self._errors = errors
        self._turn = threading.Lock()
        self._until = 0.0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        self._refuse_or_look()
        began, in_vain = time.monotonic(), False
        try:
            with self._errors():
                yield
        except StoreUnavailable:
            in_vain = time.monotonic() - began >= LONG_WAIT_S
            raise
        finally:
            self._until = time.monotonic() + SPARED_S if in_vain else 0.0

    def _refuse_or_look(self) -> None:
        with self._turn:
            moment = time.monotonic()
            if moment < self._until:
                raise StoreUnavailable
            if self._until:
                self._until = moment + TIMEOUT_S
