import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingTCPServer
from typing import Any, TypeVar

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class LocalServer(ThreadingTCPServer):
    """`closing` is set when the server ends, for handlers that wait."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, handler: type) -> None:
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", port), handler)


S = TypeVar("S", bound=LocalServer)


@contextmanager
def serving_in_a_thread(server: S) -> Iterator[S]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class QuietRequests(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def serving_here(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietRequests)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
