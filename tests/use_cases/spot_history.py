"""Random histories of the spots of two patients through the API, each from its seed. The oracle of
tests/findings/status/oracle.py records the same acts in its log.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from unittest import mock

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.account import Subject
from skinapi.care import comparisons
from skinapi.findings.records.stored_finding import Dispute
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.findings.status.spot import Certainty, Sample, SpotReview
from skinapi.model.comparison.comparison import Change, Comparison, Measure
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.model.finding import Finding
from skinapi.model.registry.inference import ClassifiedPictures, InferenceService
from tests.care.clinic import compare_pending, judge_anew, patient_of
from tests.findings.prediction.photographer import predicted
from tests.findings.status.oracle import CANCERS, LABEL_ASKS, RANK, THIS_WEEK, Done, Oracle, Photo
from tests.integrations.test_keys import made
from tests.privacy.test_moving_accounts import move_all
from tests.support.backends import Backend, Person
from tests.support.channels import SCOPES
from tests.support.clock import Clock
from tests.support.findings import EIGHT, finding_of
from tests.support.photos import photo_of
from tests.support.reviews import mark_told

BEGAN = datetime(2027, 1, 4, 9, tzinfo=UTC)
PHOTO = photo_of("melanoma")
MOST_PHOTOS, MOST_SPOTS = 4, 2
LABELS = (None, None, *LABEL_ASKS, "melanocytic_nevus")
AGES = ("0-29", "30-44", "45-59", "60-74", "75+")
REASON = "It is of somebody else."


@dataclass
class Patient:
    """`suspended`: or closed. `shares`: the account was never closed, which withdraws consents.
    `emptied` are the ids and e-mails of the accounts that had the spots before.
    """

    person: Person
    id: str
    suspended: bool = False
    shares: bool = True
    emptied: dict[str, str] = field(default_factory=dict)


class Live(NamedTuple):
    """A finding of a patient; `name` is the oracle's name of it."""

    name: str
    number: int
    spot: str
    photo: Photo


class Signed(NamedTuple):
    """A letter, or the code of a printed report, that was made at this version of the spot."""

    at: datetime
    id: str
    name: str
    spot: str
    version: int


