"""The routes about the server itself: start page, health, metrics, API documentation."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from flask import Flask, Response, request
from pydantic import Field

from skinapi.errors import SkinAPIError, Unavailable
from skinapi.settings import VERSION
from skinapi.web.access import Public, Scraper
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.monitoring.request_metrics import CONTENT_TYPE, GaugeReading, exposition
from skinapi.web.pages.docs_page import docs_page
from skinapi.web.pages.openapi import build_spec
from skinapi.web.routing.declaration import Routes, declared_routes, prefers_page
from skinapi.web.schemas.schema_types import Answer


class ServerInfo:
    """What these routes need: the page that a browser gets at `/`, the probes that raise while a
    part of the server cannot work, what the server says of itself although it works, the functions
    that look up figures for `/metrics`, and the description, made when it is first asked for.
    """

    def __init__(
        self,
        app: Flask,
        *,
        page: Callable[[], Response],
        probes: Mapping[str, Callable[[], None]],
        notes: Callable[[], Sequence[str]],
        gauges: Sequence[Callable[[], Sequence[GaugeReading]]],
    ) -> None:
        self._app = app
        self.page = page
        self.probes = probes
        self.notes = notes
        self._gauges = gauges

    def readings(self) -> Iterator[GaugeReading]:
        """Which parts work, and all figures that are looked up."""
        says = "1 where this part of the server works"
        for part, probe in self.probes.items():
            labels = (("part", part),)
            yield GaugeReading("skinapi_ready", says, float(_works(probe)), labels)
        for look_up in self._gauges:
            yield from look_up()

    @cached_property
    def spec(self) -> dict[str, Any]:
        return build_spec(declared_routes(self._app))

    @cached_property
    def spec_json(self) -> bytes:
        return json.dumps(self.spec, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def docs(self) -> str:
        return docs_page(self.spec)


class Front(Answer):
    status: str
    message: str
    version: str
    docs: str


class Health(Answer):
    status: str


class Readiness(Health):
    notes: list[str] = Field(description="what is not as it should be, although the server works")


routes: Routes[ServerInfo] = Routes("server")


@routes.route("GET", "/", access=Public(), rate=Rate.READ)
def front_door(server: ServerInfo) -> Front | Response:
    """Name and version of the server; a browser gets the console."""
    if prefers_page(request):
        return server.page()
    return Front(
        status="Backend running",
        message="SkinAPI: for information only, not a medical diagnosis",
        version=VERSION,
        docs="/docs",
    )


@routes.route("GET", "/healthz", access=Public(), rate=Rate.UNLIMITED)
def say_alive(_: ServerInfo) -> Health:
    """Liveness: whether the process answers."""
    return Health(status="ok")


@routes.route("GET", "/readyz", access=Public(), rate=Rate.UNLIMITED, raises=(Unavailable,))
def say_ready(server: ServerInfo) -> Readiness:
    """Readiness: whether everything that the server needs answers too; 503 until then."""
    for probe in server.probes.values():
        probe()
    return Readiness(status="ready", notes=list(server.notes()))


@routes.route("GET", "/metrics", access=Scraper(), rate=Rate.READ, produces="text/plain")
def show_metrics(server: ServerInfo) -> Response:
    """Metrics for Prometheus: counts and durations of requests, which parts work, jobs, and the
    model's figures of this week. For admins, or with METRICS_TOKEN.
    """
    return Response(exposition(server.readings()), content_type=CONTENT_TYPE)


@routes.route("GET", "/openapi.json", access=Public(), rate=Rate.READ)
def show_openapi(server: ServerInfo) -> dict[str, Any] | Response:
    """The API documentation as OpenAPI 3.1."""
    return Response(server.spec_json, mimetype="application/json")


@routes.route("GET", "/docs", access=Public(), rate=Rate.READ, produces="text/html")
def show_docs(server: ServerInfo) -> Response:
    """The API documentation as a page for people."""
    # The strict policy of all other answers would block the page's own style sheet.
    page = Response(server.docs, mimetype="text/html")
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    return page


def _works(probe: Callable[[], None]) -> bool:
    try:
        probe()
    except SkinAPIError:
        return False
    return True
