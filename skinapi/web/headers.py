"""The headers of every answer: CORS for the known front ends, and security headers."""

import re

from flask import Flask, Response
from flask_cors import CORS

from skinapi.web.problem import SECURITY_HEADERS

READABLE = ["X-Request-ID", "Retry-After", "Link", "RateLimit", "RateLimit-Policy"]

# Any port, because development servers move to the next free one, and previews have others.
LOOPBACK_ORIGIN = (
    r"https?://(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?"
)


def add_headers(app: Flask, *, origins: list[str], loopback: bool, https_only: bool) -> None:
    """Add CORS and security headers to every answer.

    Only exactly these `origins` are allowed; with `loopback` also every page served from this
    machine. With `https_only`, browsers are told to use HTTPS for a year (HSTS).
    """
    patterns = [re.escape(origin) for origin in origins] + [LOOPBACK_ORIGIN] * loopback
    CORS(
        app,
        origins=[re.compile(rf"(?:{pattern})\Z") for pattern in patterns],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
        expose_headers=READABLE,
        methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
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
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response
