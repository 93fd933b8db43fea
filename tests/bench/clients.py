"""Clients that do little themselves: ready-made bytes out, one answer in, on a kept connection."""

import json
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from threading import Barrier
from typing import Any

WARM_UP = 20
PATIENCE_S = 300


@dataclass(frozen=True)
class Timing:
    """Milliseconds a request, and requests a second of all clients together."""

    p50: float
    p99: float
    per_second: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def request_bytes(method: str, path: str, *, token: str = "", body: Any = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(data)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + data


def measure(port: int, request: bytes, *, clients: int, calls: int) -> Timing:
    """Each client makes its share of the calls, all at the same time."""
    start = Barrier(clients + 1)
    share = calls // clients
    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(_one_client, port, request, share, start) for _ in range(clients)]
        start.wait()
        began = time.perf_counter()
        times = sorted(spent for client in running for spent in client.result())
        wall = time.perf_counter() - began
    hundredths = statistics.quantiles(times, n=100)
    return Timing(hundredths[49] * 1000, hundredths[98] * 1000, share * clients / wall)


def _one_client(port: int, request: bytes, calls: int, start: Barrier) -> list[float]:
    with closing(connect(port)) as line:
        for _ in range(min(WARM_UP, calls)):
            exchange(line, request)
        start.wait()
        times = []
        for _ in range(calls):
            began = time.perf_counter()
            exchange(line, request)
            times.append(time.perf_counter() - began)
    return times


def connect(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def exchange(line: socket.socket, request: bytes) -> None:
    line.sendall(request)
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += _some(line)
    head, _, body = heard.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise RuntimeError(f"answered {heard[:1000]!r}")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(_some(line))


def _some(line: socket.socket) -> bytes:
    some = line.recv(1 << 16)
    if not some:
        raise RuntimeError("the server hung up")
    return some
