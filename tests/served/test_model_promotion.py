"""A promotion reaches every worker of every server within seconds, while photos are judged."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from tests.models import write_model
from tests.photos import photo_of
from tests.served.conftest import environment_of
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, serving
from tests.served.wire import ask
from tests.size import size

WORKERS = size(2, 4)
FOLLOW_S = 5.0
REASON = "a test of the promotion"
PHOTO = photo_of("melanoma")


class Traffic:
    """Photos sent to each server by two people at a time, and what answered when."""

    def __init__(self, callers: list[Caller]) -> None:
        self.answered: list[tuple[float, int, str]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(caller,)) for caller in callers]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, caller: Caller) -> None:
        while not self._stop.is_set():
            asked = time.monotonic()
            answer = ANGULAR.send(caller.port, PHOTO, token=caller.token)
            version = answer.json["model_version"] if answer.status == 200 else "none"
            self.answered.append((asked, answer.status, version))

    def wait_until_all_answer_with(self, version: str, servers: list[Server]) -> float:
        """Seconds until each worker has said so in its log."""
        began = time.monotonic()
        while any(ready(server, version) < WORKERS for server in servers):
            assert time.monotonic() - began < 60, [server.log()[-2000:] for server in servers]
            time.sleep(0.05)
        return time.monotonic() - began


def ready(server: Server, version: str) -> int:
    """How often a worker has begun to serve this version."""
    return sum(
        f'"version": "{version}"' in line and "model ready" in line
        for line in server.log().splitlines()
    )


def test_all_workers_of_two_servers_follow_a_promotion_and_each_answer_names_one_version(
    tmp_path: Path, mongo_uri: str, report: Callable[[str], None]
) -> None:
    environment, model = environment_of(mongo_uri), write_model(tmp_path / "next", "next-1")
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(tmp_path / name, environment, workers=WORKERS))
            for name in ("one", "two")
        ]
        seeder = stack.enter_context(closing(Seeder(servers[0])))
        admin, ada = seeder.person("admin"), seeder.person()
        seeder.services.models.add(folder=model, by="system")
        people = [
            Caller(server.port, ada.id, ada.email, ada.token) for server in servers for _ in "ab"
        ]
        with Traffic(people) as traffic:
            body = {"override": True, "reason": REASON}
            promoted = admin.call("POST", "/models/next-1/promote", json=body)
            assert promoted.status == 200, promoted.data
            followed = traffic.wait_until_all_answer_with("next-1", servers)
            new = time.monotonic()
            while not [asked for asked, *_ in list(traffic.answered) if asked > new]:
                time.sleep(0.05)
            back = admin.call("POST", "/models/rollback", json={})
            assert back.status == 200, back.data
            time.sleep(FOLLOW_S)
            old = time.monotonic()
            while not [asked for asked, *_ in list(traffic.answered) if asked > old]:
                time.sleep(0.05)
        statuses = Counter(status for _, status, _ in traffic.answered)
        between = {version for asked, _, version in traffic.answered if new < asked < new + 0.05}
        after = {version for asked, _, version in traffic.answered if asked > old}
    assert statuses.keys() == {200}
    assert {version for *_, version in traffic.answered} == {"tiny-1", "next-1"}
    assert between <= {"next-1"}
    assert after == {"tiny-1"}
    assert followed < FOLLOW_S
    report(
        f"{2 * WORKERS} workers of two servers followed within {followed:.1f} s; "
        f"{statuses[200]} photos answered meanwhile, none refused"
    )


def test_a_server_stops_at_once_although_it_follows(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1) as server:
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
        assert "Traceback" not in server.log()


def test_the_command_line_lists_adds_promotes_and_rolls_back(tmp_path: Path) -> None:
    """A running server follows."""
    model = write_model(tmp_path / "next", "next-1")
    with serving(tmp_path / "server", workers=1) as server:

        def run(*arguments: str, status: int = 0) -> str:
            done = server.run("models", *arguments)
            assert done.returncode == status, done.stderr
            return done.stdout + done.stderr

        assert "next-1 is a candidate" in run("add", str(model))
        assert "* tiny-1  serving  no files" in run("list")
        assert "does not pass the gates" in run("promote", "next-1", status=2)
        run("promote", "next-1", "--override", "--reason", REASON)
        assert "* next-1  serving" in run("list")
        server.await_words('"version": "next-1", "seconds"')
        assert ask(server.port, "GET", "/model-card").json["version"] == "next-1"
        assert "tiny-1 is in service" in run("rollback")
        assert "There is no earlier model" in run("rollback", status=2)
        assert "no faults" in run_check(server)


def run_check(server: Server) -> str:
    done = server.run("check")
    assert done.returncode == 0, done.stdout
    return done.stdout
