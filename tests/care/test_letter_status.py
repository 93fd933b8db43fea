"""A signed letter is shown for what it is worth today: as it stands, superseded, or withdrawn."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.findings.records.letters import LaterDecision, ShownLetter
from skinapi.findings.reports.words import LetterContent, say_moment
from skinapi.findings.status.decisions import say_day
from skinapi.findings.status.lesion_status import MeasuredChange
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for
from tests.care.test_cases import give
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import text_of
from tests.findings.reports.test_verification import SIGNED
from tests.support.backends import MAIL, Backend
from tests.use_cases.use_case import notices_to

NEVUS, MELANOMA = "melanocytic_nevus", "melanoma"
ROUTINE: dict[str, Any] = {"urgency": "routine"}
UNSURE = {"certainty": "suspected"}
AWAITED: dict[str, Any] = {"sample": "waiting"}
HARMLESS = "This is a harmless mole."


def a_letter_about_a_mole(backend: Backend, **said: Any) -> tuple[Practice, dict[str, Any]]:
    at = Practice(backend, reviewed=False)
    at.review(NEVUS, **{**ROUTINE, **said})
    draft = at.draft()
    signed = at.sign(draft, f"{draft['text']}\n\n{HARMLESS}")
    assert signed.status_code == 200, signed.text
    return at, signed.get_json()


def minute(moment: str) -> str:
    """Of the same day the pages say the time too."""
    return say_moment(datetime.fromisoformat(moment), "en")


def since(signed_at: str, said: str, decided_at: str) -> str:
    return f"Written on {minute(signed_at)}. {said} of {minute(decided_at)} counts instead"


def printed(at: Practice) -> str:
    return text_of(at.report("report.pdf").data)


def test_a_letter_that_a_later_decision_contradicts_is_struck_wherever_it_is_read(
    shared_backend: Backend,
) -> None:
    at, letter = a_letter_about_a_mole(shared_backend)
    (shown,) = at.report().get_json()["letters"]
    assert shown["superseded"] is shown["withdrawn"] is None
    sealed = at.report().get_json()["verification"]["hash"]
    assert "<del>" not in at.report("report.html").text
    later = at.review(MELANOMA)
    report = at.report().get_json()
    (shown,) = report["letters"]
    superseded = {
        "decided_at": later["created_at"],
        "decided_by": "Dr Grace Hopper",
        "by_result": False,
    }
    assert (shown["text"], shown["superseded"]) == (letter["text"], superseded)
    assert report["verification"]["hash"] != sealed
    assert [item["superseded"] for item in at.shown_to(at.ada)] == [superseded]
    heading = since(letter["signed_at"], "The decision", later["created_at"])
    page = at.report("report.html").text
    assert f"<summary><strong><bdi>{heading}</bdi></strong> </summary>" in page
    assert f'<p lang="en"><del><bdi>{HARMLESS}</bdi></del></p>' in page
    assert heading in printed(at)


def put_in(at: Practice, spot: str | None) -> None:
    answer = at.ada.call("PUT", f"/submissions/{at.number}/lesion", json={"lesion": spot})
    assert answer.status_code == 200, answer.text


def go_to(at: Practice, number: int) -> int:
    before: int = at.number
    at.number = number
    return before


def test_a_decision_that_was_itself_replaced_supersedes_no_letter(any_backend: Backend) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(MELANOMA)
    go_to(at, predicted(at.ada, lesion=spot, keep_photo="true")["id"])
    at.review(NEVUS)
    assert at.sign(at.draft()).status_code == 200
    assert [letter["superseded"] for letter in at.shown_to(at.doctor)] == [None]
    for reader in (at.doctor, at.ada):
        assert [letter["superseded"] for letter in at.shown_to(reader)] == [None]


def test_sorting_is_named_as_that_and_no_doctor_with_it(any_backend: Backend) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(MELANOMA, certainty="laboratory")
    first = go_to(at, predicted(at.ada, lesion=spot, keep_photo="true")["id"])
    at.review(NEVUS, **ROUTINE)
    assert at.sign(at.draft()).status_code == 200
    second = go_to(at, first)
    put_in(at, None)
    go_to(at, second)
    (letter,) = at.shown_to(at.ada)
    why = letter["superseded"]
    assert (why["because"], why["decided_by"]) == ("sorting", "")
    for page in (at.report("report.html").text, printed(at)):
        assert "It begins with what was said of another photo" in page
        assert "The decision of" not in page


def test_a_comparison_that_asks_for_more_is_named_as_that(any_backend: Backend) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    before = any_backend.services.findings.records.find_by_number(at.number)
    go_to(at, predicted(at.ada, lesion=spot, keep_photo="true")["id"])
    at.review(NEVUS)
    assert at.sign(at.draft()).status_code == 200
    about = any_backend.services.findings.records.find_by_number(at.number)
    assert before
    assert about
    change = MeasuredChange(before=before.id, band=Band.URGENT_REFERRAL, measured_at=now())
    reviews = any_backend.services.store.collection("reviews")
    reviews.update_all({"submission": about.id}, {"$set": {"saw": []}})
    any_backend.services.findings.records.add_change(about, change)
    (letter,) = at.shown_to(at.ada)
    why = letter["superseded"]
    assert (why["because"], why["by_finding"]) == ("comparison", at.number)
    assert "The comparison of photos of" in printed(at)


def test_a_photo_of_before_that_was_sorted_in_since_is_not_said_to_be_a_later_one(
    any_backend: Backend,
) -> None:
    at = Practice(any_backend, reviewed=False)
    back = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    older = file_for(any_backend, at.ada, Band.URGENT_REFERRAL).number
    at.review(NEVUS, **ROUTINE)
    put_in(at, back)
    assert at.sign(at.draft()).status_code == 200
    own = go_to(at, older)
    put_in(at, back)
    go_to(at, own)
    (letter,) = at.shown_to(at.ada)
    assert letter["superseded"]["decided_at"] < letter["signed_at"]
    page = at.report("report.html").text
    assert "asks for more" in page
    assert "before" not in page[page.index("Written on") :][:80]


def test_of_one_day_the_pages_say_the_times() -> None:
    signed_at = SIGNED.signed_at
    assert signed_at
    later = LaterDecision(
        decided_at=signed_at + timedelta(hours=2), decided_by="Dr Hyde", by_result=False
    )
    (hours,) = LetterContent.from_letter(ShownLetter(SIGNED, later), "en").struck
    assert hours == (
        "Written on 24 November 2026, 00:00 UTC. The decision of 24 November 2026, 02:00 UTC "
        "counts instead"
    )


@pytest.mark.parametrize(
    ("first", "label", "later", "superseded"),
    [
        ({}, NEVUS, {"urgency": "referral"}, True),
        ({}, NEVUS, {**ROUTINE, **UNSURE}, True),
        ({}, "basal_cell_carcinoma", {**ROUTINE, **AWAITED}, True),
        (AWAITED, MELANOMA, {"certainty": "laboratory"}, True),
        ({}, NEVUS, ROUTINE, False),
        (AWAITED, NEVUS, {**ROUTINE, "certainty": "laboratory"}, True),
        (AWAITED, NEVUS, {**ROUTINE, **AWAITED}, False),
        ({}, NEVUS, {**ROUTINE, "photo_wanted": True}, False),
        (UNSURE, None, {"photo_wanted": True}, True),
    ],
)
def test_only_a_decision_that_says_otherwise_supersedes(
    shared_backend: Backend,
    first: dict[str, Any],
    label: str | None,
    later: dict[str, Any],
    superseded: bool,
) -> None:
    at, _ = a_letter_about_a_mole(shared_backend, **first)
    at.review(label, **later)
    (letter,) = at.shown_to(at.ada)
    assert bool(letter["superseded"]) is superseded


@pytest.mark.parametrize(
    ("label", "said", "superseded"),
    [
        (MELANOMA, {}, {"by_result": False}),
        (NEVUS, {**ROUTINE, "certainty": "laboratory"}, {"by_result": True}),
        (NEVUS, ROUTINE, None),
    ],
)
def test_a_later_decision_about_another_photo_of_the_spot_supersedes_a_letter_too(
    shared_backend: Backend, label: str, said: dict[str, Any], superseded: dict[str, Any] | None
) -> None:
    at, letter = a_letter_about_a_mole(shared_backend)
    spot = at.sort_into_spot()
    first, at.number = at.number, predicted(at.ada, lesion=spot, keep_photo="true")["id"]
    later = at.review(label, **said)
    at.number = first
    whole = superseded and {
        "decided_at": later["created_at"],
        "decided_by": "Dr Grace Hopper",
        **superseded,
    }
    of_spot = at.ada.call("GET", f"/lesions/{spot}/letters").get_json()
    for shown in (at.report().get_json()["letters"], at.shown_to(at.ada), of_spot):
        assert [item["superseded"] for item in shown] == [whole]
        assert [item["text"] for item in shown] == [letter["text"]]


@pytest.mark.parametrize("answered", [None, MELANOMA])
def test_a_newer_photo_that_asks_for_more_supersedes_a_letter_until_a_doctor_has_answered(
    shared_backend: Backend, answered: str | None
) -> None:
    at, _ = a_letter_about_a_mole(shared_backend)
    spot = at.sort_into_spot()

    def lesion_status() -> Any:
        of_spot = at.ada.call("GET", f"/lesions/{spot}/letters").get_json()
        places = at.report().get_json()["letters"], at.shown_to(at.ada), of_spot
        (one, *others) = [[shown["superseded"] for shown in place] for place in places]
        assert [one] * 2 == others
        return one[0]

    file_for(at.backend, at.ada, Band.SELF_MONITORING, lesion=spot)
    assert lesion_status() is None
    urgent = file_for(at.backend, at.ada, Band.URGENT_REFERRAL, lesion=spot)
    marked = lesion_status()
    assert (marked["by_finding"], marked["by_result"]) == (urgent.number, False)
    assert marked["decided_by"] == ""
    says = "asks for more"
    assert says in at.report("report.html").text
    assert says in printed(at)
    if answered:
        first, at.number = at.number, urgent.number
        later = at.review(answered)
        at.number = first
        assert lesion_status()["decided_at"] == later["created_at"]


def test_a_letter_that_waits_for_a_result_is_struck_if_another_photo_asks_for_a_visit(
    shared_backend: Backend,
) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.review(MELANOMA, **AWAITED)
    spot = at.sort_into_spot()
    assert at.sign(at.draft()).status_code == 200
    file_for(at.backend, at.ada, Band.SELF_MONITORING, lesion=spot)
    (shown,) = at.shown_to(at.ada)
    assert shown["superseded"] is None
    newer = file_for(at.backend, at.ada, Band.REFERRAL, lesion=spot)
    (shown,) = at.shown_to(at.ada)
    assert shown["superseded"]["by_finding"] == newer.number


def test_a_letter_that_begins_with_a_suspicion_is_struck_when_a_result_as_urgent_counts(
    shared_backend: Backend,
) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.review(NEVUS, **ROUTINE)
    own, spot = at.number, at.sort_into_spot()
    at.number = predicted(at.ada, lesion=spot, keep_photo="true")["id"]
    at.review(MELANOMA, **AWAITED)
    suspected = go_to(at, own)
    assert at.sign(at.draft()).status_code == 200
    assert at.shown_to(at.ada)[0]["superseded"] is None
    go_to(at, suspected)
    at.review(MELANOMA, certainty="laboratory")
    go_to(at, own)
    assert at.shown_to(at.ada)[0]["superseded"]["by_result"] is True


def test_a_second_opinion_supersedes_no_letter_and_is_no_review_to_sign_one_by(
    shared_backend: Backend,
) -> None:
    at, _ = a_letter_about_a_mole(shared_backend)
    ask = {"colleague": at.other.email}
    path = f"/submissions/{at.number}/second-opinion"
    assert at.doctor.call("PUT", path, json=ask).status_code == 200
    give(at.other, at.number)
    assert at.shown_to(at.ada)[0]["superseded"] is None
    fresh = Practice(shared_backend, reviewed=False)
    path = f"/submissions/{fresh.number}/second-opinion"
    ask = {"colleague": fresh.other.email}
    assert fresh.doctor.call("PUT", path, json=ask).status_code == 200
    give(fresh.other, fresh.number)
    assert fresh.sign(fresh.draft()).get_json()["code"] == "letter_unreviewed"


def test_a_withdrawn_letter_stays_struck_with_its_reason(any_backend: Backend) -> None:
    at, letter = a_letter_about_a_mole(any_backend)
    withdrawn = at.withdraw(letter, "I mixed up <two> patients.")
    assert withdrawn.status_code == 200, withdrawn.text
    said = withdrawn.get_json()["withdrawn"]
    assert said == {
        "withdrawn_at": said["withdrawn_at"],
        "withdrawn_by": "Dr Grace Hopper",
        "reason": "I mixed up <two> patients.",
    }
    (shown,) = at.report().get_json()["letters"]
    assert (shown["text"], shown["withdrawn"]) == (letter["text"], said)
    assert at.shown_to(at.ada) == at.shown_to(at.doctor) == [withdrawn.get_json()]
    day = say_day(datetime.fromisoformat(said["withdrawn_at"]), "en")
    heading = f"Withdrawn by Dr Grace Hopper, {day}: I mixed up "
    assert f"{heading}&lt;two&gt; patients." in at.report("report.html").text
    assert f"{heading}<two> patients." in printed(at)
    assert at.rows()[-1] == ("letter.withdraw", "done")


def test_a_letter_is_withdrawn_once(backend: Backend) -> None:
    at, letter = a_letter_about_a_mole(backend)
    first, again = at.withdraw(letter), at.withdraw(letter)
    assert first.get_json() == again.get_json()
    other = at.withdraw(letter, "Another reason.")
    assert (other.status_code, other.get_json()["code"]) == (409, "letter_withdrawn")
    assert at.shown_to(at.ada) == [first.get_json()]
    assert [row for row in at.rows() if row[0] == "letter.withdraw"] == [
        ("letter.withdraw", "done")
    ]


@pytest.mark.parametrize("reason", [" ", "n" * 501, "bell\a"])
def test_a_letter_is_not_withdrawn_without_a_reason(shared_backend: Backend, reason: Any) -> None:
    at, letter = a_letter_about_a_mole(shared_backend)
    assert at.withdraw(letter, reason).status_code == 400
    assert at.shown_to(at.ada)[0]["withdrawn"] is None


def test_the_patient_is_told_by_mail_that_a_letter_was_withdrawn(tmp_path: Path) -> None:
    at, letter = a_letter_about_a_mole(Backend(tmp_path, **MAIL))
    assert at.withdraw(letter, "Wrong person.").status_code == 200
    told = notices_to(at.backend, at.backend.account(at.ada.email).id)
    assert told == ["reviewed", "reviewed", "letter_withdrawn"]
    assert at.withdraw(letter, "Wrong person.").status_code == 200
    assert notices_to(at.backend, at.backend.account(at.ada.email).id) == told


def test_a_letter_is_struck_if_a_review_of_a_newer_photo_has_replaced_its_decision(
    any_backend: Backend,
) -> None:
    """Even if a third photo counts for the spot by then."""
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(MELANOMA)
    assert at.sign(at.draft()).status_code == 200
    first = go_to(at, predicted(at.ada, lesion=spot, keep_photo="true")["id"])
    replacing = at.review(NEVUS, urgency="self_monitoring")
    file_for(any_backend, at.ada, Band.REFERRAL, lesion=spot)
    go_to(at, first)
    instruction = at.ada.call("GET", f"/submissions/{first}").get_json()["instruction"]
    assert instruction["from"] == "finding"
    assert at.shown_to(at.ada)[0]["superseded"]["decided_at"] == replacing["created_at"]
