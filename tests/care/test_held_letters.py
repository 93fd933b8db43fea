"""A hold is of one review: what else is decided is read at once, and a letter goes with the
decision that it explains.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.findings.records.events import LetterIssued, LetterTakenBack
from skinapi.findings.reviews.service import EndedHolds
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind
from tests.care.clinic import file_for
from tests.care.test_letters import Practice
from tests.findings.records.test_holds import in_days, pass_days
from tests.support.backends import MAIL, Backend

MELANOMA, MOLE = "melanoma", "melanocytic_nevus"


def held_practice(backend: Backend, days: float = 2) -> tuple[Practice, dict[str, Any]]:
    at = Practice(backend, reviewed=False)
    return at, at.review(MELANOMA, hold_until=in_days(days))


def decision_for(reader: Any, at: Practice) -> dict[str, Any]:
    finding = reader.call("GET", f"/submissions/{at.number}").get_json()["decision"]
    report = reader.call("GET", f"/submissions/{at.number}/report.json").get_json()["decision"]
    assert finding == report
    told: dict[str, Any] = finding
    return told


def listen(at: Practice) -> list[tuple[str, str]]:
    told, work = list[tuple[str, str]](), at.backend.services.data.work

    def note(event: LetterIssued) -> None:
        told.append((type(event).__name__, event.letter.id))

    work.inside(LetterIssued, note)
    work.inside(LetterTakenBack, note)
    return told


def end_by_time(at: Practice, days: float = 2) -> None:
    services = at.backend.services
    letters = services.store.collection("letters")
    for letter in letters.find():
        earlier = letter["signed_at"] - timedelta(days=days)
        letters.update({"id": letter["id"]}, {"$set": {"signed_at": earlier}})
    pass_days(at.backend, at.number, days)
    EndedHolds(services.reviews, services.data.failed_items).run_once()


def test_a_doctor_who_corrects_a_held_review_reads_that_the_patient_reads_the_correction(
    any_backend: Backend,
) -> None:
    at, held = held_practice(any_backend)
    assert decision_for(at.doctor, at)["held_until"] == held["held_until"]
    at.review(MOLE, urgency="self_monitoring", downgrade_confirmed=True)
    decision = decision_for(at.doctor, at)
    assert "held_until" not in decision
    beside = {"signed_at": held["created_at"], "held_until": held["held_until"]}
    assert (decision["label"], decision["held_beside"]) == (MOLE, beside)
    told = decision_for(at.ada, at)
    assert (told["label"], "held_beside" in told) == (MOLE, False)
    case = f"/submissions/{at.number}/case"
    assert "opened_at" in at.doctor.call("GET", case).get_json()


def test_a_letter_about_the_correction_of_a_held_review_is_read_with_it(
    any_backend: Backend,
) -> None:
    at, _ = held_practice(any_backend)
    told = listen(at)
    at.review(MOLE, urgency="self_monitoring")
    signed = at.sign(at.draft()).get_json()
    assert "held_until" not in signed
    assert signed["telling"]["held_until"] is None
    assert [item["_id"] for item in at.shown_to(at.ada)] == [signed["_id"]]
    assert told == [("LetterIssued", signed["_id"])]
    end_by_time(at)
    assert told == [("LetterIssued", signed["_id"])], "once"
    (letter,) = at.shown_to(at.ada)
    assert letter["superseded"] is None


def test_a_letter_about_a_held_review_waits_for_that_although_it_was_corrected(
    any_backend: Backend,
) -> None:
    at, held = held_practice(any_backend)
    told = listen(at)
    first = at.sign(at.draft()).get_json()
    assert first["held_until"] == first["telling"]["held_until"] == held["held_until"]
    later = at.review(MOLE, urgency="self_monitoring")
    second = at.sign(at.draft()).get_json()
    assert [item["_id"] for item in at.shown_to(at.ada)] == [second["_id"]]
    assert at.report().get_json()["letters"][0]["_id"] == second["_id"]
    assert at.ada.call("GET", "/me/data/summary").get_json()["letters"] == 1
    seen = at.shown_to(at.doctor)
    assert [item.get("held_until") for item in seen] == [held["held_until"], None]
    assert [item["superseded"] is None for item in seen] == [False, True]
    end_by_time(at)
    assert told == [("LetterIssued", item["_id"]) for item in (second, first)]
    struck, stands = at.shown_to(at.ada)
    assert struck["superseded"]["decided_at"] == later["created_at"]
    assert stands["superseded"] is None


def test_a_letter_during_two_holds_begins_with_what_counts_once_they_are_over(
    any_backend: Backend,
) -> None:
    at, _ = held_practice(any_backend)
    spot = at.sort_into_spot()
    newer = file_for(any_backend, at.ada, Band.SELF_MONITORING, lesion=spot).number
    said = {"label": "basal_cell_carcinoma", "certainty": "sure", "told_by": "nobody"}
    signed = at.doctor.call("POST", f"/submissions/{newer}/review", json=said)
    assert signed.get_json()["held_with_graver"], signed.text
    letter = at.sign(at.draft()).get_json()
    assert "No appointment" not in letter["decision"]
    assert "basal cell carcinoma" in letter["decision"], "the check had called it urgent"
    end_by_time(at)
    pass_days(any_backend, newer, 2)
    [shown] = at.shown_to(at.ada)
    assert not shown["superseded"]


def test_a_letter_after_the_end_of_a_hold_is_told_once(backend: Backend) -> None:
    at, _ = held_practice(backend)
    told = listen(at)
    waits = at.sign(at.draft()).get_json()["_id"]
    assert told == []
    at.doctor.call("DELETE", f"/submissions/{at.number}/hold")
    after = at.sign(at.draft()).get_json()["_id"]
    assert told == [("LetterIssued", waits), ("LetterIssued", after)]
    assert [item["_id"] for item in at.shown_to(at.ada)] == [waits, after]
    at.review(MELANOMA, hold_until=in_days(2))
    end_by_time(at)
    assert told == [("LetterIssued", waits), ("LetterIssued", after)]


def test_of_two_holds_each_letter_is_told_at_the_end_of_its_own(any_backend: Backend) -> None:
    at, _ = held_practice(any_backend)
    told = listen(at)
    first = at.sign(at.draft()).get_json()["_id"]
    at.review("basal_cell_carcinoma", hold_until=in_days(4))
    second = at.sign(at.draft()).get_json()["_id"]
    for shown in ([first], [first, second]):
        end_by_time(at)
        assert [item["_id"] for item in at.shown_to(at.ada)] == shown
        assert told == [("LetterIssued", item) for item in shown]


def test_a_letter_that_is_withdrawn_while_it_waits_is_told_of_with_its_withdrawal(
    backend: Backend,
) -> None:
    at, _ = held_practice(backend)
    told = listen(at)
    letter = at.sign(at.draft()).get_json()
    at.review(MOLE, urgency="self_monitoring")
    assert at.withdraw(letter).status_code == 200
    assert (told, at.shown_to(at.ada)) == ([], [])
    end_by_time(at)
    assert told == [(name, letter["_id"]) for name in ("LetterIssued", "LetterTakenBack")]


def test_a_letter_says_nothing_of_a_photo_that_a_held_review_asks_for(
    shared_backend: Backend,
) -> None:
    """The result counts and is known, but what the letter says of the photo is not."""
    at = Practice(shared_backend, reviewed=False)
    at.review(MELANOMA, histology="confirmed")
    wanted: dict[str, Any] = {"new_picture_wanted": True, "urgency": "urgent_referral"}
    held = at.review(None, hold_until=in_days(1), **wanted)
    signed = at.sign(at.draft()).get_json()
    assert signed["held_until"] == held["held_until"]
    assert at.shown_to(at.ada) == []


def test_a_letter_of_the_version_before_waits_for_its_review_too(shared_backend: Backend) -> None:
    at, _ = held_practice(shared_backend)
    letter = at.sign(at.draft()).get_json()
    letters = shared_backend.services.store.collection("letters")
    letters.update({"id": letter["_id"]}, {"$unset": {"written_of": True}})
    at.review(MOLE, urgency="self_monitoring")
    assert at.shown_to(at.ada) == []
    pass_days(shared_backend, at.number, 2)
    assert [item["_id"] for item in at.shown_to(at.ada)] == [letter["_id"]]


@pytest.mark.parametrize("corrected", [False, True])
def test_the_mail_of_a_letter_goes_when_it_can_be_read(tmp_path: Path, corrected: bool) -> None:
    at, held = held_practice(Backend(tmp_path, **MAIL))
    if corrected:
        at.review(MOLE, urgency="self_monitoring")
    rows = at.backend.services.store.collection("outbox")
    before = rows.count({"kind": Kind.REVIEWED})
    signed = at.sign(at.draft()).get_json()
    assert rows.count({"kind": Kind.REVIEWED}) == before + corrected
    if not corrected:
        end_by_time(at)
        assert rows.count({"kind": Kind.REVIEWED}) == 1, "of the decision and its letter"
    assert signed.get("held_until") == (None if corrected else held["held_until"])


def test_no_letter_goes_out_before_something_graver_of_its_spot_that_is_held(
    any_backend: Backend,
) -> None:
    """Else the patient reads of a mole while a doctor waits to tell of a melanoma."""
    at = Practice(any_backend, reviewed=False)
    place = {"site": "back", "side": "rear", "x": 43.0, "y": 60.0}
    spot = at.ada.call("POST", "/lesions", json={"place": place}).get_json()["id"]
    at.number, other = (
        file_for(any_backend, at.ada, Band.SELF_MONITORING, lesion=spot).number for _ in range(2)
    )
    at.review(MOLE, urgency="self_monitoring")
    said = {"label": MELANOMA, "certainty": "sure", "told_by": "doctor"}
    assert at.doctor.call("POST", f"/submissions/{other}/review", json=said).status_code == 201
    refused = at.sign(at.draft())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "letter_during_hold")
    assert at.shown_to(at.ada) == []
    assert at.doctor.call("DELETE", f"/submissions/{other}/hold").status_code == 200
    assert at.sign(at.shown_to(at.doctor)[0]).status_code == 200
