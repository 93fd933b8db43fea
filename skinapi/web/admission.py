"""What every request passes before its body is read: dialect, access, rate, size. What is not
declared is not there."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, Response, request

from skinapi.errors import NotFound, PayloadTooLarge, SkinAPIError, StoreUnavailable
from skinapi.web.access import Access, Subject
from skinapi.web.buffering import BufferedRequest
from skinapi.web.forms import ROOM
from skinapi.web.limits import Limits, Rate, caller_address, rate_headers, recall_rate_headers
from skinapi.web.list_concurrency import ConcurrentLists
from skinapi.web.request_context import remember_oversize, remember_subject
from skinapi.web.request_parsing import refuse_unreadable_path
from skinapi.web.routes import Route, choose_dialect, route_of
from skinapi.web.size_limits import body_too_large, photo_too_large

Admit = Callable[[Access, str | None], Subject | None]


@dataclass(frozen=True)
class Sizes:
    """The most bytes that a body may have, and a photo."""

    body: int
    photo: int

    def of(self, route: Route) -> tuple[int, PayloadTooLarge]:
        """For this route, and the error for what is larger. In JSON a photo is base64."""
        if not route.carries_photo:
            largest = route.max_body or self.body
            return largest, body_too_large(largest)
        error = photo_too_large(self.photo)
        if route.form:
            return self.photo + ROOM, error
        return -(-self.photo // 3) * 4 + ROOM, error


def guard_requests(app: Flask, *, admit: Admit, limits: Limits, sizes: Sizes) -> None:
    lists = ConcurrentLists()

    @app.before_request
    def gate() -> Response | None:
        if _is_preflight(request):
            return None if request.url_rule else Response()
        choose_dialect(app, request)
        refuse_unreadable_path(request)
        if request.method == "OPTIONS":
            return None
        route = route_of(app, request.endpoint)
        if route is None:
            limits.spend(Rate.READ, caller_address())
            raise NotFound if request.endpoint else request.routing_exception or NotFound
        try:
            subject, refusal = admit(route.access, request.headers.get("Authorization")), None
        except StoreUnavailable:  # nobody waits a second time, for the count of a refusal
            raise
        except SkinAPIError as error:
            subject, refusal = None, error
        remember_subject(subject)
        caller = subject.id if subject else caller_address()
        arriving = _arriving(request)
        if arriving and arriving.admission:  # counted when its head was here
            recall_rate_headers(arriving.admission.headers)
        else:
            limits.spend(route.rate, caller, subject.role if subject else None)
        if arriving and arriving.failure:
            raise arriving.failure
        if refusal:
            raise refusal
        largest, too_large = sizes.of(route)
        _refuse_oversize(largest, too_large)
        if route.lists:
            lists.enter(caller)
        if arriving:
            arriving.admit(
                owner=caller, headers=rate_headers(), largest=largest, too_large=too_large
            )
        return None

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        lists.leave()


def _arriving(request: Request) -> BufferedRequest | None:
    """The request as our worker buffers it; another server hands in whole bodies or none."""
    found = request.environ.get("gunicorn.socket")
    return found if isinstance(found, BufferedRequest) else None


def _is_preflight(request: Request) -> bool:
    """A browser that may not ask keeps the answer to itself, so it may ask about any path: the
    page then hears of a 404 as of any other error.
    """
    asks = {"Origin", "Access-Control-Request-Method"}
    return request.method == "OPTIONS" and all(name in request.headers for name in asks)


def _refuse_oversize(largest: int, error: PayloadTooLarge) -> None:
    """By the announced length at once; an unannounced one as it is read."""
    remember_oversize(error)
    request.max_content_length = largest
    if (request.content_length or 0) > largest:
        raise error
