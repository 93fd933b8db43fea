"""Random histories of a spot, each by its seed: photos, corrections, reviews, letters, moves to
another spot or person, comparisons, errors, deletions, a second account that is
joined, a restore.
"""

import random
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from werkzeug.test import TestResponse

from skinapi.app import restore_commands
from skinapi.care import comparisons
from skinapi.findings.records.letters import Letter
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.findings.status.lesion_status import (
    FindingStatus,
    JudgedPhoto,
    LesionHistory,
    LesionStatus,
    compute_status,
)
from skinapi.findings.status.reviews import Review
from skinapi.model.comparison.comparison import Change, Comparison, Measure
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Context, Laterality
from skinapi.model.finding import Finding
from skinapi.platform.backups.backup import write_backup
from skinapi.platform.backups.erased_ids import write_erased_ids
from skinapi.platform.storage.ports import Document
from tests.care.clinic import compare_pending, file_new, judge_anew, patient_in_care, patient_of
from tests.integrations.test_keys import made
from tests.privacy.test_joining import join
from tests.support.backends import Backend, Person
from tests.support.channels import SCOPES
from tests.support.findings import EIGHT, finding_of
from tests.support.photos import photo_of as picture_of
from tests.support.reviews import review_of

MOST_PHOTOS = 4
T = TypeVar("T", Review, Letter)
LABELS = conditions_table().labels
NAMED = tuple(key for key in LABELS if key != NORMAL_SKIN)
PHOTO = picture_of("melanoma")


SIDES: tuple[Laterality, ...] = ("left", "left", "left", "right")
AGES = ("0-29", "30-44", "45-59", "60-74", "75+")


@dataclass
class Patient:
    """`numbers` are the findings that stand, `gone` those that stood there once."""

    person: Person
    id: str
    spots: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def copy(self) -> "Patient":
        return replace(self, spots=[*self.spots], numbers=[*self.numbers], gone=[*self.gone])


@dataclass
class Saved:
    """What there was when the backup was made."""

    backup: Path
    patients: list[Patient]
    letters: list[str]
    counted: set[int]


