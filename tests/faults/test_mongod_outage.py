import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.served.wire import Answer, ask_on
from tests.stores.mongod import Mongod
from tests.support.waiting import await_

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
                    with ThreadPoolExecutor(CROWD) as pool:
                        refused = pool.map(ask_for_changes, callers)
                        alive = watched(server)
                        report(f"mongod {way}: {sum(refused)} refused, {alive} times alive")
                server.await_ready()
                assert callers[0].call("GET", "/me").status == 200
        # Rows are sealed once a second, and hardly ever between the outages.
        with closing(Seeder(server)) as seeder:
            await_(lambda: not seeder.services.data.trail.has_unsealed())
        report(assert_all_promises_are_kept(drill))


def watched(server: Server) -> int:
    end, alive = time.monotonic() + GONE_S, 0
    while time.monotonic() < end:
        assert ask_in_time(server.port, "GET", "/healthz").status == 200
        assert ask_in_time(server.port, "GET", "/readyz").status == 503
        alive += 1
        time.sleep(0.1)
    return alive


def ask_for_changes(caller: Caller) -> int:
    end, refused = time.monotonic() + GONE_S, 0
    while time.monotonic() < end:
        answer = ask_in_time(caller.port, "POST", "/auth/logout", caller.token)
        assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        refused += 1
        time.sleep(PAUSE_S)
    return refused
