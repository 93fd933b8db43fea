"""While something graver said of a spot is held back, its patient reads nothing milder of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.reviews.service import EndedHolds
from skinapi.model.context import Context
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.store_version import STORE_COLLECTION
from tests.care.clinic import REVIEW, URGENT, file_for, patient_in_care
from tests.findings.records.test_holds import MADE_AT, MELANOMA, MOLE, hold, in_days, pass_days
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.smtp_server import SmtpServer

HARMLESS: dict[str, Any] = {"label": "melanocytic_nevus", "certainty": "sure"}
RESULT: dict[str, Any] = {**MELANOMA, "histology_result": "melanoma", "told_by": "doctor"}


@dataclass
class Spot:
    """Two photos of a spot, each judged as a mole that a doctor should look at."""

    backend: Backend
    doctor: Person
    ada: Person
    lesion: str
    first: int
    second: int

    def sign(self, number: int, by: Person | None = None, **said: Any) -> TestResponse:
        answer = (by or self.doctor).call("POST", f"/submissions/{number}/review", json=said)
        assert answer.status_code == 201, answer.text
        return answer

    def read_all(self) -> list[bytes]:
        """What the patient reads of it."""
        paths = [f"/lesions/{self.lesion}", "/lesions", "/submissions", "/inbox"]
        for number in (self.first, self.second):
            of = f"/submissions/{number}"
            paths += [of, f"{of}/reviews", f"{of}/letters", f"{of}/report.json"]
        answers = [self.ada.call("GET", path).data for path in paths]
        return [MADE_AT.sub(b"", data) for data in answers]

    def label_of(self, number: int, reader: Person | None = None) -> Any:
        path = f"/submissions/{number}"
        decision = (reader or self.ada).call("GET", path).get_json()["decision"]
        return decision and decision["label"]

    def end(self, number: int) -> TestResponse:
        return self.doctor.call("DELETE", f"/submissions/{number}/hold")

    def run_passes(self) -> None:
        services = self.backend.services
        EndedHolds(services.reviews, services.data.failed_items).run_once()


def spot_of(backend: Backend) -> Spot:
    doctor, ada = patient_in_care(backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first, second = (
        file_for(backend, ada, REVIEW, finding=MOLE, lesion=lesion).number for _ in range(2)
    )
    return Spot(backend, doctor, ada, lesion, first, second)


@pytest.mark.parametrize("gone", ["withdrawn", "deleted", "in error", "sorted"])
def test_what_was_held_with_something_graver_is_shown_once_that_is_gone(
    any_backend: Backend, gone: str
) -> None:
    at = spot_of(any_backend)
    at.sign(at.first, label="melanoma", certainty="sure", told_by="doctor")
    carcinoma: dict[str, Any] = {"label": "basal_cell_carcinoma", "certainty": "sure"}
    signed = at.sign(at.second, **carcinoma, told_by="nobody")
    assert signed.get_json()["held_with_graver"]
    assert at.label_of(at.second) is None
    path = f"/submissions/{at.first}"
    if gone == "withdrawn":
        at.sign(at.first, **HARMLESS)
    elif gone == "deleted":
        assert at.ada.call("DELETE", path).status_code == 200
    elif gone == "sorted":
        assert at.ada.call("PUT", f"{path}/lesion", json={"lesion": None}).status_code == 200
    else:
        reason = {"reason": "It is of somebody else."}
        assert at.doctor.call("POST", f"{path}/entered-in-error", json=reason).status_code == 200
    if gone != "withdrawn":
        at.run_passes()
    assert at.label_of(at.second) == "basal_cell_carcinoma"
    told = at.ada.call("GET", f"/submissions/{at.second}").get_json()["instruction"]
    assert (told["finding"], told["label"]) == (at.second, "basal_cell_carcinoma")


def test_a_milder_decision_about_another_photo_waits_with_what_is_held(
    any_backend: Backend,
) -> None:
    at = spot_of(any_backend)
    before = at.read_all()
    held = at.sign(at.first, **RESULT).get_json()
    signed = at.sign(at.second, **HARMLESS).get_json()
    assert signed["held_until"] == signed["telling"]["held_until"] == held["held_until"]
    assert signed["held_with_graver"]
    assert "something graver" in signed["telling"]["sentence"]
    case = at.doctor.call("GET", f"/submissions/{at.second}").get_json()["decision"]
    assert (case["label"], case["held_until"]) == ("melanocytic_nevus", held["held_until"])
    draft = at.doctor.call("POST", f"/submissions/{at.second}/letters", json={"reader": "patient"})
    letter = draft.get_json()
    body = {name: letter[name] for name in ("text", "version", "decision")}
    letter = at.doctor.call("POST", f"/letters/{letter['_id']}/sign", json=body).get_json()
    assert letter["held_until"] == held["held_until"]
    assert at.read_all() == before
    assert list(check_integrity(any_backend.services)) == []


def test_who_ends_the_hold_shows_what_was_held_with_it_and_never_before(
    any_backend: Backend,
) -> None:
    at = spot_of(any_backend)
    at.sign(at.first, **RESULT)
    at.sign(at.second, **HARMLESS)
    before = at.read_all()
    refused = at.end(at.second)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "hold_refused")
    assert "graver" in refused.get_json()["detail"]
    assert at.read_all() == before
    assert at.end(at.first).status_code == 200
    assert [at.label_of(at.first), at.label_of(at.second)] == ["melanoma", "melanocytic_nevus"]
    assert at.end(at.second).get_json()["shown"] == []
    assert list(check_integrity(any_backend.services)) == []


def test_both_are_shown_at_the_same_moment_by_time(any_backend: Backend) -> None:
    at = spot_of(any_backend)
    at.sign(at.first, **RESULT)
    at.sign(at.second, **HARMLESS)
    for number in (at.first, at.second):
        pass_days(any_backend, number, 2)
    at.run_passes()
    assert [at.label_of(at.first), at.label_of(at.second)] == ["melanoma", "melanocytic_nevus"]
    assert list(check_integrity(any_backend.services)) == []


@pytest.mark.parametrize(
    "said",
    [
        {"label": "melanoma", "certainty": "sure", "told_by": "nobody"},
        {"urgency": "urgent_referral", "certainty": "unsure"},
    ],
    ids=["a cancer", "a visit this week"],
)
def test_what_is_no_milder_is_read_at_once(any_backend: Backend, said: dict[str, Any]) -> None:
    at = spot_of(any_backend)
    at.sign(at.first, **RESULT)
    assert "held_until" not in at.sign(at.second, **said).get_json()
    told = at.ada.call("GET", f"/submissions/{at.second}").get_json()
    assert told["decision"]["urgency"] == "urgent_referral"


def test_a_milder_opinion_of_another_doctor_about_the_same_photo_waits_too(
    any_backend: Backend,
) -> None:
    at = spot_of(any_backend)
    other = any_backend.member(role="doctor")
    suspected: dict[str, Any] = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    held = at.sign(at.first, **suspected).get_json()
    admin = any_backend.member(role="admin")
    moved = admin.call("PUT", f"/users/{at.ada.email}/doctor", json={"doctor": other.email})
    assert moved.status_code == 200
    before = at.read_all()
    signed = at.sign(at.first, other, **HARMLESS).get_json()
    assert signed["held_until"] == held["held_until"]
    assert at.read_all() == before
    shown = other.call("DELETE", f"/submissions/{at.first}/hold").get_json()["shown"]
    assert len(shown) == 2


def test_a_graver_review_that_is_held_longer_keeps_the_milder_ones_back(
    any_backend: Backend,
) -> None:
    at = spot_of(any_backend)
    carcinoma: dict[str, Any] = {
        **MELANOMA,
        "label": "basal_cell_carcinoma",
        "histology": "not_taken",
    }
    at.sign(at.first, **carcinoma, hold_until=in_days(1))
    at.sign(at.second, **HARMLESS)
    at.sign(at.first, **RESULT, hold_until=in_days(4))
    before = at.read_all()
    for number in (at.first, at.second):
        pass_days(any_backend, number, 2)
    at.run_passes()
    assert at.read_all() == before
    pass_days(any_backend, at.first, 2)
    pass_days(any_backend, at.second, 2)
    at.run_passes()
    assert [at.label_of(at.first), at.label_of(at.second)] == ["melanoma", "melanocytic_nevus"]
    assert list(check_integrity(any_backend.services)) == []


def said(moment: str) -> str:
    """As answers say it."""
    return moment.replace("+00:00", "Z")


GONE = ["deleted", "in error", "sorted", "shown"]


def take_away(at: Spot, gone: str) -> None:
    """Of the first photo, of which something graver is held."""
    path = f"/submissions/{at.first}"
    reason = {"reason": "It is of somebody else."}
    answer = {
        "deleted": lambda: at.ada.call("DELETE", path),
        "sorted": lambda: at.ada.call("PUT", f"{path}/lesion", json={"lesion": None}),
        "in error": lambda: at.doctor.call("POST", f"{path}/entered-in-error", json=reason),
        "shown": lambda: at.end(at.first),
    }[gone]()
    assert answer.status_code == 200, answer.text
    if gone != "shown":
        at.run_passes()


@pytest.mark.parametrize("first", ["graver", "milder"])
@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("over", [True, False])
def test_what_its_doctor_holds_too_is_held_as_the_doctor_said_once_the_graver_is_gone(
    any_backend: Backend, first: str, gone: str, *, over: bool
) -> None:
    at, own = spot_of(any_backend), in_days(1)
    mild: dict[str, Any] = {"label": "basal_cell_carcinoma", "certainty": "sure"}
    held: dict[int, dict[str, Any]] = {
        at.first: {"label": "melanoma", "certainty": "sure", "hold_until": in_days(6)},
        at.second: {**mild, "hold_until": own},
    }
    for number in sorted(held, reverse=first == "milder"):
        at.sign(number, **held[number])
    (review,) = at.doctor.call("GET", f"/submissions/{at.second}/reviews").get_json()
    assert review["held_with_graver"]
    assert at.end(at.second).status_code == 422
    if over:
        for number in (at.first, at.second):
            pass_days(any_backend, number, 2)
        at.run_passes()
        assert at.label_of(at.second) is None
    take_away(at, gone)
    (review,) = at.doctor.call("GET", f"/submissions/{at.second}/reviews").get_json()
    if not over:
        assert (review["held_until"], "held_with_graver" in review) == (said(own), False)
        assert at.label_of(at.second) is None
        pass_days(any_backend, at.second, 2)
        at.run_passes()
    assert at.label_of(at.second) == "basal_cell_carcinoma"
    assert list(check_integrity(any_backend.services)) == []


def test_what_waits_with_what_waits_itself_is_shown_after_it(any_backend: Backend) -> None:
    at = spot_of(any_backend)
    third = file_for(any_backend, at.ada, REVIEW, finding=MOLE, lesion=at.lesion).number
    at.sign(at.first, label="melanoma", certainty="sure", hold_until=in_days(6))
    held: dict[str, Any] = {
        "label": "basal_cell_carcinoma",
        "certainty": "sure",
        "hold_until": in_days(1),
    }
    at.sign(at.second, **held)
    at.sign(third, **HARMLESS)
    take_away(at, "sorted")
    until = [
        at.doctor.call("GET", f"/submissions/{number}/reviews").get_json()[0]["held_until"]
        for number in (at.second, third)
    ]
    assert until == [said(held["hold_until"])] * 2
    at.end(at.second)
    assert at.label_of(third) == "melanocytic_nevus"


def bands(at: Spot, number: int) -> list[str]:
    """What the patient reads of it, and the doctor."""
    path = f"/submissions/{number}"
    return [by.call("GET", path).get_json()["instruction"]["band"] for by in (at.ada, at.doctor)]


def test_what_an_earlier_version_has_shown_beside_something_graver_is_held_by_the_migration(
    real_backend: Backend, tmp_path: Path
) -> None:
    at, store = spot_of(real_backend), real_backend.services.store
    at.sign(at.first, label="melanoma", certainty="unsure", told_by="doctor", histology="awaited")
    at.sign(at.second, **HARMLESS)
    before = at.read_all()
    shown = {"hold_ends_at": True, "held_with_graver": True}
    store.collection("reviews").update_all({"held_with_graver": True}, {"$unset": shown})
    real_backend.services.findings.records.renew([at.lesion])
    assert at.label_of(at.first) is None
    assert at.label_of(at.second) == "melanocytic_nevus"
    store.collection(STORE_COLLECTION).update({"id": STORE_COLLECTION}, {"$set": {"version": 11}})
    Backend(tmp_path, store)
    assert at.read_all() == before
    assert at.end(at.first).status_code == 200
    assert at.label_of(at.second) == "melanocytic_nevus"
    assert list(check_integrity(real_backend.services)) == []


LEFT_BACK = {"site": "back", "laterality": "left"}
ACTS = ["sorted", "joined", "joined to it", "told", "placed"]


@pytest.mark.parametrize("act", ACTS)
def test_no_act_of_the_patient_lets_a_mole_end_what_a_held_melanoma_is_about(
    any_backend: Backend, act: str
) -> None:
    doctor, ada = patient_in_care(any_backend)
    other, spot = (
        ada.call("POST", "/lesions", json={"place": LEFT_BACK}).get_json()["id"] for _ in range(2)
    )
    grave, mole = (
        file_for(any_backend, ada, band, finding=finding, lesion=spot, context=context).number
        for band, finding, context in (
            (URGENT, finding_of("melanoma", band=URGENT), Context(body_site="back")),
            (REVIEW, MOLE, Context(body_site="back", body_laterality="left")),
        )
    )
    at = Spot(any_backend, doctor, ada, spot, grave, mole)

    def do(method: str, path: str, body: Any) -> None:
        answer = ada.call(method, path, json=body)
        assert answer.status_code < 300, answer.text

    at.sign(mole, **HARMLESS, downgrade_confirmed=True)
    assert bands(at, grave) == ["self_monitoring"] * 2, "the doctor saw both"
    if act == "sorted":
        do("PUT", f"/submissions/{grave}/lesion", {"lesion": None})
    elif act == "told":
        do("PUT", f"/submissions/{mole}/facts", {"body_laterality": "right"})
    elif act == "placed":
        do("PATCH", f"/lesions/{spot}", {"place": {**LEFT_BACK, "laterality": "right"}})
    else:
        do("PUT", f"/submissions/{grave}/lesion", {"lesion": other})
    assert bands(at, grave) == ["urgent_referral"] * 2
    at.sign(grave, label="melanoma", certainty="sure", hold_until=in_days(1))
    if act == "sorted":
        do("PUT", f"/submissions/{grave}/lesion", {"lesion": spot})
    elif act == "joined":
        do("POST", f"/lesions/{spot}/join", {"lesion": other})
    elif act == "joined to it":
        do("POST", f"/lesions/{other}/join", {"lesion": spot})
    elif act == "told":
        do("PUT", f"/submissions/{mole}/facts", {"body_laterality": "left"})
    else:
        do("PATCH", f"/lesions/{spot}", {"place": LEFT_BACK})
    assert bands(at, grave) == bands(at, mole) == ["urgent_referral"] * 2
    assert at.end(grave).status_code == 200
    assert at.label_of(grave) == "melanoma"
    assert bands(at, mole) == ["urgent_referral"] * 2
    assert list(check_integrity(any_backend.services)) == []


def test_a_result_that_disproves_what_another_doctor_holds_is_read_at_once(
    any_backend: Backend,
) -> None:
    at, other = spot_of(any_backend), any_backend.member(role="doctor")
    at.sign(at.first, label="melanoma", certainty="sure", histology="awaited", told_by="doctor")
    admin = any_backend.member(role="admin")
    moved = admin.call("PUT", f"/users/{at.ada.email}/doctor", json={"doctor": other.email})
    assert moved.status_code == 200
    result = {"histology": "confirmed", "histology_result": "melanocytic_nevus"}
    signed = at.sign(at.first, other, **HARMLESS, **result).get_json()
    assert "held_until" not in signed
    assert at.label_of(at.first) == "melanocytic_nevus"


def test_what_waits_goes_on_waiting_in_whatever_spot_its_patient_sorts_the_photo(
    any_backend: Backend,
) -> None:
    at = spot_of(any_backend)
    at.sign(at.first, **RESULT)
    at.sign(at.second, **HARMLESS)
    at.ada.call("PUT", f"/submissions/{at.second}/lesion", json={"lesion": None})
    assert at.label_of(at.second) is None
    assert at.end(at.second).status_code == 200, "nothing graver of its spot is held back"
    assert at.label_of(at.second) == "melanocytic_nevus"


def test_no_mail_leaves_before_the_end_and_then_one_of_each(
    tmp_path: Path, smtp: SmtpServer
) -> None:
    backend = Backend(tmp_path, smtp_url=smtp.url, mail_from="clinic@example.org")
    at = spot_of(backend)
    until = datetime.fromisoformat(hold(at.doctor, at.first)["held_until"])
    at.sign(at.second, **HARMLESS)
    backend.app.background.run("notice-sender")
    assert (smtp.mails, until > now()) == ([], True)
    for number in (at.first, at.second):
        pass_days(backend, number, 2)
    at.run_passes()
    backend.app.background.run("notice-sender")
    told = " ".join(mail.get_content() for mail in smtp.mails)
    assert f"finding/{at.first}" in told
