"""A signed letter is shown for what it is worth today: as it stands, superseded, or withdrawn."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from skinapi.base.languages import Language
from skinapi.findings.records.decisions import say_day
from skinapi.findings.records.letters import LaterDecision, ShownLetter
from skinapi.findings.reports.words import LetterContent, say_moment
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.test_verification import MONDAY, SIGNED
from tests.support.backends import MAIL, Backend
from tests.use_cases.use_case import notices_to

NEVUS, MELANOMA = "melanocytic_nevus", "melanoma"
ROUTINE: dict[str, Any] = {"urgency": "routine"}
UNSURE = {"certainty": "unsure"}
AWAITED = {"histology": "awaited"}
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


def since(signed_at: str, before: str, decided_at: str) -> str:
    signed, decided = minute(signed_at), minute(decided_at)
    if signed == decided:
        return f"Written just before {before} of {decided}, which counts"
    return f"Written on {signed}, before {before} of {decided}, which counts"


def printed(at: Practice) -> str:
    pages = PdfReader(io.BytesIO(at.report("report.pdf").data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_letter_that_a_later_decision_contradicts_is_struck_wherever_it_is_read(
    any_backend: Backend,
) -> None:
    at, letter = a_letter_about_a_mole(any_backend)
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
    assert [one["superseded"] for one in at.shown_to(at.ada)] == [superseded]
    heading = since(letter["signed_at"], "the decision", later["created_at"])
    page = at.report("report.html").text
    assert f"<summary><strong><bdi>{heading}</bdi></strong> </summary>" in page
    assert f'<p lang="en"><del><bdi>{HARMLESS}</bdi></del></p>' in page
    assert heading in printed(at)


def test_a_letter_signed_during_a_hold_says_what_the_patient_knows_and_is_struck_at_its_end(
    backend: Backend,
) -> None:
    """It said "mole" alone beside a photo of the spot that asks for a visit this week, and stood
    when the patient read the melanoma.
    """
    at = Practice(backend, reviewed=False)
    lesion = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    at.number = file_for(backend, at.ada, Band.SELF_MONITORING, lesion=lesion).number
    at.letters = f"/submissions/{at.number}/letters"
    urgent = file_for(backend, at.ada, Band.URGENT_REFERRAL, lesion=lesion)
    at.review(NEVUS)
    until = now() + timedelta(days=2)
    held = {"label": MELANOMA, "certainty": "sure", "hold_until": until.isoformat()}
    path = f"/submissions/{urgent.number}/review"
    assert at.doctor.call("POST", path, json=held).status_code == 201
    draft = at.draft()
    assert "elanoma" not in draft["decision"]
    assert "See a doctor this week" in draft["decision"]
    assert at.sign(draft).status_code == 200
    (shown,) = at.shown_to(at.ada)
    assert shown["superseded"] is None
    backend.services.data.reviews.end_holds(urgent.id)
    (shown,) = at.shown_to(at.ada)
    assert shown["superseded"]["decided_by"] == "Dr Grace Hopper"


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        (
            "en",
            "Written on 24 November 2026, before the decision of 30 November 2026, which counts",
        ),
        ("fr", "Écrite le 24 novembre 2026, avant la décision du 30 novembre 2026, qui compte"),
    ],
)
def test_of_two_days_the_pages_say_the_dates(language: Language, heading: str) -> None:
    shown = ShownLetter(
        SIGNED, LaterDecision(decided_at=MONDAY, decided_by="Dr Hyde", by_result=False)
    )
    assert LetterContent.of(shown, language).struck == (heading,)


def test_of_one_day_the_pages_say_the_times_and_one_minute_once() -> None:
    signed_at = SIGNED.signed_at
    assert signed_at
    later = LaterDecision(
        decided_at=signed_at + timedelta(hours=2), decided_by="Dr Hyde", by_result=False
    )
    at_once = LaterDecision(decided_at=signed_at, decided_by="Dr Hyde", by_result=True)
    (hours,) = LetterContent.of(ShownLetter(SIGNED, later), "en").struck
    assert hours == (
        "Written on 24 November 2026, 00:00 UTC, before the decision of 24 November 2026, "
        "02:00 UTC, which counts"
    )
    (said,) = LetterContent.of(ShownLetter(SIGNED, at_once), "en").struck
    assert said == (
        "Written just before the laboratory's result of 24 November 2026, 00:00 UTC, which counts"
    )


@pytest.mark.parametrize(
    ("first", "label", "later", "superseded"),
    [
        ({}, NEVUS, {"urgency": "referral"}, True),
        ({}, NEVUS, {**ROUTINE, **UNSURE}, True),
        ({}, NEVUS, {"urgency": "self_monitoring"}, True),
        ({}, "basal_cell_carcinoma", {**ROUTINE, **AWAITED}, True),
        (AWAITED, MELANOMA, {"histology_result": MELANOMA, "histology": "confirmed"}, True),
        ({}, NEVUS, ROUTINE, False),
        (UNSURE, NEVUS, ROUTINE, False),
        (AWAITED, NEVUS, {**ROUTINE, "histology": "confirmed"}, True),
        (AWAITED, NEVUS, {**ROUTINE, **AWAITED}, False),
        ({}, NEVUS, {**ROUTINE, **AWAITED}, True),
        ({}, None, {"new_picture_wanted": True}, True),
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


def test_a_letter_of_before_the_result_says_so(any_backend: Backend) -> None:
    at, letter = a_letter_about_a_mole(any_backend, **AWAITED)
    later = at.review(NEVUS, **ROUTINE, histology="confirmed")
    (shown,) = at.report().get_json()["letters"]
    assert shown["superseded"]["by_result"] is True
    heading = since(letter["signed_at"], "the laboratory&#39;s result", later["created_at"])
    assert heading in at.report("report.html").text
    assert heading.replace("&#39;", "'") in printed(at)


@pytest.mark.parametrize(
    ("label", "said", "superseded"),
    [
        (MELANOMA, {}, {"by_result": False}),
        (MELANOMA, {"histology": "confirmed"}, {"by_result": True}),
        (NEVUS, {**ROUTINE, "histology": "confirmed"}, {"by_result": True}),
        (NEVUS, ROUTINE, None),
        (NEVUS, {**ROUTINE, **UNSURE}, None),
    ],
)
def test_a_later_decision_about_another_photo_of_the_spot_supersedes_a_letter_too(
    any_backend: Backend, label: str, said: dict[str, Any], superseded: dict[str, Any] | None
) -> None:
    at, letter = a_letter_about_a_mole(any_backend)
    spot = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    at.ada.call("PUT", f"/submissions/{at.number}/lesion", json={"lesion": spot})
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
        assert [one["superseded"] for one in shown] == [whole]
        assert [one["text"] for one in shown] == [letter["text"]]


@pytest.mark.parametrize("answered", [None, NEVUS, MELANOMA])
def test_a_newer_photo_that_asks_for_more_supersedes_a_letter_until_a_doctor_has_answered(
    any_backend: Backend, answered: str | None
) -> None:
    """A letter stood unmarked beside "See a doctor this week"."""
    at, _ = a_letter_about_a_mole(any_backend)
    spot = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    at.ada.call("PUT", f"/submissions/{at.number}/lesion", json={"lesion": spot})

    def standing() -> Any:
        of_spot = at.ada.call("GET", f"/lesions/{spot}/letters").get_json()
        places = at.report().get_json()["letters"], at.shown_to(at.ada), of_spot
        (one, *others) = [[shown["superseded"] for shown in place] for place in places]
        assert [one] * 2 == others
        return one[0]

    file_for(at.backend, at.ada, Band.SELF_MONITORING, lesion=spot)
    assert standing() is None
    urgent = file_for(at.backend, at.ada, Band.URGENT_REFERRAL, lesion=spot)
    marked = standing()
    assert (marked["by_finding"], marked["by_result"]) == (urgent.number, False)
    assert marked["decided_by"] == ""
    says = "before the photo of"
    assert says in at.report("report.html").text
    assert says in printed(at)
    if answered:
        first, at.number = at.number, urgent.number
        later = at.review(answered, **(ROUTINE if answered == NEVUS else {}))
        at.number = first
        marked = standing()
        assert (marked and marked["decided_at"]) == (
            later["created_at"] if answered == MELANOMA else None
        )


def test_a_letter_that_begins_with_what_another_photo_asked_for_goes_once_that_is_settled(
    any_backend: Backend,
) -> None:
    """It said "See a doctor this week" after the doctor had settled both photos alike."""
    at = Practice(any_backend, reviewed=False)
    at.review(NEVUS, **ROUTINE)
    spot = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    at.ada.call("PUT", f"/submissions/{at.number}/lesion", json={"lesion": spot})
    urgent = file_for(at.backend, at.ada, Band.URGENT_REFERRAL, lesion=spot)
    signed = at.sign(at.draft())
    assert signed.status_code == 200, signed.text
    assert at.shown_to(at.ada)[0]["superseded"] is None
    first, at.number = at.number, urgent.number
    later = at.review(NEVUS, **ROUTINE)
    at.number = first
    assert at.shown_to(at.ada)[0]["superseded"]["decided_at"] == later["created_at"]


def test_a_milder_opinion_that_does_not_count_supersedes_nothing(shared_backend: Backend) -> None:
    at = Practice(shared_backend)
    assert at.sign(at.draft()).status_code == 200
    at.assign(at.other)
    at.review(NEVUS, at.other, **ROUTINE)
    (letter,) = at.shown_to(at.ada)
    assert letter["superseded"] is None


def test_a_second_opinion_supersedes_no_letter_and_is_no_review_to_sign_one_by(
    shared_backend: Backend,
) -> None:
    """The doctor who asked decides."""
    at, _ = a_letter_about_a_mole(shared_backend)
    ask = {"colleague": at.other.email}
    path = f"/submissions/{at.number}/second-opinion"
    assert at.doctor.call("PUT", path, json=ask).status_code == 200
    at.review(MELANOMA, at.other)
    assert at.shown_to(at.ada)[0]["superseded"] is None
    fresh = Practice(shared_backend, reviewed=False)
    path = f"/submissions/{fresh.number}/second-opinion"
    ask = {"colleague": fresh.other.email}
    assert fresh.doctor.call("PUT", path, json=ask).status_code == 200
    fresh.review(MELANOMA, fresh.other)
    assert fresh.sign(fresh.draft()).get_json()["code"] == "letter_unreviewed"


def test_a_decision_that_comes_back_when_a_later_one_is_taken_back_supersedes_too(
    shared_backend: Backend,
) -> None:
    """The decision that counts then is older than the letter; what took the other back is not."""
    at = Practice(shared_backend, reviewed=False)
    at.assign(at.other)
    at.review("actinic_keratosis", at.other, urgency="referral")
    at.assign(at.doctor)
    at.review(MELANOMA)
    assert at.sign(at.draft()).status_code == 200
    taken_back = at.review(NEVUS, **ROUTINE)
    report = at.report().get_json()
    assert report["decision"]["label"] == "actinic_keratosis"
    (letter,) = report["letters"]
    assert letter["superseded"]["decided_at"] == taken_back["created_at"]


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


def test_only_the_doctor_in_charge_withdraws_a_signed_letter(backend: Backend) -> None:
    at, letter = a_letter_about_a_mole(backend)
    assert at.withdraw(at.draft("colleague")).status_code == 404
    assert [at.withdraw(letter, by=one).status_code for one in (at.ada, at.other)] == [403, 404]
    at.assign(at.other)
    assert at.withdraw(letter).status_code == 404
    answer = at.withdraw(letter, by=at.other)
    assert answer.status_code == 200, answer.text
    assert at.shown_to(at.ada)[0]["withdrawn"]["withdrawn_at"]


@pytest.mark.parametrize("reason", ["", " ", "n" * 501, "bell\a", None])
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


def test_a_letter_is_signed_after_a_review_and_not_before(backend: Backend) -> None:
    at = Practice(backend, reviewed=False)
    draft = at.draft()
    refused = at.sign(draft)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "letter_unreviewed")
    assert at.shown_to(at.ada) == []
    at.review(MELANOMA)
    assert at.sign(at.draft()).status_code == 200
