"""The headers of every answer: CORS for the known front ends, and security headers."""

import re
from collections.abc import Sequence

from flask import Flask, Response
from flask_cors import CORS

from skinapi.problem import SECURITY_HEADERS

SENDABLE = ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HTTPS_ONLY = "max-age=31536000"
READABLE = ["X-Request-ID", "Retry-After", "Link", "RateLimit", "RateLimit-Policy"]

# Any port, because development servers move to the next free one, and previews have others.
LOOPBACK_HOST = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?"
)


def allowed_origins(origins: Sequence[str], *, loopback: bool) -> list[re.Pattern[str]]:
    """Matches exactly these `origins`; with `loopback` also every page served from this machine."""
    patterns = [re.escape(origin) for origin in origins]
    patterns += [f"https?://{LOOPBACK_HOST.pattern}"] * loopback
    return [re.compile(rf"(?:{pattern})\Z") for pattern in patterns]


def add_headers(app: Flask, *, origins: Sequence[re.Pattern[str]], https_only: bool) -> None:
    """Add CORS, for pages of these `origins`, and security headers to every answer.

    With `https_only`, browsers are told to use HTTPS for a year (HSTS).
    """
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
        if https_only:
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        return response
