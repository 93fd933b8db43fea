"""Limits of request bodies: how many bytes one process works on at the same time, how long a thread
waits for its client, and how much is read of a body that was refused.

A thread holds a body in memory, or writes it to a file, until its request is answered. So a body
counts from its beginning to the end of its request, with the bytes that its head announces.

gunicorn waits for a client without end. And where a connection is closed while bytes of a body are
still coming, the kernel sends a reset: the answer that was sent before (401, 413, 429, 503) may be
lost, and a proxy makes a 502 of it. So the rest of the body is read and discarded, up to a limit of
bytes and of seconds (https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Flask, Response, g, request

from skinapi.base.errors import Unavailable

RETRY_AFTER_S = 2
# As many of these as there are threads take no memory worth counting.
SMALLEST_COUNTED = 256 * 1024


class BodyBudget:
    """`most` bytes together, of which one caller may have half for several bodies."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._of_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str, size: int) -> None:
        """Count the body of the current request, of so many bytes. Raises Unavailable where there
        is no room for it.
        """
        if size <= SMALLEST_COUNTED:
            return
        with self._lock:
            own = self._of_caller[caller]
            too_much_of_one = own and own + size > self._most // 2
            if too_much_of_one or self._held + size > self._most:
                raise Unavailable(retry_after=RETRY_AFTER_S)
            self._held += size
            self._of_caller[caller] += size
        g.body_in_budget = (self, caller, size)

    def _leave(self, caller: str, size: int) -> None:
        with self._lock:
            self._held -= size
            self._of_caller[caller] -= size
            if not self._of_caller[caller]:
                del self._of_caller[caller]


def leave_body_budget() -> None:
    """Count the body of the current request as done, if it was counted; also after an error."""
    budget, caller, size = g.pop("body_in_budget", (None, "", 0))
    if budget:
        budget._leave(caller, size)


SILENT_SECONDS = 20.0
# An answer may take so many seconds and one more for each SLOWEST_RATE bytes. A phone with a weak
# signal takes 20 KB a second, so it is just fast enough.
SLOWEST_RATE = 16 * 1024
DRAIN_SECONDS = 30.0
DRAIN_SILENT_SECONDS = 5.0
DRAINED_AT_ONCE = 64 * 1024
LEAST_DRAINED = 32 * 1024 * 1024


def limit_waiting(app: Flask, *, most_drained: int) -> None:
    """Let no request of the app wait for its client without end, and discard of each refused body
    up to so many bytes. Register it before all that reads bodies.
    """

    @app.before_request
    def limit_silence() -> None:
        _wait_at_most(SILENT_SECONDS, request.environ)

    @app.after_request
    def finish(response: Response) -> Response:
        size = response.content_length or 0
        _wait_at_most(SILENT_SECONDS + size / SLOWEST_RATE, request.environ)
        if request.content_length or "HTTP_TRANSFER_ENCODING" in request.environ:
            # The server closes the response when all of it is sent.
            response.call_on_close(partial(_discard_rest, request.environ, most_drained))
        return response


def _wait_at_most(seconds: float, environ: Mapping[str, Any]) -> None:
    """For each part of the body, or for all of the answer; where gunicorn serves."""
    if connection := environ.get("gunicorn.socket"):
        connection.settimeout(seconds)


def _discard_rest(environ: Mapping[str, Any], most: int) -> None:
    if "gunicorn.socket" not in environ:
        return
    deadline = time.monotonic() + DRAIN_SECONDS
    _wait_at_most(DRAIN_SILENT_SECONDS, environ)
    with suppress(Exception):  # the client is gone, or its chunks are invalid: gunicorn closes
        while most > 0 and time.monotonic() < deadline:
            read = len(environ["wsgi.input"].read(DRAINED_AT_ONCE))
            if not read:
                return
            most -= read