class History:
    """What happens to the spots of Ada, who has a second account (`old`) until an admin joins it,
    and of Bob, whose photos were mixed up with hers. `counted` are the findings with a result of
    the laboratory.
    """

    def __init__(self, backend: Backend, program: Person, seed: int) -> None:
        self.backend, self.program, self.draw = backend, program, random.Random(seed)
        self.seed = seed
        self.grey, ada = patient_in_care(backend)
        self.colleague, self.root = backend.member(role="doctor"), backend.admin()
        people = [ada, patient_of(backend, self.grey), patient_of(backend, self.grey)]
        self.main, self.bob, self.old = map(self._enrol, people)
        self.letters: list[str] = []
        self.counted: set[int] = set()
        self.saved: Saved | None = None
        self.log: list[str] = []
        self.file()

    def _enrol(self, person: Person) -> Patient:
        patient = Patient(person, self.backend.account(person.email).id)
        for _ in range(2):
            answer = person.call("POST", "/lesions", json={"place": {"site": "back"}})
            patient.spots.append(answer.get_json()["id"])
        return patient

    @property
    def ada(self) -> Person:
        return self.main.person

    @property
    def patient(self) -> str:
        return self.main.id

    @property
    def spots(self) -> list[str]:
        return self.main.spots

    @property
    def numbers(self) -> list[int]:
        return self.main.numbers

    @property
    def patients(self) -> list[Patient]:
        return [self.main, self.bob, self.old]

    def step(self) -> Callable[[], None]:
        """One that may happen now."""
        numbers, letters = self.numbers, [self.withdraw_letter] * (len(self.letters) > 0)
        on_findings = [self.review] * 5 + [self.review_for_colleague]
        on_findings += [self.write_letter] * 2 + [self.move] * 3 + [self.delete]
        on_findings += [self.compare] * 2 if self.pairs() else []
        on_findings += [self.judge_again] * 4 + [self.enter_in_error, self.correct_side]
        on_photos = [self.correct] * 2 + [self.move_to_bob]
        file = [self.file] * (3 if len(numbers) < MOST_PHOTOS else 0)
        others = [self.move_from_bob, self.restore if self.saved else self.back_up]
        others += [self.join] if self.old.spots else []
        return self.draw.choice(
            [
                *file,
                *(on_findings if numbers else []),
                *(on_photos if self.kept() else []),
                *letters,
                *others,
            ]
        )

    def arranges(self, act: Callable[[], None]) -> bool:
        """Whether it is an act of the patient that judges nothing anew."""
        return act in (self.move, self.compare)

    def corrects(self, act: Callable[[], None]) -> bool:
        """Whether it adds a version to a finding."""
        return act in (self.correct, self.judge_again)

    def kept(self) -> list[int]:
        """The findings whose photo was kept."""
        return [number for number in self.numbers if self.read(number).get("photo_blob")]

    def pairs(self) -> list[tuple[str, int, int]]:
        """Spots, each with two findings of it whose photos were kept."""
        spots: dict[str, list[int]] = {}
        for number in self.kept():
            if spot := self.read(number).get("lesion"):
                spots.setdefault(spot, []).append(number)
        return [(spot, *pair) for spot, each in spots.items() for pair in combinations(each, 2)]

    # What is done.

    def file(self) -> None:
        self._file(self.main, kept=self.draw.random() < 0.6)

    def _file(self, patient: Patient, *, kept: bool) -> int:
        draw = self.draw
        band, label = draw.choice([*Band]), draw.choice(EIGHT)
        # Who has no picture cannot agree.
        blobs = [self.backend.services.store.blobs.put(PHOTO)] if kept else []
        finding = finding_of(label, band=band, probability=draw.choice([0.5, 0.9]))
        new = NewFinding(
            owner=patient.id,
            finding=finding,
            context=Context(body_site="back", body_laterality=draw.choice(SIDES)),
            language="en",
            **_worded(finding),
            blobs=tuple(blobs),
            lesion=None if draw.random() < 0.3 else patient.spots[0],
        )
        number = file_new(self.backend, new).number
        patient.numbers.append(number)
        whose = self._name(patient)
        self._note(f"{number} filed of {whose}: {label} {band} {new.lesion and 'of the spot'}")
        return number

    def _name(self, patient: Patient) -> str:
        return ("Ada", "Bob", "the second account")[self.patients.index(patient)]

    def correct(self) -> None:
        """What was told of a photo: it is judged with that."""
        number, by = self.draw.choice(self.kept()), self.draw.choice([self.ada, self.grey])
        told = self.read(number)["context"]
        age = self.draw.choice([item for item in AGES if item != told.get("age_band")])
        names = ("sex", "body_site", "body_laterality", "body_side", "checklist")
        body = {name: told[name] for name in names if told.get(name)}
        body |= {"age_band": age, "version": by.newest_of(number)}
        answer = by.call("PUT", f"/submissions/{number}/facts", json=body)
        assert answer.status_code == 200, answer.text
        band = self.read(number)["band"]
        self._note(f"{number} corrected by {self._who(by)}: {age}, now {band}")

    def correct_side(self) -> None:
        """No judgement depends on it."""
        number, by = self.draw.choice(self.numbers), self.draw.choice([self.ada, self.grey])
        side = self.draw.choice(SIDES)
        body = {"body_laterality": side, "version": by.newest_of(number)}
        answer = by.call("PUT", f"/submissions/{number}/facts", json=body)
        assert answer.status_code == 200, answer.text
        self._note(f"{number} corrected by {self._who(by)}: on the {side}")

    def judge_again(self) -> None:
        self._judge(self.draw.choice(self.numbers), self.draw.choice([self.ada, self.grey]))

    def _judge(self, number: int, by: Person) -> None:
        """By another model, also without a photo: the band is drawn."""
        band, label = self.draw.choice([*Band]), self.draw.choice(EIGHT)
        finding = finding_of(label, band=band, probability=self.draw.choice([0.5, 0.9]))
        account = self.backend.account(by.email).id
        judge_anew(self.backend, number, band, finding=finding, by=account, **_worded(finding))
        self._note(f"{number} judged again: {label} {band}")

    def _who(self, person: Person) -> str:
        return "the patient" if person is self.ada else "the doctor"

    def review(self) -> None:
        self._sign(self.grey, self.draw.choice(self.numbers), self._say())

    def review_for_colleague(self) -> None:
        number = self.draw.choice(self.numbers)
        body = {"colleague": self.colleague.email}
        asked = self.grey.call("PUT", f"/submissions/{number}/second-opinion", json=body)
        assert asked.status_code == 200, asked.text
        said = {"label": self._say().get("label"), "comment": "Excise it."}
        given = self.colleague.call("POST", f"/submissions/{number}/opinion", json=said)
        assert given.status_code == 201, given.text

    def _sign(self, doctor: Person, number: int, body: dict[str, Any]) -> None:
        seen = {"version": doctor.newest_of(number)}
        answer = doctor.call(
            "POST", f"/submissions/{number}/review", json=review_of({**seen, **body})
        )
        by = "doctor" if doctor is self.grey else "colleague"
        self._note(f"{answer.status_code} {by} reviews {number}: {body}")
        refused = answer.status_code == 422 and answer.get_json()["code"]
        assert answer.status_code == 201 or refused == "sample_awaited", answer.text
        if answer.status_code == 201 and by == "doctor" and body.get("certainty") == "laboratory":
            self.counted.add(number)

    def _say(self) -> dict[str, Any]:
        """What a doctor may say of a photo."""
        draw, label = self.draw, self.draw.choice(NAMED)
        sure, unsure = {"certainty": "sure"}, {"certainty": "suspected"}
        answers: list[dict[str, Any]] = [
            *[{"label": label, **sure}] * 2,
            {"label": label, **unsure},
            {"label": label, "sample": "waiting", **draw.choice([sure, unsure])},
            {"label": label, "certainty": "laboratory"},
            {"label": label, "sample": "none", **sure},
            {"photo_wanted": True, "urgency": draw.choice([*Band])},
            {"urgency": draw.choice([*Band])},
        ]
        said = draw.choice(answers)
        if draw.random() < 0.3:
            said = {**said, "urgency": draw.choice([*Band])}
        return said

    def write_letter(self) -> None:
        number = self.draw.choice(self.numbers)
        path = f"/submissions/{number}/letters"
        draft = self.grey.call("POST", path, json={"reader": "patient"})
        assert draft.status_code == 201, draft.text
        letter = draft.get_json()
        body = {name: letter[name] for name in ("text", "version", "decision")}
        signed = self.grey.call("POST", f"/letters/{letter['_id']}/sign", json=body)
        self._note(f"{signed.status_code} letter about {number}")
        if signed.status_code == 200:
            self.letters.append(letter["_id"])

    def withdraw_letter(self) -> None:
        letter = self.letters.pop(self.draw.randrange(len(self.letters)))
        body = {"reason": "It was wrong."}
        answer = self.grey.call("POST", f"/letters/{letter}/withdrawal", json=body)
        assert answer.status_code in (200, 404), answer.text
        self._note("letter withdrawn")

    def move(self) -> None:
        number, spot = self.draw.choice(self.numbers), self.draw.choice([*self.spots, None])
        path = f"/submissions/{number}/lesion"
        answer = self.ada.call("PUT", path, json={"lesion": spot})
        assert answer.status_code == 200 or _is_of_another_place(answer), answer.text
        self._note(f"{answer.status_code} {number} moved to {spot and self.spots.index(spot)}")

    def compare(self) -> None:
        """The photos that wait for it; what is measured is drawn."""
        grown = self.draw.random() < 0.7
        change = Change(measure=Measure.AREA, value=0.3, uncertainty=0.2, measurable=grown)
        found = Comparison(changes=(change,))
        with mock.patch.object(comparisons, "compare", return_value=found):
            compare_pending(self.backend)
        self._note(f"compared: {grown}")

    def delete(self) -> None:
        number = self.draw.choice(self.numbers)
        assert self.ada.call("DELETE", f"/submissions/{number}").status_code == 200
        self._lose(number)
        self._note(f"{number} deleted")

    def _lose(self, number: int) -> None:
        self.numbers.remove(number)
        self.main.gone.append(number)

    def enter_in_error(self) -> None:
        number, body = self.draw.choice(self.numbers), {"reason": "It is of somebody else."}
        path = f"/submissions/{number}/entered-in-error"
        answer = self.draw.choice([self.grey, self.root]).call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        self._lose(number)
        self.counted.discard(number)
        self._note(f"{number} entered in error")

    def move_to_bob(self) -> None:
        number = self.draw.choice(self.kept())
        self._move(number, self.main, self.bob)

    def move_from_bob(self) -> None:
        number = self._file(self.bob, kept=True)
        if self.draw.random() < 0.5:
            self._judge(number, self.grey)
        self._move(number, self.bob, self.main)

    def _move(self, number: int, wrong: Patient, right: Patient) -> None:
        body = {"reason": "It is of somebody else.", "patient": right.id}
        spot = self.draw.choice([right.spots[0], None])
        path, given = f"/submissions/{number}/move", {**body, "lesion": spot}
        answer = self.draw.choice([self.grey, self.root]).call("POST", path, json=given)
        assert answer.status_code == 200, answer.text
        wrong.numbers.remove(number)
        wrong.gone.append(number)
        self.counted.discard(number)
        right.numbers.append(answer.get_json()["id"])
        self._note(f"{number} moved to {self._name(right)}, as {right.numbers[-1]}")

    def join(self) -> None:
        """The two accounts of the patient, after something was filed in the second one."""
        for _ in range(self.draw.choice([0, 1, 2])):
            number = self._file(self.old, kept=True)
            if self.draw.random() < 0.5:
                self._judge(number, self.grey)
        stays, goes = self.draw.sample([self.main, self.old], 2)
        answer = join(self.root, goes.person.email, stays.person.email)
        assert answer.status_code == 200, answer.text
        stays.spots = [*self.spots, *self.old.spots]
        stays.numbers = [*self.numbers, *self.old.numbers]
        stays.gone = [*self.main.gone, *self.old.gone]
        self.main, self.old = stays, Patient(goes.person, goes.id)
        self._note("accounts joined")

    def back_up(self) -> None:
        backup = self.backend.settings.instance_dir / f"{len(self.log)}.tar"
        with backup.open("wb") as out:
            write_backup(self.backend.services.store, out)
        patients = [patient.copy() for patient in self.patients]
        self.saved = Saved(backup, patients, [*self.letters], {*self.counted})
        self._note("backup made")

    def restore(self) -> None:
        """The backup on a new machine. What was erased since does not come back."""
        saved, self.saved = self.saved, None
        assert saved
        folder = saved.backup.parent / f"restored-{len(self.log)}"
        erased = [number for item in self.patients for number in item.gone]
        write_erased_ids(self.backend.services.store, saved.backup.with_suffix(".jsonl"))
        settings = self.backend.settings.model_copy(update={"instance_dir": folder})
        options = {"without_erased_ids": False, "verify": False, "drill": False}
        files = {"file": saved.backup, "erased": saved.backup.with_suffix(".jsonl")}
        folder.mkdir()
        assert (
            restore_commands.restore(settings, Namespace(**files, **options, give_up_numbers=False))
            == 0
        )
        self.backend.services.store.close()
        self._go_on_with(Backend(folder))
        self.main, self.bob, self.old = saved.patients
        self.letters, self.counted = saved.letters, saved.counted
        for patient in self.patients:
            lost = [item for item in patient.numbers if item in erased]
            patient.numbers = [item for item in patient.numbers if item not in lost]
            patient.gone += lost
        self._note("backup restored")

    def _note(self, what: str) -> None:
        self.log.append(what)

    # What holds, by what is stored.

    def _go_on_with(self, backend: Backend) -> None:
        """Sessions are not restored, keys are."""
        people = [
            self.grey,
            self.colleague,
            self.root,
            *(patient.person for patient in self.patients),
        ]
        for person in people:
            person.token = backend.token_of(backend.account(person.email))
        for person in (*people, self.program):
            person.client = backend.client
        self.backend = backend

    def read(self, number: int) -> Document:
        """The finding as it is stored."""
        (stored,) = self.backend.services.store.collection("submissions").find({"number": number})
        return stored

    def find_id(self, number: int) -> str | None:
        found = self.backend.services.store.collection("submissions").find({"number": number})
        return found[0]["id"] if found else None

    def asks_colleague(self, number: int) -> bool:
        return self.read(number).get("opinion_of") == self.backend.account(self.colleague.email).id

    def compute_statuses(self, number: int) -> tuple[LesionStatus, FindingStatus]:
        """What holds about the spot of a finding, and about the finding."""
        findings = self.backend.services.store.collection("submissions")
        stored = self.read(number)
        spot = stored["lesion"]
        found = findings.find({"lesion": spot, "error": None})
        photos = sorted(map(_photo_of, found), key=lambda item: item.id)
        reviews = {photo.id: self._stored("reviews", photo.id, Review) for photo in photos}
        status = compute_status(LesionHistory(tuple(photos), reviews))
        return status, status.findings[stored["id"]]

    def signed_letters(self, number: int) -> list[Letter]:
        photo = self.compute_statuses(number)[1].photo
        return [item for item in self._stored("letters", photo.id, Letter) if item.signed_at]

    def _stored(self, name: str, finding: str, kind: type[T]) -> list[T]:
        found = self.backend.services.store.collection(name).find({"submission": finding})
        return [kind.model_validate(record) for record in found]


def _is_of_another_place(answer: TestResponse) -> bool:
    refused: bool = answer.status_code == 409 and answer.get_json()["code"] == "other_place"
    return refused


def _worded(finding: Finding) -> dict[str, Any]:
    words = write_template(Facts.from_finding(finding, Context()), "en").sections
    return {"sections": words.model_dump(), "narrative_source": {"writer": "template"}}


def _photo_of(stored: Document) -> JudgedPhoto:
    return StoredFinding.model_validate(stored).photo


def program_of(backend: Backend) -> Person:
    """A health record of the clinic."""
    return made(backend.admin(), "/admin/keys", scopes=SCOPES)[0]
