"""Admission: what every request passes before its body is read.

In this order: the choice of the client's route, access, rate limit, size, the number of lists that
the caller waits for, and the room for its body. A path without a declared route answers 404.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request

from skinapi.base.errors import Forbidden, NotFound, PayloadTooLarge, SkinAPIError, StoreUnavailable
from skinapi.base.size_limits import LARGEST_BODY, body_too_large, photo_too_large
from skinapi.base.subject import Subject
from skinapi.platform.web.access import Access, Opened, Scraper
from skinapi.platform.web.answers import LOOPBACK_HOST
from skinapi.platform.web.body_limits import BodyBudget, leave_body_budget
from skinapi.platform.web.declaration import Route, choose_client_route, route_of
from skinapi.platform.web.forms import FORM_OVERHEAD
from skinapi.platform.web.rate_limits import ConcurrentLists, Limits, Rate, caller_address
from skinapi.platform.web.request_context import limit_body, remember_subject
from skinapi.platform.web.request_parsing import ignore_unreadable_headers, refuse_unreadable_path

# Refuses what pages of other sites send without a token.
#
# A browser sends a form of any page to any address, and keeps only the answer from the page (CORS).
# Where no token is asked, such a request would do what it asks. And a name of a stranger that leads
# to 127.0.0.1 (DNS rebinding) makes the stranger's page one of the server's own: its Host gives it
# away. Programs other than browsers send no Origin, and are served.


OTHER_PAGE = (
    "A page of another site asks, which is not served here without a token, unless the operator of "
    "this server allows its address"
)
OTHER_NAME = (
    "Without a token this server is reached by the names of this machine alone, such as "
    "http://localhost or http://127.0.0.1"
)


@dataclass(frozen=True)
class ForeignPages:
    """`allowed` are the origins that may ask, `address` is the server's own, and with `loopback` it
    listens on this machine alone.
    """

    allowed: Sequence[re.Pattern[str]]
    address: str
    loopback: bool

    def refuse(self, request: Request) -> None:
        """Raises Forbidden for a request of another site's page, or by a stranger's name."""
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


Admit = Callable[[Access, str | None], Subject | None]


@dataclass(frozen=True)
class Sizes:
    """The largest photo, and the largest body of a route that keeps it in a file, in bytes; and how
    many bytes of bodies a process holds in memory at the same time, and in files.
    """

    photo: int
    spooled: int
    held: int
    held_in_files: int

    def of(self, route: Route) -> tuple[int, PayloadTooLarge]:
        """The largest body for this route, and the error for a larger one."""
        if not route.carries_photo:
            largest = route.max_body or (self.spooled if route.spooled else LARGEST_BODY)
            return largest, body_too_large(largest)
        error = photo_too_large(self.photo)
        if route.form:
            return self.photo + FORM_OVERHEAD, error
        # In JSON a photo is base64: four characters for every three bytes, rounded up.
        return -(-self.photo // 3) * 4 + FORM_OVERHEAD, error


def guard_requests(
    app: Flask, *, admit: Admit, foreign_pages: ForeignPages, limits: Limits, sizes: Sizes
) -> None:
    """Let every request of the app pass admission before its route's function is called.

    `admit` turns a route's access rule and the Authorization header into the subject. Where a route
    is open without a token, `foreign_pages` refuses what pages of other sites send. A refusal is
    counted against the rate limit of the caller's address, and is raised only after that.
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
            if subject is None and isinstance(route.access, Opened):
                foreign_pages.refuse(request)
        except StoreUnavailable:  # counting a refusal would wait for the store a second time
            raise
        except SkinAPIError as error:
            subject, refusal = None, error
        remember_subject(subject)
        caller = subject.counted_as if subject else caller_address()
        # The metrics say that the rate limits cannot be counted, so they must not need them.
        if not (isinstance(route.access, Scraper) and subject is None and refusal is None):
            limits.spend(route.rate, caller, subject.role if subject else None)
        if refusal:
            raise refusal
        largest, too_large = sizes.of(route)
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
    """Whether a browser asks for permission before a request of another origin (CORS preflight).

    It is answered for any path: without that, a page could not read a 404 either. Where the origin
    is not allowed, the browser keeps the answer from the page.
    See https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    asks = {"Origin", "Access-Control-Request-Method"}
    return request.method == "OPTIONS" and all(name in request.headers for name in asks)
