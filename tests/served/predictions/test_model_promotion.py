"""A promotion reaches every worker of every server within seconds, while photos are judged."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from tests.served.conftest import environment_of
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, serving
from tests.support.models import write_model
from tests.support.photos import photo_of
from tests.support.size import size

WORKERS = size(1, 4)
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

    def wait_until_all_answer_with(
        self, version: str, servers: list[Server], *, times: int = 1
    ) -> float:
        """Seconds until each worker has said so often in its log that it serves this version."""
        began = time.monotonic()
        while any(ready(server, version) < times * WORKERS for server in servers):
            assert time.monotonic() - began < 60, [server.log()[-2000:] for server in servers]
            time.sleep(0.05)
        return time.monotonic() - began


def ready(server: Server, version: str) -> int:
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
            # Once at its start, and once more now.
            traffic.wait_until_all_answer_with("tiny-1", servers, times=2)
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
    report(
        f"{2 * WORKERS} workers of two servers followed within {followed:.1f} s; "
        f"{statuses[200]} photos answered meanwhile, none refused"
    )
