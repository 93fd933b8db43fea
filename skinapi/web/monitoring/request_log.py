"""Logs one JSON line per request, without personal data: the route's template instead of the path,
the account's id instead of a name. The caller's address is there where the operator asks for it.
"""

import time

from flask import Flask, Response, g, request

from skinapi.logs import log
from skinapi.web.request_context import current_subject, request_id


def log_requests(app: Flask, *, addresses: bool) -> None:
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
            **({"address": request.remote_addr} if addresses else {}),
        )
        return response
