"""A bounded load from concurrent clients, until the calls are made or the time is up. The clients
send prepared bytes on a kept connection, so that they take little processor time themselves.
"""

import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import nan
from threading import Barrier
from typing import Any

import numpy as np

PATIENCE_S = 300
AFTER_FAILURE_S = 0.1


@dataclass(frozen=True)
class Timing:
    """Milliseconds per request, and requests per second of all clients together. `failed` counts
    the requests with another status than 200, or an error, by its name.
    """

    p50: float
    p99: float
    per_second: float
    failed: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        figures = {name: getattr(self, name) for name in ("p50", "p99", "per_second")}
        rounded = {name: round(value, 2) for name, value in figures.items()}
        return {**rounded, "failed": self.failed}


def request_bytes(method: str, path: str, *, token: str = "", body: Any = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(data)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + data


@dataclass(frozen=True)
class Bounds:
    calls: int
    seconds: float


def load(port: int, requests: Sequence[bytes], *, clients: int, bounds: Bounds) -> Timing:
    """Each client sends the next request once the last one is answered. After a failure it waits a
    little and connects again.
    """
    return timing_of(*times_of(port, requests, clients=clients, bounds=bounds))


def times_of(
    port: int, requests: Sequence[bytes], *, clients: int, bounds: Bounds
) -> tuple[list[float], float, Counter[str]]:
    """Return the seconds of each request, the seconds of the whole load, and the failures."""
    start, turns, failed = Barrier(clients + 1), itertools.count(), Counter[str]()

    def one_client() -> list[float]:
        times: list[float] = []
        line = _connect_or_fail_later(port)
        start.wait()
        deadline = time.perf_counter() + bounds.seconds
        while (turn := next(turns)) < bounds.calls:
            began = time.perf_counter()
            if began > deadline:
                break
            try:
                exchange(line, requests[turn % len(requests)])
                times.append(time.perf_counter() - began)
            except (OSError, RequestFailed) as error:
                failed[str(error) or type(error).__name__] += 1
                line.close()
                time.sleep(AFTER_FAILURE_S)
                line = _connect_or_fail_later(port)
        line.close()
        return times

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(one_client) for _ in range(clients)]
        start.wait()
        began = time.perf_counter()
        times = [spent for client in running for spent in client.result()]
        return times, time.perf_counter() - began, failed


def timing_of(times: Sequence[float], wall: float, failed: Mapping[str, int]) -> Timing:
    p50, p99 = np.percentile(np.array(times) * 1000, (50, 99)).tolist() if times else (nan, nan)
    return Timing(p50, p99, len(times) / wall, dict(failed))


def rate_of(work: Callable[[], object], streams: int, *, seconds: float) -> float:
    """Return how often per second `work` is done in this many threads."""
    work()
    deadline, done = time.perf_counter() + seconds, [0] * streams

    def one_stream(number: int) -> None:
        while time.perf_counter() < deadline:
            work()
            done[number] += 1

    threads = [threading.Thread(target=one_stream, args=(number,)) for number in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def connect(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _connect_or_fail_later(port: int) -> socket.socket:
    try:
        return connect(port)
    except OSError:
        return socket.socket()  # the next request on it fails, and is counted


class RequestFailed(Exception):
    """The answer had another status than 200, or broke off."""


def exchange(line: socket.socket, request: bytes) -> None:
    line.sendall(request)
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += _some(line)
    head, _, body = heard.partition(b"\r\n\r\n")
    status = head.split(maxsplit=2)[1].decode()
    if status != "200":
        raise RequestFailed(status)
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(_some(line))


def _some(line: socket.socket) -> bytes:
    some = line.recv(1 << 16)
    if not some:
        raise RequestFailed("hung up")
    return some
