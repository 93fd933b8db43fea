"""Plain HTTP to a served backend, with one connection per request unless a test holds its own."""

import http.client
import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Barrier
from typing import Any, TypeVar

PATIENCE_S = 60
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


def ask(
    port: int,
    method: str,
    path: str,
    *,
    token: str | None = None,
    json: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Raises OSError or HTTPException if no whole answer came back."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as line:
        return ask_on(line, method, path, token=token, json=json, headers=headers)


def ask_on(
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    token: str | None = None,
    json: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    body = None
    if json is not None:
        sent["Content-Type"] = "application/json"
        body = _dumped(json)
    line.request(method, path, body, {**sent, **(headers or {})})
    answer = line.getresponse()
    return Answer(answer.status, dict(answer.getheaders()), answer.read())


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def open_connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def read_answer(connection: socket.socket) -> Answer:
    heard = http.client.HTTPResponse(connection)
    heard.begin()
    return Answer(heard.status, dict(heard.getheaders()), heard.read())


def tell(port: int, *parts: bytes) -> Answer:
    with closing(open_connection(port)) as line:
        for part in parts:
            line.sendall(part)
        return read_answer(line)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    start = Barrier(len(calls))

    def call(one: Callable[[], T]) -> T:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))
