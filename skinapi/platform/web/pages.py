import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from pydantic import Field

from skinapi.base.errors import SkinAPIError, Unavailable
from skinapi.base.logs import log
from skinapi.base.settings.settings import VERSION
from skinapi.base.values import GaugeReading
from skinapi.platform.web.declaration import (
    MetricsReader,
    Public,
    Rate,
    Routes,
    prefers_page,
    routes_of_areas,
)
from skinapi.platform.web.docs_page import docs_page
from skinapi.platform.web.openapi import build_spec
from skinapi.platform.web.request_context import current_subject, request_id
from skinapi.platform.web.schemas import Answer

REQUESTS = Counter("skinapi_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("skinapi_request_seconds", "Time to answer", ["method", "route"])
# A client may send any method name. Each would be a new time series, so the others are one.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
DIED = "died"  # a file in it
# The files that each worker counts in. All series of all routes take less.
RESERVED_BYTES = {"counter": 512 * 1024, "histogram": 1024 * 1024}


def measure_requests(app: Flask) -> None:
    """Measure all requests. If the disk has no room for the metrics files, `/metrics` omits the
    counts of this process.
    """
    if FOLDER in os.environ and not _reserve(Path(os.environ[FOLDER])):
        values.ValueClass = values.MutexValue

    @app.after_request
    def measure(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(time.perf_counter() - g.started)
        return response


def _reserve(folder: Path) -> bool:
    """Reserve the disk space of this process's files, or return False. The library maps them into
    memory: on a full disk the system would kill the process with all its requests.
    """
    files = {folder / f"{kind}_{os.getpid()}.db": size for kind, size in RESERVED_BYTES.items()}
    try:
        for path, size in files.items():
            with path.open("a+b") as file:
                if hasattr(os, "posix_fallocate"):  # not on macOS
                    os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        for path in files:
            path.unlink(missing_ok=True)  # half a file could not be read
        log.error("no room for the metrics of this process", reason=error.strerror)
        return False
    return True


def _count_died() -> int:
    """gunicorn.conf.py adds a byte to this file for each dead worker. Other servers have no such
    file.
    """
    file = Path(os.environ.get(FOLDER, "")) / DIED
    return file.stat().st_size if FOLDER in os.environ and file.exists() else 0


def exposition(gauges: Iterable[GaugeReading]) -> bytes:
    looked_up = CollectorRegistry()
    looked_up.register(_Readings(gauges))
    if FOLDER not in os.environ:
        return generate_latest() + generate_latest(looked_up)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(looked_up)


class _Readings(Collector):
    def __init__(self, gauges: Iterable[GaugeReading]) -> None:
        self._gauges = tuple(gauges)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._gauges:
            names = [name for name, _ in gauge.labels]
            family = families.setdefault(
                gauge.name, GaugeMetricFamily(gauge.name, gauge.says, labels=names)
            )
            family.add_metric([value for _, value in gauge.labels], gauge.value)
        yield from families.values()


# Logs one JSON line per request, without personal data: the route's template instead of the path,
# the account's id instead of a name. The caller's address is there where the operator asks for it.


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


class ServerInfo:
    """`probes` raise while a part of the server cannot work. `notes` are warnings. `gauges` return
    figures for `/metrics`.
    """

    def __init__(
        self,
        app: Flask,
        *,
        page: Callable[[], Response],
        probes: Mapping[str, Callable[[], None]],
        notes: Callable[[], Sequence[str]],
        gauges: Sequence[Callable[[], Iterable[GaugeReading]]],
    ) -> None:
        self._app = app
        self.page = page
        self.probes = probes
        self.notes = notes
        self._gauges = gauges

    def readings(self) -> Iterator[GaugeReading]:
        text = "1 where this part of the server works"
        for part, probe in self.probes.items():
            labels = (("part", part),)
            yield GaugeReading("skinapi_ready", text, float(_works(probe)), labels)
        text = "Processes of this server that ended without being told to, since its start"
        yield GaugeReading("skinapi_died_processes", text, _count_died())
        for look_up in self._gauges:
            try:
                yield from list(look_up())
            except SkinAPIError as error:
                log.error("figures_unknown", of=look_up.__qualname__, code=error.code)

    @cached_property
    def spec(self) -> dict[str, Any]:
        return build_spec(routes_of_areas(self._app))

    @cached_property
    def spec_json(self) -> bytes:
        return json.dumps(self.spec, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def docs(self) -> str:
        return docs_page(self.spec)


class RootAnswer(Answer):
    status: str
    message: str
    version: str
    docs: str


class Health(Answer):
    status: str


class Readiness(Health):
    notes: list[str] = Field(description="what is not as it should be, although the server works")


routes: Routes[ServerInfo] = Routes()


@routes.route("GET", "/", access=Public(), rate=Rate.UNLIMITED)
def front_door(server: ServerInfo) -> RootAnswer | Response:
    """Name and version of the server; a browser gets the console."""
    if prefers_page(request):
        return server.page()
    return RootAnswer(
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


@routes.route("GET", "/metrics", access=MetricsReader(), produces="text/plain")
def show_metrics(server: ServerInfo) -> Response:
    """Metrics for Prometheus: counts and durations of requests, scores and quality of photos,
    which parts work, and jobs. For admins, or with METRICS_TOKEN.
    """
    return Response(exposition(server.readings()), content_type=CONTENT_TYPE)


@routes.route("GET", "/openapi.json", access=Public())
def show_openapi(server: ServerInfo) -> dict[str, Any] | Response:
    """The API documentation as OpenAPI 3.1."""
    return Response(server.spec_json, mimetype="application/json")


@routes.route("GET", "/docs", access=Public(), produces="text/html")
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
