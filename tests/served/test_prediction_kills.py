"""kill -9 under people who send photos: every acknowledged finding is there, once."""

import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.served.camera import ANGULAR, lesions
from tests.served.people import Caller, Town
from tests.served.server import Server, serving
from tests.size import size

SENDERS = 6
WORKERS = 2


class Sender(threading.Thread):
    """Sends photos until told to stop, each under a key of its own, and tries again with the same
    key when the line breaks.
    """

    def __init__(self, caller: Caller, photo: bytes) -> None:
        super().__init__(daemon=True)
        self.caller, self._photo = caller, photo
        self.acknowledged: dict[str, int] = {}
        self.cut_off = 0
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.is_set():
            key = f"{self.caller.id}-{len(self.acknowledged)}"
            try:
                headers = {"Idempotency-Key": key}
                answer = ANGULAR.send(
                    self.caller.port, self._photo, token=self.caller.token, **headers
                )
            except (OSError, http.client.HTTPException):
                self.cut_off += 1
                time.sleep(0.02)
                continue
            if answer.status == 200:
                self.acknowledged[key] = answer.json["id"]

    def finish(self) -> None:
        self._enough.set()
        self.join()


def test_a_killed_worker_loses_no_acknowledged_finding_and_no_number_is_given_twice(
    tmp_path: Path, on_store: dict[str, str], report: Callable[[str], None]
) -> None:
    kills, seed = size(5, 50), random.randrange(10**6)
    chance = random.Random(seed)
    with (
        serving(tmp_path, {"PHOTOS": "always", **on_store}, workers=WORKERS) as server,
        closing(Town(server)) as town,
    ):
        senders = [Sender(town.person(), photo) for photo in lesions(SENDERS)]
        for sender in senders:
            sender.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.3, 1.0))
            with suppress(ProcessLookupError, IndexError):  # none is up at the moment
                os.kill(chance.choice(server.workers()), signal.SIGKILL)
        time.sleep(1)
        for sender in senders:
            sender.finish()
        numbers = [number for sender in senders for number in kept_by(sender)]
        assert len(numbers) == len(set(numbers))
        assert_it_is_whole(server)
    total = sum(len(sender.acknowledged) for sender in senders)
    cut_off = sum(sender.cut_off for sender in senders)
    report(f"{kills} kills (seed {seed}): {total} findings acknowledged, 0 lost, {cut_off} cut off")


def kept_by(sender: Sender) -> list[int]:
    """The numbers that are there; each acknowledged one is, with its photo."""
    caller, kept, path = sender.caller, list[int](), "/submissions?limit=100"
    while path:
        answer = caller.call("GET", path)
        assert answer.status == 200
        kept += [submission["id"] for submission in answer.json]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        path = path.removeprefix(f"http://127.0.0.1:{caller.port}")
    assert sender.acknowledged
    assert set(sender.acknowledged.values()) <= set(kept)
    assert len(kept) - len(sender.acknowledged) in (0, 1)  # the last may have been cut off
    assert caller.call("GET", f"/submissions/{kept[-1]}/photo").status == 200
    return kept


def assert_it_is_whole(server: Server) -> None:
    mended = server.run("check", "--repair")
    assert mended.returncode == 0, mended.stdout
    assert server.run("check").returncode == 0
