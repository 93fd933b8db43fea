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

from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.served.wire import Answer, ask_on
from tests.stores.mongod import Mongod

GONE_S = 20
IN_GOOD_TIME_S = 10  # a client that hears nothing for so long gives up
CROWD = 48  # more than the server has threads
PAUSE_S = 0.02
Report = Callable[[str], None]
pytestmark = pytest.mark.drill


def ask_in_time(port: int, method: str, path: str, token: str | None = None) -> Answer:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=IN_GOOD_TIME_S)
    with closing(line):
        return ask_on(line, method, path, token=token)


@contextmanager
def killed(mongod: Mongod) -> Iterator[None]:
    mongod.kill()
    yield
    mongod.start()


WAYS: dict[str, Callable[[Mongod], AbstractContextManager[None]]] = {
    "killed": killed,
    "frozen": Mongod.frozen,
    "stepped down": Mongod.stepped_down,
}


class Asker(threading.Thread):
    """Asks for a change again and again."""

    def __init__(self, caller: Caller, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self.unanswered = 0
        self._caller = caller
        self._over = over

    def run(self) -> None:
        while not self._over.wait(PAUSE_S):
            try:
                self.answers.append(
                    ask_in_time(self._caller.port, "POST", "/auth/logout", self._caller.token)
                )
            except (OSError, http.client.HTTPException):
                self.unanswered += 1


@contextmanager
def asking(callers: list[Caller]) -> Iterator[list[Asker]]:
    over = threading.Event()
    crowd = [Asker(caller, over) for caller in callers]
    for asker in crowd:
        asker.start()
    try:
        yield crowd
    finally:
        over.set()
        for asker in crowd:
            asker.join()


@pytest.mark.timeout(600)
def test_during_a_mongod_outage_every_request_gets_503_and_then_service_resumes(
    tmp_path: Path, mongod: Mongod, seed: int, report: Report
) -> None:
    environment = {"PHOTOS": "always", "MONGO_URI": mongod.uri}
    with serving(tmp_path, environment, workers=1) as server:
        with closing(Seeder(server)) as seeder:
            callers = [seeder.person() for _ in range(CROWD)]
        with acting(server, seed, actors=2) as drill:
            for way, gone in WAYS.items():
                with gone(mongod):
                    time.sleep(0.5)
                    with asking(callers) as crowd:
                        alive = watched(server)
                report(f"mongod {way} for {GONE_S} s: {told(crowd)}, {alive} times alive")
                server.await_ready()
                assert callers[0].call("GET", "/me").status == 200
        report(assert_all_promises_are_kept(drill))


def watched(server: Server) -> int:
    """How often it said that it lives and is not ready, while mongod was gone."""
    end, alive = time.monotonic() + GONE_S, 0
    while time.monotonic() < end:
        assert ask_in_time(server.port, "GET", "/healthz").status == 200
        assert ask_in_time(server.port, "GET", "/readyz").status == 503
        alive += 1
        time.sleep(0.1)
    return alive


def told(crowd: list[Asker]) -> dict[int, int]:
    """What the crowd heard: that nothing can be had now, and when to ask again."""
    answers = [answer for asker in crowd for answer in asker.answers]
    for answer in answers:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json["code"] == "store_unavailable"
    assert answers
    assert not any(asker.unanswered for asker in crowd)
    return dict(Counter(answer.status for answer in answers))


@pytest.mark.timeout(600)
def test_a_worker_that_dies_while_mongod_is_gone_is_replaced_when_it_is_back(
    tmp_path: Path, mongod: Mongod
) -> None:
    """gunicorn ends a server whose worker cannot start."""
    with serving(tmp_path, {"MONGO_URI": mongod.uri}, workers=2) as server:
        with killed(mongod):
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            server.await_words("waiting: The database cannot be reached")
            time.sleep(GONE_S)
        server.await_ready()
        assert server.stop() == 0
