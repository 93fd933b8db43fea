import http.client
from contextlib import closing
from typing import Any, Protocol

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from tests.served.wire import PATIENCE_S


class Client(Protocol):
    def get(self, path: str, **options: Any) -> TestResponse: ...

    def post(self, path: str, **options: Any) -> TestResponse: ...


class ClientBackend(Protocol):
    @property
    def client(self) -> Client: ...


class Listening(Protocol):
    @property
    def port(self) -> int: ...


class ServedBackend:
    def __init__(self, server: Listening) -> None:
        self._server = server

    @property
    def client(self) -> "ServedBackend":
        return self

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._send("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self._send("POST", path, **options)

    def _send(self, method: str, path: str, **options: Any) -> TestResponse:
        builder = EnvironBuilder(path, method=method, **options)
        asked = builder.get_request()
        environ = asked.environ
        headers = {name: value for name, value in builder.headers.items() if name != "Host"}
        headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
        body = environ["wsgi.input"].read()
        line = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE_S)
        with closing(line):
            line.request(method, path, body, headers)
            answer = line.getresponse()
            status, given = f"{answer.status} {answer.reason}", Headers(answer.getheaders())
            return TestResponse([answer.read()], status, given, asked)