class History:
    """`numbers` maps the oracle's names of findings to their numbers."""

    def __init__(self, backend: Backend, patch: pytest.MonkeyPatch, seed: int) -> None:
        self.backend, self.seed, self.draw = backend, seed, random.Random(seed)
        self.clock, self.at = Clock(patch), BEGAN
        patch.setattr(InferenceService, "classify_pictures", self._classify)
        self.oracle, self.numbers, self.owners = Oracle(), dict[str, int](), dict[str, Patient]()
        self.let_time_pass(timedelta())
        self.doctors = [backend.member(role="doctor", name=name) for name in ("Grey", "Bailey")]
        self.grey, self.colleague = self.doctors
        self.root = backend.admin()
        self.program = made(self.root, "/admin/keys", scopes=[*SCOPES])[0]
        people = [patient_of(backend, self.grey) for _ in range(2)]
        self.patients = [Patient(item, backend.account(item.email).id) for item in people]
        self.gone = list[int]()
        self.letters, self.papers, self.draft = list[Signed](), list[Signed](), None
        self.mails: list[tuple[Any, Any]] = []
        self.band, self.act_name = THIS_WEEK, ""
        self.file()

    draft: tuple[Signed, dict[str, Any]] | None

    def _classify(self, *, contents: Any, keep: bool, **_: Any) -> ClassifiedPictures:
        """The model's output for each photo is drawn."""
        return ClassifiedPictures(self._find(), tuple(contents) if keep else ())

    def _find(self) -> Finding:
        label, probability = self.draw.choice(EIGHT), self.draw.choice([0.5, 0.9])
        return finding_of(label, band=self.band, probability=probability)

    def let_time_pass(self, wait: timedelta) -> None:
        self.at += wait + timedelta(minutes=1)
        self.clock.ahead += self.at - datetime.fromtimestamp(self.clock.read(), UTC)

    def go_on(self) -> None:
        self.let_time_pass(timedelta(days=self.draw.choice([0, 0, 1, 2, 5, 9, 20])))
        for person in [*self.doctors, self.root, *(item.person for item in self.patients)]:
            person.token = self.backend.token_of(self.backend.account(person.email))
        acts: list[Callable[[], None]] = [self.file, self.file, self.suspend_or_let_in]
        acts += [self.change_doctor, self.move_all]
        if self.list_live():
            acts += [self.sign] * 7 + [self.judge_again] * 3 + [self.correct] * 2
            acts += [self.move, self.move, self.give, self.give, self.delete, self.enter_in_error]
            acts += [self.compare, self.compare, self.dispute, self.ask_and_answer, self.place]
            acts += [self.void, self.void, self.tell, self.write_message, self.settle_messages]
            acts += [self.write_letter, self.write_letter, self.delete_spot, self.print_report]
        act = self.draw.choice(acts)
        self.act_name = act.__name__
        act()

    def list_spots(self, patient: Patient | None = None) -> list[str]:
        """Return the spots that have a finding or a stub."""
        own = [spot for spot, owner in self.owners.items() if patient in (None, owner)]
        return [spot for spot in own if self.oracle.photos(spot)]

    def list_live(self, patient: Patient | None = None, spot: str | None = None) -> list[Live]:
        return [
            Live(name, self.numbers[name], each, photo)
            for each in self.list_spots(patient)
            if spot in (None, each)
            for name, photo in self.oracle.photos(each).items()
            if not photo.stub
        ]

    def has(self, name: str) -> Live | None:
        return next((item for item in self.list_live() if item.name == name), None)

    def has_changed_since(self, signed: Signed) -> bool:
        now = self.has(signed.name)
        moved = now is not None and now.spot != signed.spot
        return moved or self.oracle.version(signed.spot) > signed.version

    def read(self, number: int) -> Any:
        return self.grey.call("GET", f"/submissions/{number}").get_json()

    def owner_of(self, spot: str) -> Patient:
        return self.owners[spot]

    def _log(self, what: str, spot: str, photo: str = "", **more: Any) -> None:
        self.oracle.log.append(Done(self.at, what, spot, photo)._replace(**more))

    def note_opened(self, spot: str) -> None:
        self._log("opened", spot)

    def _draw_band(self) -> Band:
        self.band = self.draw.choice([*Band])
        return self.band

    def _draw_live(self, owner: Patient | None = None) -> Live:
        return self.draw.choice(self.list_live(owner) or self.list_live())

    def _editor_of(self, live: Live) -> Person:
        patient = self.owner_of(live.spot)
        return self.grey if patient.suspended else self.draw.choice([self.grey, patient.person])

    def file(self) -> None:
        patient, spots = self.draw.choice(self.patients), list[str | None]()
        if len(self.list_live(patient)) >= MOST_PHOTOS:
            return
        spots += self.list_spots(patient)
        spot = self.draw.choice(spots + [None] * (len(spots) < MOST_SPOTS))
        if patient.suspended:
            return
        by_patient = self.draw.random() < 0.6
        was_to_be_told = spot is not None and self.oracle.telling(spot) is not None
        band, of = self._draw_band(), {} if by_patient else {"patient": patient.id}
        person = patient.person if by_patient else self.grey
        fields = {**of, **({"lesion": spot} if spot else {})}
        answer = predicted(person, PHOTO, keep_photo="true", **fields)
        name, spot = f"{answer['id']}", str(answer["lesion"])
        self.numbers[name], self.owners[spot] = answer["id"], patient
        self._log("added", spot, name, urgency=band)
        if by_patient and not was_to_be_told:
            self.note_opened(spot)

    def correct(self) -> None:
        live = self._draw_live()
        by, band = self._editor_of(live), self._draw_band()
        stored = self.read(live.number)
        ages = [age for age in AGES if age != stored["context"].get("age_band")]
        body = {"age_band": self.draw.choice(ages), "version": stored.get("version", 1)}
        answer = by.call("PUT", f"/submissions/{live.number}/facts", json=body)
        if by is self.grey or answer.status_code == 200:
            assert answer.status_code == 200, answer.text
            self._log("corrected", live.spot, live.name, urgency=band)
        else:  # of what somebody else has told
            expect(answer, "told_by_another")

    def judge_again(self) -> None:
        live, band = self._draw_live(), self._draw_band()
        by = self.backend.account(self.grey.email).id
        finding = self._find()
        words = write_template(Facts.from_finding(finding, Context()), "en").sections
        said = {"finding": finding, "sections": words.model_dump()}
        judge_anew(self.backend, live.number, band, by=by, **said)
        self._log("judged", live.spot, live.name, urgency=band)

    def _draw_review(self) -> dict[str, Any]:
        draw, label = self.draw, self.draw.choice(LABELS)
        said: dict[str, Any] = {
            "urgency": draw.choice([*Band]),
            "label": label,
            "certainty": draw.choice([*Certainty]) if label else None,
            "sample": draw.choice((None, *Sample)),
            "photo_wanted": draw.random() < 0.25,
        }
        if said["certainty"] is Certainty.LABORATORY:
            said["sample"] = None
        return said

    def sign(self) -> None:
        live, said = self._draw_live(), self._draw_review()
        ask, spot = self.oracle, live.spot
        path, body = f"/submissions/{live.number}/review", {**said, "confirm_milder": False}
        body["spot_version"] = ask.version(spot)
        review = SpotReview("", self.grey.email, signed_at=self.at, **said)
        if self.draw.random() < 0.2:
            stale = {**body, "spot_version": body["spot_version"] - 1}
            expect(self.grey.call("POST", path, json=stale), "spot_changed")
        if self._is_sample_open(spot, review):
            expect(self.grey.call("POST", path, json=body), "sample_awaited")
            return
        if ask.needs_confirmation(spot, review):
            expect(self.grey.call("POST", path, json=body), "milder_not_confirmed")
            body["confirm_milder"] = True
        answer = self.grey.call("POST", path, json=body)
        expect(answer)
        review = SpotReview(answer.get_json()["_id"], self.grey.email, signed_at=self.at, **said)
        self._log("signed", spot, live.name, review=review)
        self._note_mail(live, review)

    def void(self) -> None:
        live, ask = self._draw_live(), self.oracle
        signed = [
            done.review for done in ask.log if done.what == "signed" and done.spot == live.spot
        ]
        voided = [done.review for done in ask.log if done.what == "voided"]
        if not (left := [item for item in signed if item and item not in voided]):
            return
        review = self.draw.choice(left)
        awaits = ask.awaits_result(live.spot) and review.sample is Sample.WAITING
        path = f"/submissions/{live.number}/reviews/{review.id}/void"
        answer = self.grey.call("POST", path, json={"reason": "It was wrong."})
        expect(answer, "sample_awaited" if awaits else None)
        if not awaits:
            self._log("voided", live.spot, review=review)

    def tell(self) -> None:
        live = self._draw_live()
        expect(mark_told(self.grey, live.spot, live.number))
        self._log("told", live.spot)

    def write_message(self) -> None:
        spot = self._draw_live().spot
        patient = self.owner_of(spot)
        if not patient.suspended:
            body = {"text": "It itches."}
            expect(patient.person.call("POST", f"/conversations/{spot}/messages", json=body))
            self._log("wrote", spot)

    def settle_messages(self) -> None:
        spot = self._draw_live().spot
        for last in self.grey.pages(f"/conversations/{spot}/messages?order=newest")[:1]:
            expect(self.grey.call("POST", f"/messages/{last['_id']}/done"))
            self._log("settled", spot)

    def _is_sample_open(self, spot: str, new: SpotReview) -> bool:
        """True if the review does not say what became of the sample that the spot waits for."""
        current = self.oracle.current_review(spot)
        if current is None or not self.oracle.awaits_result(spot):
            return False
        waits = new.sample is Sample.WAITING and RANK[new.urgency] <= RANK[current.urgency]
        return not (waits or new.sample is Sample.NONE or new.certainty is Certainty.LABORATORY)

    def _note_mail(self, live: Live, review: SpotReview) -> None:
        about = {"about": f"finding/{live.number}", "account": self.owner_of(live.spot).id}
        rows = self.backend.services.store.collection("outbox").find(about)
        urgent = review.label in CANCERS or review.urgency is THIS_WEEK
        says = [row.get("urgent", False) for row in rows if row["kind"] == "news"]
        self.mails.append((says, [urgent]))

    def ask_and_answer(self) -> None:
        live = self._draw_live()
        path = f"/submissions/{live.number}"
        body, shares = {"colleague": self.colleague.email}, self.owner_of(live.spot).shares
        asked = self.grey.call("PUT", f"{path}/second-opinion", json=body)
        expect(asked, None if shares else "sharing_refused")
        if not shares:
            return
        self._log("asked", live.spot, live.name)
        said = {"label": self.draw.choice(LABELS), "comment": "Excise it."}
        expect(self.colleague.call("POST", f"{path}/opinion", json=said))
        self._log("answered", live.spot)

    def _refusal(self, live: Live) -> str | None:
        return "sample_awaited" if self.oracle.awaits_result(live.spot) else None

    def move(self) -> None:
        live = self._draw_live()
        patient, editor = self.owner_of(live.spot), self._editor_of(live)
        others = [spot for spot in self.list_spots(patient) if spot != live.spot]
        alone = len(self.list_live(spot=live.spot)) == 1
        wanted = self.draw.choice([*others, None])
        if patient.suspended or (wanted is None and (alone or len(others) >= MOST_SPOTS)):
            return
        path = f"/submissions/{live.number}/lesion"
        answer = editor.call("PUT", path, json={"lesion": wanted})
        signed = live.photo.reviews and editor is patient.person
        refusal = "finding_signed" if signed else self._refusal(live)
        expect(answer, refusal)
        if not refusal:
            to = answer.get_json()["lesion"]
            self.owners[to] = patient
            self._log("moved", live.spot, live.name, other=to)

    def place(self) -> None:
        """The points are on one side of the back: no photo is too far from another one."""
        live = self._draw_live()
        patient = self.owner_of(live.spot)
        if patient.suspended:
            return
        point = {"site": "back", "side": "rear", "x": self.draw.uniform(30, 40), "y": 50.0}
        expect(patient.person.call("PATCH", f"/lesions/{live.spot}", json={"place": point}))
        self._log("placed", live.spot)

    def compare(self) -> None:
        """Compare the photos that came to their spots. The measured change is drawn."""
        grown = self.draw.random() < 0.7
        change = Change(measure=Measure.AREA, value=0.3, uncertainty=0.2, measurable=grown)
        pending = [
            item for item in self.list_live() if self.find_stored(item.number).get("uncompared")
        ]
        with mock.patch.object(comparisons, "compare", return_value=Comparison(changes=(change,))):
            compare_pending(self.backend)
        for after in sorted(pending, key=lambda item: item.number):
            before = [it for it in self.list_live(spot=after.spot) if it.number < after.number]
            if before and grown:
                other = max(before, key=lambda item: item.number).name
                self._log("compared", after.spot, after.name, other=other)

    def dispute(self) -> None:
        """A program says that a signed finding is of another patient."""
        signed = [item for item in self.list_live() if item.photo.reviews]
        fresh = [item for item in signed if not item.photo.disputed]
        if fresh:
            live = self.draw.choice(fresh)
            services, by = self.backend.services, SimpleNamespace(id="program")
            corrections = services.container.get(CorrectionsService)
            identifier = self.find_stored(live.number)["id"]
            corrections.dispute(identifier, Dispute.OTHER_PATIENT, by=cast("Subject", by))
            self._log("disputed", live.spot, live.name)

    def delete(self) -> None:
        live = self._draw_live()
        patient = self.owner_of(live.spot)
        if not patient.suspended:
            expect(patient.person.call("DELETE", f"/submissions/{live.number}"))
            self._lose("deleted", live)

    def delete_spot(self) -> None:
        spot = self._draw_live().spot
        if not self.owner_of(spot).suspended:
            expect(self.owner_of(spot).person.call("DELETE", f"/lesions/{spot}"))
            for live in self.list_live(spot=spot):
                self._lose("deleted", live)

    def _lose(self, what: str, live: Live, **more: Any) -> None:
        self._log(what, live.spot, live.name, **more)
        self.gone.append(live.number)

    def enter_in_error(self) -> None:
        live = self._draw_live()
        refusal, path = self._refusal(live), f"/submissions/{live.number}/entered-in-error"
        expect(self.grey.call("POST", path, json={"reason": REASON}), refusal)
        if not refusal:
            self._lose("in_error", live)

    def give(self) -> None:
        live, band = self._draw_live(), self._draw_band()
        refusal, owner = self._refusal(live), self.owner_of(live.spot)
        right = next(item for item in self.patients if item is not owner)
        if right.suspended or len(self.list_live(right)) >= MOST_PHOTOS:
            return
        spot = self.draw.choice([*self.list_spots(right), None])
        body = {"reason": REASON, "patient": right.id, "lesion": spot}
        answer = self.grey.call("POST", f"/submissions/{live.number}/move", json=body)
        expect(answer, refusal)
        if not refusal:
            number = answer.get_json()["id"]
            to = self.read(number)["lesion"]
            self.owners[to], self.numbers[f"{live.name}'"] = right, number
            self._lose("given", live, urgency=band, other=to)

    def suspend_or_let_in(self) -> None:
        """Suspend or close the account, or open it again."""
        patient = self.draw.choice(self.patients)
        path = f"/users/{patient.person.email}"
        patient.suspended = not patient.suspended
        if patient.suspended and self.draw.random() < 0.5:
            patient.shares = False
            expect(self.root.call("DELETE", path))
            return
        what = "suspend" if patient.suspended else "approve"
        expect(self.root.call("PATCH", f"{path}/{what}", json={}))

    def move_all(self) -> None:
        patient = self.draw.choice(self.patients)
        emptied = patient.person.email
        is_closed = self.backend.account(emptied).status == "closed"
        other = patient_of(self.backend, self.grey)
        expect(move_all(self.root, emptied, other.email), "cannot_move" if is_closed else None)
        if not is_closed:
            patient.emptied[patient.id] = emptied
            patient.person, patient.id = other, self.backend.account(other.email).id
            patient.suspended = False

    def change_doctor(self) -> None:
        self.grey, self.colleague, self.draft = self.colleague, self.grey, None
        for patient in self.patients:
            path, body = f"/users/{patient.person.email}/doctor", {"doctor": self.grey.email}
            expect(self.root.call("PUT", path, json=body))

    def write_letter(self) -> None:
        if self.draft is None:
            live = self._draw_live()
            if self.oracle.current_review(live.spot) is None:
                return
            path, version = f"/submissions/{live.number}/letters", self.oracle.version(live.spot)
            answer = self.grey.call("POST", path, json={"reader": "patient"})
            expect(answer)
            made = answer.get_json()
            self.draft = Signed(self.at, made["_id"], live.name, live.spot, version), made
            return
        (signed, made), self.draft = self.draft, None
        changed, stays = self.has_changed_since(signed), self.has(signed.name)
        body = {"text": made["text"], "version": made["version"]}
        answer = self.grey.call("POST", f"/letters/{signed.id}/sign", json=body)
        if stays is None:
            assert answer.status_code in (404, 409), answer.text
            return
        expect(answer, "spot_changed" if changed else None)
        if not changed:
            self.letters.append(signed._replace(at=self.at))

    def print_report(self) -> None:
        live = self._draw_live()
        report = self.grey.call("GET", f"/submissions/{live.number}/report.json").get_json()
        code, version = report["verification"]["hash"], self.oracle.version(live.spot)
        self.papers.append(Signed(self.at, code, live.name, live.spot, version))

    def find_stored(self, number: int) -> Any:
        found = self.backend.services.store.collection("submissions").find({"number": number})
        return found[0]

    def walk_levels(self) -> Iterator[tuple[str, Any, Photo]]:
        for live in self.list_live():
            yield live.name, self.find_stored(live.number), live.photo


def expect(answer: TestResponse, code: str | None = None) -> None:
    """Fail unless the act is done, or refused with this code."""
    if code is None:
        assert answer.status_code < 300, answer.text
    else:
        assert answer.status_code >= 400, code
        assert answer.get_json()["code"] == code, answer.text
