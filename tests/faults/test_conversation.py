"""Workers are killed while a doctor and a patient write to each other and the doctor signs letters:
each message and each signed letter is there, once.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skinapi.storage.ids import new_id
from tests.faults.actors import send
from tests.faults.breakage import KILLS, Breaker, schedule
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, lesions
from tests.served.server import serving
from tests.served.wire import Answer
from tests.support.size import size

REVIEW = {"label": "melanocytic_nevus", "agreement": "disagree"}
LAST = "f" * 32  # an id after all others
PAIRS = size(1, 4)


def ask_until_answered(caller: Caller, method: str, path: str, body: object, key: str) -> Answer:
    """Again and again as a client does, until the server says what became of it."""
    while True:
        text = json.dumps(body).encode()
        answer = send(caller.port, method, path, caller.token, text, "application/json", key)
        if 200 <= answer.status < 500:
            return answer


class Pair:
    """A doctor and a patient, and what each was told."""

    def __init__(self, seeder: Seeder) -> None:
        self.doctor, self.patient = seeder.person("doctor"), seeder.person()
        decisions = seeder.services.decisions
        decisions.assign_doctor(email=self.patient.email, doctor=self.doctor.email, by="admin")
        place = {"place": {"site": "back"}}
        self.talk = f"/lesions/{self.patient.call('POST', '/lesions', json=place).json['id']}"
        self.sent: list[str] = []
        self.signed: list[str] = []
        self._over = threading.Event()
        acts = (lambda: self._write(self.patient), lambda: self._write(self.doctor), self._sign)
        self._threads = [threading.Thread(target=self._repeat, args=(act,)) for act in acts]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def assert_once(self) -> None:
        shown = [one["text"] for one in self.patient.pages(f"{self.talk}/messages?limit=100")]
        assert sorted(shown) == sorted(self.sent)
        assert self.sent
        listed = self.patient.pages("/submissions?limit=100")
        letters = [self.patient.call("GET", f"/submissions/{one['id']}/letters") for one in listed]
        assert sorted(one["_id"] for answer in letters for one in answer.json) == sorted(
            self.signed
        )
        assert self.signed

    def _repeat(self, act: Callable[[], None]) -> None:
        while not self._over.is_set():
            act()

    def _write(self, writer: Caller) -> None:
        text = new_id()
        path = f"{self.talk}/messages"
        answer = ask_until_answered(writer, "POST", path, {"text": text}, key=text)
        assert answer.status == 201, answer.json
        self.sent.append(text)
        # Else too many would be unread.
        ask_until_answered(writer, "PUT", f"{path}/read", {"message": LAST}, key="")

    def _sign(self) -> None:
        body, kind = as_form(lesions(1)[0], "image")
        token = self.patient.token
        finding = send(self.patient.port, "POST", "/predict", token, body, kind, new_id())
        if not finding.acknowledged:
            return  # it may be there, without a letter
        about = f"/submissions/{finding.json['id']}"
        reviewed = ask_until_answered(self.doctor, "POST", f"{about}/review", REVIEW, key=new_id())
        assert reviewed.status == 201, reviewed.json
        path = f"{about}/letters"
        draft = ask_until_answered(self.doctor, "POST", path, {"reader": "patient"}, key="").json
        text = {name: draft[name] for name in ("text", "version", "decision")}
        path = f"/letters/{draft['_id']}/sign"
        answer = ask_until_answered(self.doctor, "POST", path, text, key="")
        assert answer.status == 200 or answer.json["code"] == "letter_signed", answer.json
        self.signed.append(draft["_id"])


@contextmanager
def at_work(pairs: list[Pair]) -> Iterator[None]:
    for pair in pairs:
        pair.begin()
    try:
        yield
    finally:
        for pair in pairs:
            pair.end()


@pytest.mark.timeout(size(120, 3600))
def test_each_message_and_letter_is_there_once_though_workers_are_killed(
    tmp_path: Path, seed: int, report: Callable[[str], None]
) -> None:
    kills = size(3, 100)
    with serving(tmp_path, {"PHOTOS": "always"}, workers=2) as server:
        seeder = Seeder(server)
        pairs = [Pair(seeder) for _ in range(PAIRS)]
        breaker = Breaker(server, None, seed)
        with at_work(pairs):
            for fault in schedule(seed, kills, KILLS[:1]):
                breaker.do(fault)
            server.await_ready()
        for pair in pairs:
            pair.assert_once()
        seeder.close()
        assert server.check_here()[0] == 0
    messages, letters = sum(len(p.sent) for p in pairs), sum(len(p.signed) for p in pairs)
    report(f"{kills} kills, {messages} messages and {letters} signed letters, each there once")
