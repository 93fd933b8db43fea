"""Counts and durations of requests by route template, for Prometheus; summed over all workers."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from skinapi.base.logs import log
from skinapi.base.values import GaugeReading
from skinapi.platform.web.request_context import current_subject, request_id

REQUESTS = Counter("skinapi_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("skinapi_request_seconds", "Time to answer", ["method", "route"])
# A client may send any method name. Each would be a new time series, so the others are one.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# The files that each worker counts in. All series of all routes take less.
RESERVED_BYTES = {"counter": 512 * 1024, "histogram": 1024 * 1024}


def measure_requests(app: Flask) -> None:
    """Count all requests of the application; none where there is no room for the counts."""
    if FOLDER in os.environ and not _reserve(Path(os.environ[FOLDER])):
        return

    @app.after_request
    def measure(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(time.perf_counter() - g.started)
        return response


def _reserve(folder: Path) -> bool:
    """Reserve the disk space of this process's files; False where there is none.

    The library writes to them through a mapping. Where the disk is full and a page was not
    reserved, the system ends the process, with all requests under way.
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
        log.error("requests are not counted: no room for the metrics", reason=error.strerror)
        return False
    return True


def exposition(gauges: Iterable[GaugeReading]) -> bytes:
    """All metrics in the text format of Prometheus, and these readings."""
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
