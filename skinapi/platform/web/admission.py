"""Admission: the checks of each request before its body is read, and the limits of bodies.

In this order: the choice of the client's route, access, rate limit, size, concurrent lists of the
caller, and memory for the body. A path without a declared route returns 404.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request

from skinapi.base.errors import (
    Forbidden,
    NotFound,
    PayloadTooLarge,
    SkinAPIError,
    StoreUnavailable,
    TooManyRequests,
    Unavailable,
)
from skinapi.base.size_limits import LARGEST_BODY, body_too_large, photo_too_large
from skinapi.base.subject import Caller
from skinapi.platform.storage.disk_reserve import DiskReserve
from skinapi.platform.web.declaration import (
    Access,
    MetricsReader,
    OpenedToClient,
    Rate,
    Route,
    choose_client_route,
    route_of,
)
from skinapi.platform.web.headers import LOOPBACK_HOST
from skinapi.platform.web.rate_limits import Limits, caller_address
from skinapi.platform.web.request_context import limit_body, remember_subject
from skinapi.platform.web.request_parsing import (
    FORM_OVERHEAD,
    ignore_unreadable_headers,
    refuse_unreadable_path,
)

RETRY_AFTER_S = 2
READS = ("GET", "HEAD", "OPTIONS")
READINESS = "/readyz"
LOG_INS = ("/login", "/auth/logout")
# What shuts out whoever has stolen a password.
SHUT_OUTS = ("/me/password", "/users/<email>/suspend")
# As many of these as there are threads take no memory worth counting.
SMALLEST_COUNTED = 256 * 1024


class BodyBudget:
    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._of_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str, size: int) -> None:
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
            self._of_caller -= Counter({caller: size})  # keeps nobody with nothing


def leave_body_budget() -> None:
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
# A body that lies in a file meanwhile, where nothing sets another limit.
LARGEST_SPOOLED = 2 * 1024**3


def limit_waiting(app: Flask, *, most_drained: int) -> None:
    """Limit how long a request waits for its client. Register it before any code that reads
    bodies.
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


MOST_LISTS_OF_ONE_CALLER = 4
LIST_RETRY_AFTER_S = 1


class ConcurrentLists:
    """Counts the concurrent lists of each caller, so that no caller occupies all threads."""

    def __init__(self) -> None:
        self._of_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str) -> None:
        with self._lock:
            if self._of_caller[caller] >= MOST_LISTS_OF_ONE_CALLER:
                raise TooManyRequests(retry_after=LIST_RETRY_AFTER_S)
            self._of_caller[caller] += 1
        g.lists_for = caller

    def leave(self) -> None:
        caller = g.pop("lists_for", None)
        if caller is None:
            return
        with self._lock:
            self._of_caller -= Counter({caller: 1})  # keeps nobody with nothing


# Refuses what pages of other sites send without a token.
#
# A browser sends a form of any page to any address, and keeps only the answer from the page (CORS).
# Where no token is asked, such a request would do what it asks. And a name of a stranger that leads
# to 127.0.0.1 (DNS rebinding) makes the stranger's page one of the server's own: its Host gives it
# away. Programs other than browsers send no Origin, and are served.


OTHER_PAGE = (
    "A page of another site asks, which is not served here without logging in, unless the operator "
    "of this server allows its address"
)
OTHER_NAME = (
    "Without a token this server is reached by the names of this machine alone, such as "
    "http://localhost or http://127.0.0.1"
)


@dataclass(frozen=True)
class ForeignPages:
    allowed: Sequence[re.Pattern[str]]
    address: str
    loopback: bool

    def refuse(self, request: Request) -> None:
        host = request.headers.get("Host", "").lower()
        own = urlsplit(self.address)
        if self.loopback and host not in ("", own.netloc) and not LOOPBACK_HOST.fullmatch(host):
            raise Forbidden(OTHER_NAME)
        origin = request.headers.get("Origin")
        # Browsers alone set it: https://www.w3.org/TR/fetch-metadata/
        site = request.headers.get("Sec-Fetch-Site")
        if site == "same-origin":
            return
        if origin is None:
            if site == "cross-site":
                raise Forbidden(OTHER_PAGE)
            return
        own_origins = (f"{own.scheme}://{own.netloc}", f"http://{host}", f"https://{host}")
        if origin not in own_origins and not any(each.match(origin) for each in self.allowed):
            raise Forbidden(OTHER_PAGE)


