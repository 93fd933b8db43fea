"""What every request passes before its body is read: access, rate, size. What is not declared
is not there."""

from collections.abc import Callable

from flask import Flask, request

from skinapi.errors import NotFound, PayloadTooLarge, SkinAPIError
from skinapi.web.access import Access, Subject
from skinapi.web.context import remember_subject
from skinapi.web.limits import Limits, Rate, caller_address
from skinapi.web.requests import refuse_unreadable_path
from skinapi.web.routes import route_of

Admit = Callable[[Access, str | None], Subject | None]


def guard_requests(app: Flask, *, admit: Admit, limits: Limits, max_body: int) -> None:
    @app.before_request
    def gate() -> None:
        refuse_unreadable_path(request)
        if request.method == "OPTIONS":
            return
        route = route_of(app, request.endpoint)
        if route is None:
            limits.spend(Rate.READ, caller_address())
            raise NotFound if request.endpoint else request.routing_exception or NotFound
        try:
            subject, refusal = admit(route.access, request.headers.get("Authorization")), None
        except SkinAPIError as error:
            subject, refusal = None, error
        remember_subject(subject)
        limits.spend(route.rate, subject.id if subject else caller_address())
        if refusal:
            raise refusal
        _refuse_oversize(route.max_body or max_body)


def _refuse_oversize(largest: int) -> None:
    """By the announced length at once; an unannounced one as it is read."""
    request.max_content_length = largest
    if (request.content_length or 0) > largest:
        raise PayloadTooLarge(f"The request body is larger than {largest} bytes")
