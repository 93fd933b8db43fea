"""A receiver of webhooks, well or badly behaved. It verifies each message with the library that
Standard Webhooks publishes for receivers.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.support.local_server import LocalServer, serving_in_a_thread

Answer = Callable[["Call"], None]


@dataclass(frozen=True)
class Message:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.read()["type"])

    def read(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    def verify(self, secret: str) -> Any:
        return Webhook(secret).verify(self.body, dict(self.headers))


class Call(BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.messages.append(Message(self.path, headers, body))
        with suppress(OSError):
            self.server.answer(self)

    def do_GET(self) -> None:
        self.server.messages.append(Message(self.path, {}, b"GET"))

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Receiver(LocalServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Call)
        self.messages: list[Message] = []
        self.answer: Answer = takes

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?from=skin"

    def types(self) -> list[str]:
        return [message.type for message in self.messages]


@contextmanager
def receiving() -> Iterator[Receiver]:
    with serving_in_a_thread(Receiver()) as receiver:
        yield receiver


def takes(call: Call) -> None:
    call.say(204)


def says(status: int, **headers: str) -> Answer:
    return lambda call: call.say(status, b"", **headers)


def never_answers(call: Call) -> None:
    call.server.closing.wait(60)


def drips(call: Call) -> None:
    """Send an endless header, one byte at a time."""
    call.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    until = time.monotonic() + 60
    while time.monotonic() < until and not call.server.closing.wait(0.05):
        call.wfile.write(b"a")


def says_ten_gigabytes(call: Call) -> None:
    call.send_response(200)
    call.send_header("Content-Length", str(10 * 2**30))
    call.end_headers()
    while not call.server.closing.is_set():
        call.wfile.write(bytes(2**20))
