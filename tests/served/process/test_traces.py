"""What a collector gets of a served backend: one trace for each request, although the worker calls
the application twice, and nothing is lost at the stop.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, stopping
from tests.served.wire import ask, open_connection, read_answer
from tests.stores.mongod import free_port
from tests.support.photos import photo_of


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps the spans."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Sending)
        self.spans: list[Span] = []
        self.paths: set[str] = set()
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name: str) -> Span:
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def ancestors(self, span: Span) -> list[str]:
        names = []
        while span.parent_span_id:
            (span,) = (each for each in self.spans if each.span_id == span.parent_span_id)
            names.append(span.name)
        return names


class _Sending(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.add(self.path)
        self.server.keys.add(self.headers["api-key"])
        for resource in ExportTraceServiceRequest.FromString(sent).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def running_collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def say_late(port: int, path: str, body: bytes) -> None:
    """A request whose body begins only when the server has looked at its head."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with closing(open_connection(port)) as line:
        line.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 100")
        line.sendall(body)
        read_answer(line)


def test_a_photo_is_one_trace_and_none_is_lost_at_the_stop(tmp_path: Path) -> None:
    with running_collector() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=of%20the%20collector",
        }
        with stopping(Server(tmp_path, environment, workers=1)) as server:
            server.start()
            with closing(Seeder(server)) as seeder:
                ada = seeder.person()
                answer = ANGULAR.send(server.port, photo_of("melanoma"), token=ada.token)
            assert answer.status == 200
            say_late(server.port, "/login", b'{"email": "ada@example.org", "password": "wrong"}')
            assert server.stop() == 0
    assert (collector.paths, collector.keys) == ({"/v1/traces"}, {"of the collector"})
    root = collector.named("POST /predict")
    trace = [span for span in collector.spans if span.trace_id == root.trace_id]
    assert {name for span in trace for name in collector.ancestors(span)[-1:]} == {"POST /predict"}
    for name in ("decode", "inference"):
        assert collector.ancestors(collector.named(name)) == ["classify photo", "POST /predict"]
    late = collector.named("POST /login")
    assert [event.name for event in late.events] == ["body arrived"]
    (line,) = (line for line in server.log().splitlines() if '"route": "/predict"' in line)
    assert root.trace_id.hex() in line


@pytest.mark.drill
def test_without_a_collector_requests_are_served_and_one_line_says_so(tmp_path: Path) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_MAX_QUEUE_SIZE": "2",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
    }
    with stopping(Server(tmp_path, environment, workers=1)) as server:
        server.start()
        for _ in range(20):
            assert ask(server.port, "GET", "/conditions").status == 200
        assert server.stop() == 0
        log = server.log()
    assert log.count('"event": "request"') >= 20
    assert log.count("traces_not_sent") <= 1
    for words in ("Queue full", "Traceback", "Transient", "opentelemetry"):
        assert words not in log
