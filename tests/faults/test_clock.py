"""A clock that jumps: nobody is shut out by it, nothing is lost, and what has an order keeps it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.drilled import acting, assert_all_promises_are_kept
from tests.houses import PASSWORD
from tests.served.camera import ANGULAR, GUIDE, lesions
from tests.served.people import Caller, Town
from tests.served.server import Server, stopping
from tests.served.wire import Answer, ask
from tests.size import size

HOUR = 3600
Report = Callable[[str], None]


class WrongServer(Server):
    """One whose clock is wrong by as much as a test says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(folder, environment, workers=1)
        self._clock = folder / "clock"
        self.environment["CLOCK"] = str(self._clock)
        self.jump(0)

    def jump(self, seconds: float) -> None:
        """In one step, so that nobody reads half a number."""
        draft = self._clock.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self._clock)

    def start_wrong(self) -> None:
        self.start(("-m", "gunicorn", "tests.faults.clocked:app"))

    def replace_worker(self) -> None:
        os.kill(self.workers()[0], signal.SIGKILL)
        self.await_ready()


@pytest.fixture
def server(tmp_path: Path, on_store: dict[str, str]) -> Iterator[WrongServer]:
    limits = {"RATE_LIMIT_STORAGE": on_store.get("MONGO_URI", ""), "RATE_ANONYMOUS": "3/minute"}
    server = WrongServer(tmp_path, {"PHOTOS": "always", **limits, **on_store})
    with stopping(server):
        server.start_wrong()
        yield server


def test_the_clock_of_the_test_is_the_clock_of_the_server(server: WrongServer) -> None:
    with closing(Town(server)) as town:
        ada = town.person()  # for an hour
    server.jump(2 * HOUR)
    assert ada.call("GET", "/me").json["code"] == "token_expired"


def test_a_clock_that_is_put_back_shuts_nobody_out_and_lets_nobody_back_in(
    server: WrongServer,
) -> None:
    body = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    token = ask(server.port, "POST", "/register", json=body).json["access_token"]
    with closing(Town(server)) as town:
        gone, here = town.person(), town.person()
    assert gone.call("POST", "/auth/logout").status == 200
    for jump in (-HOUR, HOUR / 2, -24 * HOUR):
        server.jump(jump)
        assert ask(server.port, "GET", "/me", token=token).status == 200
        assert here.call("GET", "/me").status == 200
        assert gone.call("GET", "/me").status == 401


def test_a_limit_that_was_reached_before_the_clock_was_put_back_lasts_no_longer(
    server: WrongServer,
) -> None:
    assert [anonymous_photo(server).status for _ in range(4)] == [200, 200, 200, 429]
    server.jump(-HOUR)
    assert anonymous_photo(server).status == 200


def anonymous_photo(server: Server) -> Answer:
    return GUIDE.send(server.port, lesions(1)[0])


def test_findings_and_the_trail_keep_their_order_while_the_clock_jumps(
    server: WrongServer,
) -> None:
    with closing(Town(server)) as town:
        ada, admin = town.person(), town.person("admin")
    for jump in (0, -HOUR / 4, HOUR / 4, -HOUR):
        server.jump(jump)
        for photo in lesions(2):
            assert ANGULAR.send(server.port, photo, token=ada.token).status == 200
    assert numbers_of(ada) == list(range(1, 9))
    sequence = [row["sequence"] for row in admin.call("GET", "/audit?limit=100").json]
    assert sequence == sorted(sequence, reverse=True)
    server.jump(0)
    assert server.run("check").stdout == "all is well\n"


def test_a_new_worker_behind_the_clock_of_the_last_one_still_lists_every_finding_once(
    server: WrongServer,
) -> None:
    """Where it stands in the list follows the clock then; that it stands there once does not."""
    with closing(Town(server)) as town:
        ada = town.person()
    for jump in (0, -HOUR / 4):
        server.jump(jump)
        server.replace_worker()
        for photo in lesions(3):
            assert ANGULAR.send(server.port, photo, token=ada.token).status == 200
    assert sorted(numbers_of(ada)) == list(range(1, 7))


def numbers_of(caller: Caller) -> list[int]:
    """By following the links, two at a time."""
    numbers, path = list[int](), "/submissions?limit=2"
    while path:
        answer = caller.call("GET", path)
        numbers += [submission["id"] for submission in answer.json]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        path = path.removeprefix(f"http://127.0.0.1:{caller.port}")
    return numbers


@pytest.mark.timeout(size(120, 600))
def test_actors_under_a_jumping_clock_are_kept_every_promise(
    server: WrongServer, seed: int, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    with acting(server, seed) as drill:
        for jump in (-HOUR / 2, HOUR / 3, -24 * HOUR, 0) * size(1, 10):
            time.sleep(0.5)
            server.jump(jump)
        time.sleep(1)
    report(f"clock: {assert_all_promises_are_kept(drill, monkeypatch)}")
