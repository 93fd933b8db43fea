"""Traces each request, from its head to its answer: method, route template and status, never its
path.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from skinapi import tracing
from skinapi.server.buffered_request import BodyPending, BufferedRequest
from skinapi.web.monitoring.request_metrics import METHODS
from skinapi.web.request_context import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRACE = "skinapi.trace"
# Asked every few seconds by machines: they would be most of what the collector gets.
UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
FAILED_FROM = 500


def trace_requests(app: Flask, *, trust_callers: bool) -> None:
    """Trace the requests of the application; nothing is added where traces are off.

    With `trust_callers` a request continues the trace that its traceparent names. Whoever may send
    one decides with it what is traced.
    """
    if not tracing.is_on():
        return
    app.wsgi_app = TracedApplication(  # type: ignore[method-assign]
        app.wsgi_app, trust_callers=trust_callers
    )

    @app.after_request
    def describe(response: Response) -> Response:
        trace: tracing.Trace | None = request.environ.get(TRACE)
        if trace:
            method = request.method if request.method in METHODS else "_OTHER"
            attributes: dict[str, tracing.Value] = {
                "http.request.method": method,
                "http.response.status_code": response.status_code,
                "request_id": request_id() or "",
            }
            if request.url_rule:
                attributes["http.route"] = request.url_rule.rule
            name = f"{method} {attributes.get('http.route', '')}".rstrip()
            trace.describe(name, attributes, failed=response.status_code >= FAILED_FROM)
        return response


class TracedApplication:
    """A WSGI application whose requests are traced.

    The worker calls it twice for a request with a body: with the head alone, which ends with
    BodyPending, and with all of it. Both calls belong to one trace, and so does the time between
    them, in which the body arrived.
    """

    def __init__(self, app: "WSGIApplication", *, trust_callers: bool) -> None:
        self._app, self._trust_callers = app, trust_callers

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        trace = self._trace_of(environ)
        if trace is None:
            return self._app(environ, start_response)
        environ[TRACE] = trace
        with trace.under_way():
            try:
                answer = self._app(environ, start_response)
            except BodyPending:
                environ["gunicorn.socket"].trace = trace  # none but a BufferedRequest raises it
                raise
            except BaseException:
                trace.end()
                raise
        trace.end()
        return answer

    def _trace_of(self, environ: "WSGIEnvironment") -> tracing.Trace | None:
        arriving = environ.get("gunicorn.socket")
        if isinstance(arriving, BufferedRequest) and arriving.trace:
            arriving.trace.note("body arrived")
            return arriving.trace
        if environ.get("PATH_INFO") in UNTRACED:
            return None
        parent = environ.get("HTTP_TRACEPARENT") if self._trust_callers else None
        return tracing.begin("request", kind="server", parent=parent)
