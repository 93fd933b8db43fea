"""A clock that jumps: sessions and limits stay right, nothing is lost, and lists keep their
order.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.storage.ids import new_id
from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.conftest import environment_of
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR, GUIDE, lesions
from tests.served.server import Server, stopping
from tests.served.wire import Answer, ask
from tests.support.backends import PASSWORD

HOUR = 3600
# One server numbers the rows of all, about once a second.
SEALED_S = 60
Report = Callable[[str], None]
pytestmark = pytest.mark.drill


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
        self.start(("-m", "gunicorn", "tests.faults.shifted_clock:app"))

    def replace_worker(self) -> None:
        os.kill(self.workers()[0], signal.SIGKILL)
        self.await_ready()


@contextmanager
def wrong_server(folder: Path, uri: str) -> Iterator[WrongServer]:
    """With a limit that can be reached."""
    environment = {"PHOTOS": "always", "RATE_ANONYMOUS": "3/minute", **environment_of(uri)}
    with stopping(WrongServer(folder, environment)) as server:
        server.start_wrong()
        yield server


@pytest.fixture(scope="module", params=["sqlite", "mongod"])
def uri(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    found: str = request.getfixturevalue("mongo_uri")
    return found


@pytest.fixture(scope="module")
def running(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrongServer]:
    with wrong_server(tmp_path_factory.mktemp("clock"), uri) as server:
        yield server


@pytest.fixture
def server(running: WrongServer) -> WrongServer:
    """Right at first. What other tests left behind makes no difference."""
    running.jump(0)
    return running


def test_the_clock_of_the_test_is_the_clock_of_the_server(server: WrongServer) -> None:
    with closing(Seeder(server)) as seeder:
        ada = seeder.person()  # for a working day
    server.jump(24 * HOUR)
    assert ada.call("GET", "/me").json["code"] == "token_expired"


def test_setting_the_clock_back_neither_ends_nor_revives_sessions(
    server: WrongServer,
) -> None:
    body = {"name": "Ada", "email": f"{new_id()}@example.org", "password": PASSWORD}
    token = ask(server.port, "POST", "/register", json=body).json["access_token"]
    with closing(Seeder(server)) as seeder:
        gone, here = seeder.person(), seeder.person()
    assert gone.call("POST", "/auth/logout").status == 200
    # By more than an hour: they are from the future then, and not valid before it comes.
    for jump, status in ((-HOUR, 200), (HOUR / 2, 200), (-24 * HOUR, 401), (0, 200)):
        server.jump(jump)
        assert ask(server.port, "GET", "/me", token=token).status == status
        assert here.call("GET", "/me").status == status
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
    with closing(Seeder(server)) as seeder:
        ada, admin = seeder.person(), seeder.person("admin")
    for jump in (0, -HOUR / 4, HOUR / 4, -HOUR):
        server.jump(jump)
        for photo in lesions(2):
            assert ANGULAR.send(server.port, photo, token=ada.token).status == 200
    numbers = numbers_of(ada)
    assert len(numbers) == 8
    assert numbers == sorted(numbers)
    sequence = sealed_numbers(admin)
    assert sequence == sorted(sequence, reverse=True)


def sealed_numbers(admin: Caller) -> list[int]:
    """Of the newest rows of the audit trail, once all have a number."""
    deadline = time.monotonic() + SEALED_S
    while time.monotonic() < deadline:
        numbers = [row["sequence"] for row in admin.call("GET", "/audit?limit=100").json]
        if None not in numbers:
            return numbers
        time.sleep(0.2)
    raise AssertionError(f"rows without a number after {SEALED_S} s: {numbers}")


def test_a_new_worker_behind_the_clock_of_the_last_one_still_lists_every_finding_once(
    server: WrongServer,
) -> None:
    """Where it stands in the list follows the clock then; that it stands there once does not."""
    with closing(Seeder(server)) as seeder:
        ada = seeder.person()
    for jump in (0, -HOUR / 4):
        server.jump(jump)
        server.replace_worker()
        for photo in lesions(3):
            assert ANGULAR.send(server.port, photo, token=ada.token).status == 200
    assert len(numbers_of(ada)) == len(set(numbers_of(ada))) == 6


def numbers_of(caller: Caller) -> list[int]:
    """By following the links, two at a time."""
    return [submission["id"] for submission in caller.pages("/submissions?limit=2")]


@pytest.mark.timeout(600)
def test_no_guarantee_is_broken_while_the_clock_jumps(
    uri: str, tmp_path: Path, seed: int, report: Report
) -> None:
    with wrong_server(tmp_path, uri) as server:
        with acting(server, seed, actors=6) as drill:
            for jump in (-HOUR / 2, HOUR / 3, -24 * HOUR, 0) * 10:
                time.sleep(0.5)
                server.jump(jump)
        report(f"clock: {assert_all_promises_are_kept(drill)}")