Admit = Callable[[Access, str | None], Caller | None]


@dataclass(frozen=True)
class Sizes:
    photo: int
    spooled: int
    held: int
    held_in_files: int

    def for_route(self, route: Route) -> tuple[int, PayloadTooLarge]:
        if not route.carries_photo:
            largest = route.max_body or (self.spooled if route.spooled else LARGEST_BODY)
            return largest, body_too_large(largest)
        error = photo_too_large(self.photo)
        if route.form:
            return self.photo + FORM_OVERHEAD, error
        # In JSON a photo is base64: four characters for every three bytes, rounded up.
        return -(-self.photo // 3) * 4 + FORM_OVERHEAD, error


def keep_room(app: Flask, reserve: DiskReserve) -> None:
    """On a full disk, refuse all changes except log-ins, deletions and suspensions."""

    @app.before_request
    def look() -> None:
        rule = request.url_rule.rule if request.url_rule else None
        if request.method == "DELETE" or rule in (*LOG_INS, *SHUT_OUTS):
            reserve.free_when_full()
        elif request.method not in READS or request.path == READINESS:
            reserve.refuse_without()


def guard_requests(
    app: Flask, *, admit: Admit, foreign_pages: ForeignPages, limits: Limits, sizes: Sizes
) -> None:
    """Run admission on every request. A refusal counts against the rate limit of the caller's
    address, and is raised only after that.
    """
    lists = ConcurrentLists()
    in_memory, in_files = BodyBudget(sizes.held), BodyBudget(sizes.held_in_files)

    @app.before_request
    def admit_request() -> Response | None:
        if _is_preflight(request):
            # Answered also while nothing can be counted: else a page could not read the 503 either.
            with suppress(StoreUnavailable):
                limits.spend(Rate.READ, caller_address())
            return None if request.url_rule else Response()
        ignore_unreadable_headers(request)
        choose_client_route(app, request)
        refuse_unreadable_path(request)
        if request.method == "OPTIONS":
            limits.spend(Rate.READ, caller_address())
            return None
        route = route_of(app, request.endpoint)
        if route is None:
            limits.spend(Rate.READ, caller_address())
            raise NotFound if request.endpoint else request.routing_exception or NotFound
        try:
            subject, refusal = admit(route.access, request.headers.get("Authorization")), None
            if subject is None and isinstance(route.access, OpenedToClient):
                foreign_pages.refuse(request)
        except StoreUnavailable:  # counting a refusal would wait for the store a second time
            raise
        except SkinAPIError as error:
            subject, refusal = None, error
        remember_subject(subject)
        caller = subject.counted_as if subject else caller_address()
        # The metrics say that the rate limits cannot be counted, so they must not need them.
        if not (isinstance(route.access, MetricsReader) and subject is None and refusal is None):
            limits.spend(route.rate, caller, subject.role if subject else None)
        if refusal:
            raise refusal
        largest, too_large = sizes.for_route(route)
        # By its Content-Length; without one, Flask stops reading beyond the limit.
        limit_body(largest, too_large)
        if (request.content_length or 0) > largest:
            raise too_large
        if route.lists:
            lists.enter(caller)
        budget = in_files if route.spooled else in_memory
        # Of a body that comes in chunks, all that the route takes counts.
        chunked = "HTTP_TRANSFER_ENCODING" in request.environ
        budget.enter(caller, largest if chunked else request.content_length or 0)
        return None

    @app.teardown_request
    def release(_: BaseException | None) -> None:
        lists.leave()
        leave_body_budget()


def _is_preflight(request: Request) -> bool:
    """A CORS preflight is answered for any path; otherwise a page could not read a 404.
    https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    asks = {"Origin", "Access-Control-Request-Method"}
    return request.method == "OPTIONS" and all(name in request.headers for name in asks)
