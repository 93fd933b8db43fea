"""A mongod that is gone for a while: every request is told so in good time, and when it is back the
server works again by itself.
"""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.drilled import acting, assert_all_promises_are_kept
from tests.mongod import Mongod
from tests.served.people import Caller, Town
from tests.served.server import Server, serving
from tests.served.wire import Answer, ask_on
from tests.size import size

GONE_S = size(4, 20)
IN_GOOD_TIME_S = 10  # a client that hears nothing for so long gives up
CROWD = 48  # more than the server has threads
Report = Callable[[str], None]


def ask_in_time(port: int, method: str, path: str, token: str | None = None) -> Answer:
    """Raises TimeoutError where no answer comes in good time."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=IN_GOOD_TIME_S)
    with closing(line):
        return ask_on(line, method, path, token=token)


@contextmanager
def killed(mongod: Mongod) -> Iterator[None]:
    mongod.kill()
    yield
    mongod.start()


@contextmanager
def stepped_down(mongod: Mongod) -> Iterator[None]:
    mongod.step_down(GONE_S + 1)
    yield


WAYS: dict[str, Callable[[Mongod], AbstractContextManager[None]]] = {
    "killed": killed,
    "frozen": Mongod.frozen,
    "stepped down": stepped_down,
}


class Asker(threading.Thread):
    """Asks for a change again and again."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self.failed = 0
        self._caller = caller
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.answers.append(
                    ask_in_time(self._caller.port, "POST", "/auth/logout", self._caller.token)
                )
            except (OSError, http.client.HTTPException):
                self.failed += 1

    def finish(self) -> None:
        self._over.set()


@pytest.mark.timeout(size(120, 600))
@pytest.mark.parametrize("way", WAYS)
def test_while_mongod_is_gone_everybody_is_told_so_and_afterwards_it_goes_on(
    tmp_path: Path, mongod: Mongod, way: str, report: Report
) -> None:
    with serving(tmp_path, {"MONGO_URI": mongod.uri}, workers=1) as server:
        with closing(Town(server)) as town:
            crowd = [Asker(town.person()) for _ in range(CROWD)]
            ada = town.person()
        with WAYS[way](mongod):
            time.sleep(0.5)
            with asking(crowd):
                alive = watched_health(server)
                ready = ask_in_time(server.port, "GET", "/readyz")
        assert_they_were_told([answer for asker in crowd for answer in asker.answers])
        assert sum(asker.failed for asker in crowd) == 0
        assert alive > 0
        assert ready.status == 503
        server.await_ready()
        assert ada.call("GET", "/me").status == 200
        many = Counter(answer.status for asker in crowd for answer in asker.answers)
        report(f"mongod {way} for {GONE_S} s: {dict(many)}, {alive} times alive")


@contextmanager
def asking(crowd: list[Asker]) -> Iterator[None]:
    for asker in crowd:
        asker.start()
    try:
        yield
    finally:
        for asker in crowd:
            asker.finish()
        for asker in crowd:
            asker.join()


def watched_health(server: Server) -> int:
    """How often it said that it lives, while it was gone."""
    end, alive = time.monotonic() + GONE_S, 0
    while time.monotonic() < end:
        assert ask_in_time(server.port, "GET", "/healthz").status == 200
        alive += 1
        time.sleep(0.1)
    return alive


def assert_they_were_told(answers: list[Answer]) -> None:
    assert answers
    for answer in answers:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json["code"] == "store_unavailable"


@pytest.mark.timeout(size(120, 600))
def test_a_worker_that_dies_while_mongod_is_gone_is_replaced_when_it_is_back(
    tmp_path: Path, mongod: Mongod
) -> None:
    with serving(tmp_path, {"MONGO_URI": mongod.uri}, workers=2) as server:
        with killed(mongod):
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            time.sleep(GONE_S)
        server.await_ready()
        assert server.stop() == 0


@pytest.mark.timeout(size(120, 600))
def test_what_was_promised_before_during_and_after_an_absence_is_kept(
    tmp_path: Path, mongod: Mongod, seed: int, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    environment = {"PHOTOS": "always", "MONGO_URI": mongod.uri}
    with serving(tmp_path, environment, workers=2) as server:
        with acting(server, seed) as drill:
            time.sleep(1)
            with mongod.frozen():
                time.sleep(GONE_S)
            server.await_ready()
            time.sleep(2)
        report(assert_all_promises_are_kept(drill, monkeypatch))
