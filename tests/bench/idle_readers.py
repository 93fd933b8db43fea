"""What readers cost who have the console open and wait for messages, on a server with MongoDB.

    python -m tests.bench.idle_readers [readers] [seconds]

Each asks for `/messages` as often as the console does. The same time without readers is taken off.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymongo

from tests.bench.clients import connect, exchange, request_bytes
from tests.bench.load import timing_of
from tests.served.people import Seeder
from tests.served.server import serving
from tests.stores.mongod import running_mongod

ASKED_EVERY_S = 5.0  # EVERY_MS of console/static/waiting.js
COUNTED = ("query", "insert", "update", "delete", "getmore", "command")


@dataclass
class Costs:
    """Of the server's worker and of its store, until now."""

    cpu_s: float
    commands: int
    threads: int

    @classmethod
    def of(cls, worker: int, client: "pymongo.MongoClient[Any]") -> "Costs":
        ticks = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        counted = client.admin.command("serverStatus")["opcounters"]
        threads = len(list(Path(f"/proc/{worker}/task").iterdir()))
        return cls(cpu, sum(counted[name] for name in COUNTED), threads)


def read_idly(port: int, token: str, number: int, readers: int, seconds: float) -> list[float]:
    """How long each answer took. Readers come one after the other, not all at once."""
    request, times = request_bytes("GET", "/messages", token=token), []
    turn = time.perf_counter() + ASKED_EVERY_S * number / readers
    end = time.perf_counter() + seconds
    while turn < end:
        time.sleep(max(0, turn - time.perf_counter()))
        began = time.perf_counter()
        with closing(connect(port)) as line:
            exchange(line, request)
        times.append(time.perf_counter() - began)
        turn += ASKED_EVERY_S
    return times


def main(readers: int, seconds: float) -> None:
    client: pymongo.MongoClient[Any]
    with (
        TemporaryDirectory() as folder,
        running_mongod() as mongod,
        serving(Path(folder), {"MONGO_URI": mongod.uri}, workers=1) as server,
        closing(Seeder(server)) as seeder,
        pymongo.MongoClient(mongod.uri) as client,
        ThreadPoolExecutor(readers) as pool,
    ):
        tokens = [seeder.person().token for _ in range(readers)]
        (worker,) = server.workers()

        def cost(act: Callable[[], Any]) -> tuple[Costs, Costs, Any]:
            before = Costs.of(worker, client)
            done = act()
            return before, Costs.of(worker, client), done

        idle = cost(lambda: time.sleep(seconds))
        busy = cost(
            lambda: [
                spent
                for one in [
                    pool.submit(read_idly, server.port, token, number, readers, seconds)
                    for number, token in enumerate(tokens)
                ]
                for spent in one.result()
            ]
        )
        cpu, commands = (
            [getattr(after, name) - getattr(before, name) for before, after, _ in (busy, idle)]
            for name in ("cpu_s", "commands")
        )
        timing = timing_of(busy[2], seconds)
    sys.stdout.write(
        f"{readers} readers: {timing.per_second:.0f} requests a second, median {timing.p50:.1f} ms,"
        f" 99 % within {timing.p99:.1f} ms; {(cpu[0] - cpu[1]) / seconds:.0%} of a processor, "
        f"{(commands[0] - commands[1]) / seconds:.0f} commands of the store a second, "
        f"{busy[1].threads} threads (without readers {idle[1].threads})\n"
    )


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(200, 60)[len(given) :])
