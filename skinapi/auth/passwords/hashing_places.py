"""The places for password hashing: how many requests may hash or wait for it, and of which address.

A request that hashes holds one of the threads that serve requests. Without a limit, a few addresses
with 60 logins each hold all of them, and even GET /healthz waits.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.errors import Unavailable
from skinapi.server.addresses import site_key

# With those of the prediction pool (18), fewer than the 32 threads of a process. A hash takes about
# 50 ms and two are made at once, so the last one waits for 0.3 s.
PLACES = 12
# One sixth is kept for callers who are signed in: an admin can act in a flood of logins.
KEPT_FOR_SIGNED = 6
RETRY_AFTER_S = 2


class HashingPlaces:
    """An address may take a place while it holds fewer than are free. So one address gets half of
    them, five together five sixths, and an address that holds none still finds one.
    """

    def __init__(self, places: int) -> None:
        self._kept = places // KEPT_FOR_SIGNED
        self._free = places
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, address: str, *, signed: bool) -> Iterator[None]:
        """Hold a place for a client, which may be signed in. Raises Unavailable if it gets none."""
        site = site_key(address)
        with self._lock:
            free = self._free if signed else self._free - self._kept
            if self._held[site] >= free:
                raise Unavailable(retry_after=RETRY_AFTER_S)
            self._free -= 1
            self._held[site] += 1
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._held[site] -= 1
                # A Counter keeps keys whose count is 0: every address ever seen.
                if not self._held[site]:
                    del self._held[site]
