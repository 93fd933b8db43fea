"""What every request passes before its body is read: dialect, access, rate, size. What is not
declared is not there."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request

from skinapi.errors import NotFound, SkinAPIError, StoreUnavailable
from skinapi.web.access import Access, Subject
from skinapi.web.context import oversize, remember_largest, remember_subject
from skinapi.web.forms import ROOM
from skinapi.web.held import HeldBytes
from skinapi.web.limits import Limits, Rate, caller_address
from skinapi.web.requests import refuse_unreadable_path
from skinapi.web.routes import Route, choose_dialect, route_of

Admit = Callable[[Access, str | None], Subject | None]


@dataclass(frozen=True)
class Sizes:
    """The most bytes that a body may have, and a photo."""

    body: int
    photo: int

    def of(self, route: Route) -> tuple[int, str]:
        """For this route, and the sentence for what is larger. In JSON a photo is base64."""
        if not route.carries_photo:
            largest = route.max_body or self.body
            return largest, f"The request body is larger than {largest} bytes"
        sentence = f"File size exceeds maximum of {self.photo} bytes"
        if route.form:
            return self.photo + ROOM, sentence
        return -(-self.photo // 3) * 4 + ROOM, sentence


def guard_requests(
    app: Flask, *, admit: Admit, limits: Limits, sizes: Sizes, held: HeldBytes
) -> None:
    @app.before_request
    def gate() -> None:
        choose_dialect(app, request)
        refuse_unreadable_path(request)
        if request.method == "OPTIONS":
            return
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
        if subject:
            limits.spend(route.rate, subject.id, subject.role)
        else:
            limits.spend(route.rate, caller_address())
        if refusal:
            raise refusal
        largest, sentence = sizes.of(route)
        _refuse_oversize(largest, sentence)
        if route.carries_photo:
            held.take(largest if request.content_length is None else request.content_length)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        held.give_back()


def _refuse_oversize(largest: int, sentence: str) -> None:
    """By the announced length at once; an unannounced one as it is read."""
    remember_largest(sentence)
    request.max_content_length = largest
    if (request.content_length or 0) > largest:
        raise oversize()
