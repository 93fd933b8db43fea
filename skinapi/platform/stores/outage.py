"""Timeouts for MongoDB, and a circuit breaker, which rate limits in other stores also use. So no
driver is imported here.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from skinapi.base.errors import StoreUnavailable

# One limit for a whole operation: server selection, network and retries. Without it the driver's
# single timeouts add up to half a minute if the server neither answers nor closes the connection.
# https://www.mongodb.com/docs/languages/python/pymongo-driver/current/connect/connection-options/csot/
TIMEOUT_S = 4
TIMEOUTS: dict[str, Any] = {
    "timeoutMS": TIMEOUT_S * 1000,
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
}
LONG_WAIT_S, FAIL_FAST_S = 1, 1
ErrorContext = Callable[[], AbstractContextManager[None]]


class Outage:
    """A circuit breaker. After a call that timed out, all calls raise StoreUnavailable for
    FAIL_FAST_S. Then one call is let through as a probe, and the others are still refused until it
    ends, or for TIMEOUT_S. Otherwise waiting requests would occupy all threads of the server,
    including those of the health check.
    """

    def __init__(self, errors: ErrorContext) -> None:
        self._errors = errors
        self._lock = threading.Lock()
        self._refused_until = 0.0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        with self._lock:
            current = time.monotonic()
            if current < self._refused_until:
                raise StoreUnavailable
            if self._refused_until:  # this call is the probe
                self._refused_until = current + TIMEOUT_S
        began, timed_out = time.monotonic(), False
        try:
            with self._errors():
                yield
        except StoreUnavailable:
            # A quick failure, such as a refused connection, costs nobody a wait.
            timed_out = time.monotonic() - began >= LONG_WAIT_S
            raise
        finally:
            self._refused_until = time.monotonic() + FAIL_FAST_S if timed_out else 0.0
