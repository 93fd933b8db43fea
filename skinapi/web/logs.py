"""Logs one JSON line per request, without personal data: the route's template instead of the path,
the account's id instead of a name.
"""

import logging
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

from skinapi.web.request_context import current_subject, request_id

log: Any = structlog.get_logger("skinapi")


def configure_logs() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log_requests(app: Flask) -> None:
    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        subject = current_subject()
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 1),
            account=subject.id if subject else None,
            request_id=request_id(),
        )
        return response
