import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from flask import Flask, Response, request
from flask_cors import CORS

from skinapi.base.errors import SkinAPIError
from skinapi.base.problem import SECURITY_HEADERS
from skinapi.platform.storage.unreadable import (
    Name,
    Unreadable,
    current_unreadable,
    name_left_out,
)

SENDABLE = ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
NO_FRAME = "frame-ancestors 'none'"
HTTPS_ONLY = "max-age=31536000"
# `submissions=1, accounts=2`: how many records of each collection the answer does not show.
LEFT_OUT = "X-Records-Left-Out"
READABLE = ["X-Request-ID", "Retry-After", "Link", LEFT_OUT, "RateLimit", "RateLimit-Policy"]

# Any port, because development servers move to the next free one, and previews have others.
LOOPBACK_HOST = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?"
)


def allowed_origins(origins: Sequence[str], *, loopback: bool) -> list[re.Pattern[str]]:
    patterns = [re.escape(origin) for origin in origins]
    patterns += [f"https?://{LOOPBACK_HOST.pattern}"] * loopback
    return [re.compile(rf"(?:{pattern})\Z") for pattern in patterns]


def add_headers(app: Flask, *, origins: Sequence[re.Pattern[str]], https_only: bool) -> None:
    CORS(
        app,
        origins=list(origins),
        allow_headers=SENDABLE,
        expose_headers=READABLE,
        methods=METHODS,
        max_age=600,
        vary_header=True,
        always_send=False,
    )

    @app.after_request
    def add(response: Response) -> Response:
        # `setdefault`: pages need a Content-Security-Policy of their own.
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        # It knows no list of origins, so it goes where a page's policy has one:
        # https://www.w3.org/TR/CSP3/#frame-ancestors-and-frame-options
        policy = response.headers["Content-Security-Policy"]
        if "frame-ancestors" in policy and NO_FRAME not in policy:
            del response.headers["X-Frame-Options"]
        if https_only:
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        return response


def count_left_out(app: Flask, note: Callable[[dict[Name, str], set[Name]], object]) -> None:
    @app.before_request
    def begin() -> None:
        reads = request.method in ("GET", "HEAD") or request.path.endswith("/_search")
        current_unreadable.set(Unreadable(leaves_out=reads))

    @app.after_request
    def add(response: Response) -> Response:
        current = current_unreadable.get()
        if named := name_left_out():
            response.headers[LEFT_OUT] = named
        if current and current.damaged:
            with suppress(SkinAPIError):  # on a full disk too, a list is shown
                note(current.damaged, current.hidden)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        current_unreadable.set(None)
