"""Servers are killed while photos are judged again, moved and entered in error. Each actor retries
a request until it is answered, so the expected state is known.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.composition.services import Services
from skinapi.app.integrity_check import check_integrity
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.stored_finding import EarlierVersion, StoredFinding
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.faults.actors import send
from tests.served.people import Caller, Seeder
from tests.served.server import Server, stopping
from tests.served.wire import Answer
from tests.support.access import SECTIONS
from tests.support.backends import PASSWORD
from tests.support.findings import finding_of
from tests.support.photos import photo_of
from tests.support.reviews import review_of
from tests.support.size import in_drill, size

KILLS = size(2, 20)
ACTORS = size(2, 3)
FINDINGS, DUPLICATES = size(3, 12), size(1, 4)
AGES = ("0-29", "30-44", "45-59", "60-74", "75+")
SIGNS: tuple[list[str], ...] = ([], ["oozing"], ["change_in_size", "oozing"])
REASON = "It is of somebody else."


@dataclass
class Case:
    """The acknowledged state of a finding. `gone` means that it was entered in error, or moved."""

    number: int
    owner: str
    old_model: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    versions: int = 1
    reviews: int = 0
    gone: bool = False


class Actor(threading.Thread):
    def __init__(self, seeder: Seeder, admin: Caller, seed: str) -> None:
        super().__init__(daemon=True)
        self._chance, self._admin, self._over = random.Random(seed), admin, threading.Event()
        self.doctor = seeder.person("doctor")
        self.ada, self.bob, *self.duplicates = (
            seeder.person(doctor_id=self.doctor.id) for _ in range(2 + DUPLICATES)
        )
        owners = [self.ada] * FINDINGS + [self.bob, *self.duplicates]
        self.cases = [Case(_file(seeder, item), item.id, old_model=True) for item in owners]
        self.emptied = set[str]()
        self.answers = list[int]()
        self.broken: Exception | None = None

    def run(self) -> None:
        acts = [self._correct] * 5 + [self._review] * 3 + [self._judge_again] * 2
        acts += [self._move, self._enter, self._move_all]
        try:
            while not self._over.is_set():
                self._chance.choice(acts)()
                time.sleep(self._chance.uniform(0, 0.1))
        except Exception as error:  # noqa: BLE001 (the test says it)
            self.broken = error

    def finish(self) -> None:
        self._over.set()
        self.join()
        if self.broken:
            raise self.broken

    @property
    def current_cases(self) -> list[Case]:
        return [case for case in self.cases if not case.gone]

    def _correct(self) -> None:
        if case := self._choose(most_versions=15):
            told = {
                "age_band": self._chance.choice(AGES),
                "checklist": list(self._chance.choice(SIGNS)),
            }
            sent = {**told, "version": case.versions}
            answer = self._ask("PUT", f"/submissions/{case.number}/facts", self.doctor, sent)
            case.versions += told != case.told
            case.told = told
            assert answer.json["version"] == case.versions, (answer.json, case)

    def _judge_again(self) -> None:
        if (case := self._choose()) and case.old_model and case.versions == 1:
            self._ask("POST", f"/submissions/{case.number}/judge-again", self.doctor)
            case.versions += 1

    def _review(self) -> None:
        if (case := self._choose()) and case.reviews < 20:
            path = f"/submissions/{case.number}"
            seen = self._ask("GET", path, self.doctor).json["spot_version"]
            body = review_of(label="melanocytic_nevus", spot_version=seen)
            self._ask("POST", f"{path}/review", self.doctor, body)
            case.reviews += 1

    def _move(self) -> None:
        if (case := self._choose()) and len(self.cases) < 3 * FINDINGS + 10:
            to = self.bob if case.owner == self.ada.id else self.ada
            body = {"reason": REASON, "patient": to.id}
            answer = self._ask("POST", f"/submissions/{case.number}/move", self.doctor, body)
            case.gone = True
            self.cases.append(Case(answer.json["id"], to.id))

    def _enter(self) -> None:
        if (case := self._choose()) and len(self.current_cases) > FINDINGS:
            path = f"/submissions/{case.number}/entered-in-error"
            self._ask("POST", path, self.doctor, {"reason": REASON})
            case.gone = True

    def _move_all(self) -> None:
        if self.duplicates:
            gone = self.duplicates.pop()
            body = {"into": self.ada.email, "current_password": PASSWORD}
            self._ask("POST", f"/users/{gone.email}/move", self._admin, body)
            self.emptied.add(gone.id)
            for case in self.cases:
                case.owner = self.ada.id if case.owner == gone.id else case.owner

    def _choose(self, most_versions: int = 99) -> Case | None:
        cases = [case for case in self.current_cases if case.versions <= most_versions]
        return self._chance.choice(cases) if cases else None

    def _ask(self, method: str, path: str, by: Caller, body: object = None) -> Answer:
        content, key = b"" if body is None else json.dumps(body).encode(), new_id()
        kind = "application/json" if content else ""
        while True:
            answer = send(by.port, method, path, by.token, content, kind, key)
            self.answers.append(answer.status)
            if answer.acknowledged:
                return answer
            assert answer.status in (0, 503), (method, path, body, answer)
            time.sleep(0.05)


def _file(seeder: Seeder, owner: Caller) -> int:
    findings = seeder.services.findings
    new = NewFinding(
        owner=owner.id,
        finding=finding_of(band=Band.ROUTINE),
        context=Context(),
        language="en",
        sections=dict.fromkeys(SECTIONS, "said"),
        narrative_source={"writer": "template"},
        blobs=(seeder.services.store.blobs.put(photo_of("melanocytic_nevus")),),
    )
    number = findings.records.take_number()
    return findings.file(new, findings.records.prepare(new, number=number)).number


def list_lost(actor: Actor, services: Services) -> Iterator[str]:
    find = services.data.findings.find_by_number
    for case in actor.cases:
        found = find(case.number)
        if found is None:
            yield f"{case} is gone"
            continue
        all_told: list[EarlierVersion | StoredFinding] = [*found.earlier, found]
        versions = [item.version for item in all_told]
        told = found.context.model_dump(include={*case.told}, mode="json")
        contexts = [item.context for item in all_told]
        corrected = [
            {name for name, value in after if getattr(before, name) != value}
            for before, after in pairwise(contexts)
        ]
        reviews = services.store.collection("reviews").find({"lesion": found.lesion})
        rows = services.store.collection("audit").find({"target": found.id})
        judged = [row for row in rows if row["action"] == "submission.judge_again"]
        said = {
            "owner": (found.owner, case.owner),
            "in error": (found.error is not None, case.gone),
            "versions": (versions, [*range(1, case.versions + 1)]),
            "told": (told, case.told),
            "corrected": ([{*item.corrected} for item in all_told[1:]], corrected),
            "reviews": (len(reviews), case.reviews),
            "rows": (len(judged), case.versions - 1),
            "photo": (services.store.blobs.find(found.photo_blob or "") is not None, True),
        }
        for name, (is_so, was_told) in said.items():
            if is_so != was_told:
                yield f"{name} of {case}: {is_so}, not {was_told}"
    for patient in (actor.ada, actor.bob):
        owned = len([*services.data.findings.walk_owned(patient.id)])
        known = sum(case.owner == patient.id for case in actor.cases)
        if owned != known:
            yield f"{owned} findings of {patient.id}, not {known}"
    for emptied in actor.emptied:
        receiver = services.data.accounts.find_patient(emptied)
        if receiver is None or receiver.id != actor.ada.id:
            yield f"{emptied} leads to {receiver}"
        left = services.data.findings.count_of(emptied)
        if (services.data.accounts.get(emptied).status, left) != ("closed", 0):
            yield f"{emptied} is not closed and empty"


@pytest.fixture(params=["sqlite", *in_drill("mongod")])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    environment = {"PHOTOS": "always", "DELETION_WAIT_DAYS": "28"}
    if request.param == "mongod":
        environment["MONGO_URI"] = request.getfixturevalue("mongo_database_uri")
    with stopping(Server(tmp_path, environment, workers=2)) as server:
        yield server


@pytest.mark.timeout(size(180, 1800))
def test_what_is_judged_again_or_moved_is_there_once_whatever_is_killed(
    server: Server, seed: int, report: Callable[[str], None]
) -> None:
    chance = random.Random(seed)
    with closing(Seeder(server)) as seeder:
        admin = seeder.person("admin")
        row = AuditRow("account.role_admin", by="system", target=admin.id)
        seeder.services.data.trail.record(row)
        actors = [Actor(seeder, admin, f"{seed}-{place}") for place in range(ACTORS)]
    server.start()
    for actor in actors:
        actor.start()
    try:
        for place in range(KILLS):
            time.sleep(chance.uniform(0.3, size(1, 2)))
            server.await_ready("/healthz")
            kill(server, chance, whole=place % 2 > 0)
        server.await_ready()
        time.sleep(0.5)
    finally:
        for actor in actors:
            actor.finish()
    with closing(Seeder(server)) as seeder:
        services = seeder.services
        lost = [item for actor in actors for item in list_lost(actor, services)]
        assert lost == []
        assert [
            fault.message
            for fault in (*services.findings.check_integrity(), *services.reviews.check_integrity())
        ] == []
        status, said = server.check_here()
        assert status == 0, said
        assert [fault.message for fault in check_integrity(services)] == []
    for actor in actors:
        rows = actor.doctor.pages("/queue")
        # An urgent finding in error leaves a row without a finding.
        listed = sorted(item["id"] for item in rows if "id" in item)
        assert listed == sorted(case.number for case in actor.current_cases)
    report(f"{KILLS} kills: {say_done(actors)}; nothing lost, nothing twice")


def kill(server: Server, chance: random.Random, *, whole: bool) -> None:
    if whole:
        os.killpg(server.master(), signal.SIGKILL)
        server.await_end()
        server.start(ready="/healthz")
        return
    with suppress(ProcessLookupError, IndexError):  # none is up at the moment
        os.kill(chance.choice(server.workers()), signal.SIGKILL)


def say_done(actors: list[Actor]) -> str:
    cases = [case for actor in actors for case in actor.cases]
    again = sum(case.versions - 1 for case in cases)
    reviews, gone = sum(case.reviews for case in cases), sum(case.gone for case in cases)
    emptied = sum(len(actor.emptied) for actor in actors)
    cut = sum(actor.answers.count(0) for actor in actors)
    return (
        f"{again} versions, {reviews} reviews, {gone} moved or in error, {emptied} emptied; "
        f"{cut} requests cut off"
    )
