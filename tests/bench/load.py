"""A bounded load: so many clients at once, until the calls are made or the time is up. And how
often a second a function can be called.
"""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Barrier

import numpy as np

from tests.bench.clients import Timing, connect, exchange


@dataclass(frozen=True)
class Bounds:
    calls: int
    seconds: float


def load(port: int, requests: Sequence[bytes], *, clients: int, bounds: Bounds) -> Timing:
    """Each client makes the next request in turn as soon as its last one is answered."""
    return timing_of(*times_of(port, requests, clients=clients, bounds=bounds))


def times_of(
    port: int, requests: Sequence[bytes], *, clients: int, bounds: Bounds
) -> tuple[list[float], float]:
    """The seconds of each request of such a load, and of all together."""
    start, turns = Barrier(clients + 1), itertools.count()

    def one_client() -> list[float]:
        times = []
        with closing(connect(port)) as line:
            start.wait()
            deadline = time.perf_counter() + bounds.seconds
            while (turn := next(turns)) < bounds.calls:
                began = time.perf_counter()
                if began > deadline:
                    break
                exchange(line, requests[turn % len(requests)])
                times.append(time.perf_counter() - began)
        return times

    with closing(connect(port)) as line:
        exchange(line, requests[0])
    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(one_client) for _ in range(clients)]
        start.wait()
        began = time.perf_counter()
        times = [spent for client in running for spent in client.result()]
        return times, time.perf_counter() - began


def timing_of(times: Sequence[float], wall: float) -> Timing:
    p50, p99 = np.percentile(np.array(times) * 1000, (50, 99)).tolist()
    return Timing(p50, p99, len(times) / wall)


def rate_of(work: Callable[[], object], streams: int, *, seconds: float) -> float:
    """How often a second `work` is done in so many threads."""
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
