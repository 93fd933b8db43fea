"""`python -m tests.bench.soak [--minutes 120]`: does a server stay as it was after hours of work?

A server with SQLite and one with MongoDB, each with the shipped model, are visited in turn at a
steady, light pace. Every minute the memory, the open files and the threads of each are counted, and
the time of each kind of request is held against the time of a fixed piece of work on the same
machine. The first fifth is left out, for a server fills its caches then; the next fifth is compared
with the last one.
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.vision.network.model import SHIPPED_MODEL
from tests.bench.photos import SIZES, photos
from tests.served.memory import measure_memory
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR, GUIDE
from tests.served.server import Server, children, serving
from tests.served.wire import Answer, ask, open_connection
from tests.stores.mongod import running_mongod
from tests.support.backends import PASSWORD

RESULT = Path("instance/bench-soak.json")
PACE_S = 2.0
WINDOW_S = 60.0
WORKERS = 2
UNREADABLE = b"\xff\xd8 no picture"
PEER_WORK = bytes(8 * 2**20)
Results = dict[str, Any]


@dataclass
class Visited:
    """One server, the people who visit it, and what its answers took in this window."""

    name: str
    server: Server
    seeder: Seeder
    admin: Caller
    email: str
    content: Sequence[bytes]
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)

    def visit(self, turn: int) -> None:
        """What a person does in a few minutes, and what a careless client does."""
        credentials = {"email": self.email, "password": PASSWORD}
        token = self._call("login", 200, "POST", "/login", json=credentials).json["access_token"]
        photo = self.content[turn % len(self.content)]
        port = self.server.port
        found = self._time("predict", 200, lambda: ANGULAR.send(port, photo, token=token))
        self._time("guide", 200, lambda: GUIDE.send(port, photo))
        number = found.json["id"]
        self._call("list", 200, "GET", "/submissions", token=token)
        self._call("report", 200, "GET", f"/submissions/{number}/report.pdf", token=token)
        self._call("delete", 200, "DELETE", f"/submissions/{number}", token=token)
        self._call("users", 200, "GET", "/users", token=self.admin.token)
        self._call("audit", 200, "GET", "/audit", token=self.admin.token)
        self._call("console", 200, "GET", "/", headers={"Accept": "text/html"})
        self._time("refused", 422, lambda: ANGULAR.send(port, UNREADABLE, token=token))
        self._hang_up(token)

    def _hang_up(self, token: str) -> None:
        """In the middle of a photo."""
        with closing(open_connection(self.server.port)) as line:
            head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
            kind = "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n"
            line.sendall(f"{head}{kind}".encode() + bytes(1000))

    def _call(self, name: str, wanted: int, method: str, path: str, **options: Any) -> Answer:
        return self._time(name, wanted, lambda: ask(self.server.port, method, path, **options))

    def _time(self, name: str, wanted: int, send: Callable[[], Answer]) -> Answer:
        began = time.perf_counter()
        answer = send()
        self.times[name].append(time.perf_counter() - began)
        if answer.status != wanted:
            self.failed.append(f"{name}: {answer.status}")
        return answer

    def close_window(self, peer_s: float) -> Results:
        """Its figures, and a new window."""
        medians = {name: statistics.median(times) / peer_s for name, times in self.times.items()}
        visits = len(self.times["predict"])
        self.times.clear()
        self.admin = self.seeder.caller(self.admin.id, self.admin.email)  # a token of an hour
        return {
            "visits": visits,
            "failed": len(self.failed),
            **counted(self.server),
            **{f"{name} / peer": round(value, 2) for name, value in medians.items()},
        }


def counted(server: Server) -> dict[str, float]:
    pids = [server.master(), *children(server.master())]
    return {
        "held MB": round(measure_memory(server.master()).held, 1),
        "open files": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        "threads": sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
    }


def visited(name: str, server: Server, seeder: Seeder) -> Visited:
    admin, someone = seeder.person("admin"), seeder.person()
    email = "soak@example.org"
    ask(
        server.port,
        "POST",
        "/register",
        json={"name": "Soak", "email": email, "password": PASSWORD},
    )
    admin.call("PATCH", f"/users/{email}/approve", json={})
    content = [
        photo
        for photo in photos(None)[next(iter(SIZES))]
        if ANGULAR.send(server.port, photo, token=someone.token).status == 200
        and GUIDE.send(server.port, photo).status == 200
    ]
    return Visited(name, server, seeder, admin, email, content)


def peer_s() -> float:
    began = time.perf_counter()
    hashlib.sha256(PEER_WORK)
    return time.perf_counter() - began


def soak(places: Sequence[Visited], seconds: float) -> Iterator[tuple[str, Results]]:
    """A row of each server for each window."""
    began = time.monotonic()
    turn = 0
    while time.monotonic() < began + seconds:
        window, peer = time.monotonic() + WINDOW_S, list[float]()
        while time.monotonic() < window:
            places[turn % len(places)].visit(turn)
            peer.append(peer_s())
            turn += 1
            time.sleep(max(0.0, began + turn * PACE_S - time.monotonic()))
        minute = round((time.monotonic() - began) / 60, 1)
        for place in places:
            row = place.close_window(statistics.median(peer))
            yield place.name, {"minute": minute, **row}


def compare(rows: Sequence[Results]) -> dict[str, tuple[float, float]]:
    """The medians of the second fifth and of the last one."""
    fifth = len(rows) // 5
    names = [name for name in rows[-1] if name not in ("minute", "visits", "failed")]
    return {
        name: (
            round(statistics.median(row[name] for row in rows[fifth : 2 * fifth]), 2),
            round(statistics.median(row[name] for row in rows[-fifth:]), 2),
        )
        for name in names
    }


def measure_soak(minutes: float) -> Results:
    rows: dict[str, list[Results]] = defaultdict(list)
    with TemporaryDirectory(prefix="soak-") as folder, ExitStack() as stack:
        stores: Mapping[str, Mapping[str, str]] = {
            "sqlite": {},
            "mongod": {"MONGO_URI": stack.enter_context(running_mongod()).uri},
        }
        places = []
        for name, store in stores.items():
            settings = {"MODEL_PATH": str(SHIPPED_MODEL), **store}
            server = stack.enter_context(serving(Path(folder) / name, settings, workers=WORKERS))
            seeder = stack.enter_context(closing(Seeder(server)))
            places.append(visited(name, server, seeder))
        for name, row in soak(places, minutes * 60):
            rows[name].append(row)
            sys.stderr.write(f"{name} {row}\n")
        failed = {place.name: place.failed[:20] for place in places}
    compared = {name: compare(found) for name, found in rows.items()}
    return {"minutes": minutes, "failed": failed, "compared": compared, "rows": rows}


def table(results: Results) -> Iterator[str]:
    yield f"{'':10}{'':18}{'second fifth':>14}{'last fifth':>12}{'ratio':>8}"
    for name, compared in results["compared"].items():
        for what, (before, after) in compared.items():
            yield f"{name:10}{what:18}{before:>14}{after:>12}{after / before:>8.2f}"
        visits = sum(row["visits"] for row in results["rows"][name])
        yield f"{name:10}{visits} visits, failed: {results['failed'][name] or 'none'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    results = measure_soak(parser.parse_args().minutes)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write("\n".join([*table(results), "", f"written to {RESULT}", ""]))


if __name__ == "__main__":
    main()
