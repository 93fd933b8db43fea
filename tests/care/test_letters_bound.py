"""A letter is bound to what it was written of: the version, what was told, and the spot's place."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.findings.records.letters import WrittenOf, find_changed
from skinapi.model.conditions import Band
from tests.care.clinic import judge_anew
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import text_of
from tests.support.backends import MAIL, Backend, Person

TOLD: dict[str, Any] = {
    "age_band": "30-44",
    "sex": "female",
    "body_site": "upper_extremity",
    "body_laterality": "left",
    "checklist": "none",
}


class ToldPractice(Practice):
    """Of a finding with a kept photo, of which the patient has told facts."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend, reviewed=False)
        self.number = predicted(self.ada, keep_photo="true", **TOLD)["id"]
        self.review("melanoma")

    def correct(self, by: Person | None = None, **told: Any) -> None:
        path = f"/submissions/{self.number}"
        version = self.ada.call("GET", path).get_json().get("version", 1)
        body = {**TOLD, "checklist": ["none"], **told, "version": version}
        answer = (by or self.ada).call("PUT", f"{path}/facts", json=body)
        assert answer.status_code == 200, answer.text

    def seen(self, draft: dict[str, Any]) -> dict[str, Any]:
        (shown,) = [item for item in self.shown_to(self.doctor) if item["_id"] == draft["_id"]]
        assert "written_of" in shown
        letter: dict[str, Any] = shown
        return letter

    def sign_seen(self, letter: dict[str, Any]) -> TestResponse:
        return self.sign(letter, written_of=letter["written_of"])


def outdated(answer: TestResponse, fact: str) -> bool:
    body = answer.get_json()
    says = fact in body["detail"] and "open the draft again" in body["detail"]
    return (answer.status_code, body["code"]) == (409, "letter_outdated") and says


def test_a_letter_that_names_the_other_side_is_signed_only_after_its_doctor_has_seen_it(
    any_backend: Backend,
) -> None:
    at = ToldPractice(any_backend)
    draft = at.draft()
    assert "left arm" in draft["text"]
    at.correct(body_laterality="right")
    assert outdated(at.sign(draft), "body_laterality")
    assert outdated(at.sign_seen(draft), "body_laterality")
    assert at.shown_to(at.ada) == []
    anew = at.seen(draft)
    assert "right arm" in anew["text"], "nobody has changed the software's draft"
    assert "body_laterality" in anew["changed"]
    signed = at.sign_seen(anew)
    assert signed.status_code == 200, signed.text
    assert {"changed", "written_of"}.isdisjoint(signed.get_json())
    assert at.shown_to(at.ada)[0]["superseded"] is None


def test_a_draft_that_its_doctor_has_edited_stays_and_says_what_has_changed(
    any_backend: Backend,
) -> None:
    at = ToldPractice(any_backend)
    draft = at.draft("colleague")
    edited = at.change(draft, draft["text"] + "\n\nMany thanks.").get_json()
    assert "changed" not in edited
    at.correct(at.doctor, sex="male", checklist=["oozing"])
    shown = at.seen(edited)
    assert (shown["text"], {*shown["changed"]} >= {"sex", "checklist"}) == (edited["text"], True)
    assert outdated(at.sign(shown), "sex")
    assert at.sign_seen(shown).status_code == 200


@pytest.mark.parametrize("stored", [True, False], ids=["bound", "of the version before"])
def test_a_signed_letter_is_struck_where_the_side_was_corrected_since(
    any_backend: Backend, stored: bool
) -> None:
    at = ToldPractice(any_backend)
    letter = at.sign(at.draft()).get_json()
    if not stored:
        letters = any_backend.services.store.collection("letters")
        letters.update({"id": letter["_id"]}, {"$unset": {"written_of": True}})
    assert at.shown_to(at.ada)[0]["superseded"] is None
    sealed = at.report().get_json()["verification"]["hash"]
    at.correct(body_laterality="right")
    report = at.report().get_json()
    (shown,) = report["letters"]
    why = shown["superseded"]
    assert (why["corrected"], why["decided_by"], why["by_result"]) == (
        ["body_laterality"],
        "",
        False,
    )
    assert why["decided_at"] > letter["signed_at"]
    assert at.shown_to(at.ada)[0]["superseded"] == why
    assert report["verification"]["hash"] != sealed
    says = "before what was told was corrected"
    page = at.report("report.html").text
    assert says in page
    assert "<del>" in page
    assert says in text_of(at.report("report.pdf").data)
    at.correct(body_laterality="left")
    assert at.shown_to(at.ada)[0]["superseded"] is None


def test_a_letter_of_a_spot_is_struck_for_a_fact_that_no_list_has(shared_backend: Backend) -> None:
    at = ToldPractice(shared_backend)
    spot = at.sort_into_spot("left", "upper_extremity")
    at.sign(at.draft("colleague"))
    path = f"/lesions/{spot}/letters"
    assert at.ada.call("GET", path).get_json()[0]["superseded"] is None
    at.correct(sex="male")
    assert at.ada.call("GET", path).get_json()[0]["superseded"]["corrected"] == ["sex"]


def test_a_signed_letter_is_struck_where_its_spot_is_said_to_be_elsewhere(
    any_backend: Backend,
) -> None:
    """The patient changes the place, or sorts the photo into another spot."""
    at = ToldPractice(any_backend)

    def sort(spot: str) -> None:
        path = f"/submissions/{at.number}/lesion"
        assert at.ada.call("PUT", path, json={"lesion": spot}).status_code == 200

    def begin(**place: str) -> str:
        body = {"place": {"site": "upper_extremity", **place}}
        spot: str = at.ada.call("POST", "/lesions", json=body).get_json()["id"]
        return spot

    def struck() -> list[str] | None:
        superseded: dict[str, list[str]] | None = at.shown_to(at.ada)[0]["superseded"]
        return superseded["corrected"] if superseded else None

    untold, left = begin(), begin(laterality="left")
    sort(left)
    assert at.sign_seen(at.draft()).status_code == 200
    assert struck() is None
    path, place = f"/lesions/{left}", {"site": "upper_extremity", "laterality": "right"}
    at.ada.call("PATCH", path, json={"place": place})
    assert struck() == ["place"]
    assert "before what was told was corrected" in at.report("report.html").text
    at.ada.call("PATCH", path, json={"place": {**place, "laterality": "left"}})
    assert struck() is None
    sort(untold)
    assert struck() == ["place"]
    sort(left)
    assert struck() is None


FACE = {"site": "face", "laterality": "left"}
RIGHT_ARM = {"site": "upper_extremity", "laterality": "right"}


@pytest.mark.parametrize("place", [FACE, RIGHT_ARM], ids=["another site", "the other side"])
def test_of_two_places_a_report_says_both_and_a_letter_none(
    any_backend: Backend, place: dict[str, str]
) -> None:
    at = ToldPractice(any_backend)
    spot = at.sort_into_spot("left", "upper_extremity")
    assert at.ada.call("PATCH", f"/lesions/{spot}", json={"place": place}).status_code == 200
    for reader in ("patient", "colleague"):
        text = at.draft(reader)["text"]
        assert not any(word in text for word in ("arm", "face"))
    differs = "another place than was told with the photo"
    printed = at.report("report.html").text
    there = "left face" if place is FACE else "right arm"
    assert "left arm" in printed
    assert f"{there}. This is {differs}" in printed
    assert differs in text_of(at.report("report.pdf").data)
    sealed = at.report().get_json()["verification"]["hash"]
    right = {"site": "upper_extremity", "laterality": "left"}
    assert at.ada.call("PATCH", f"/lesions/{spot}", json={"place": right}).status_code == 200
    assert "(left arm)" in at.draft()["text"]
    assert differs not in at.report("report.html").text
    assert at.report().get_json()["verification"]["hash"] != sealed


def outdated_mails(at: Practice, doctor: Person) -> int:
    account = at.backend.account(doctor.email).id
    wanted = {"account": account, "kind": "letter_outdated"}
    return len(at.backend.services.store.collection("outbox").find(wanted))


@pytest.mark.parametrize("given", [MAIL])
def test_a_letter_that_begins_with_another_finding_is_struck_if_that_is_of_another_place(
    backend: Backend,
) -> None:
    at = ToldPractice(backend)
    mild, spot = at.number, at.sort_into_spot("left", "upper_extremity")
    at.review("melanocytic_nevus", urgency="self_monitoring")
    grave = at.number = predicted(at.ada, keep_photo="true", lesion=spot, **TOLD)["id"]
    at.review("melanoma")
    at.number = mild
    assert at.sign_seen(at.draft("colleague")).get_json()["superseded"] is None
    draft = at.draft("colleague")
    path = f"/submissions/{grave}/facts"
    assert at.ada.call("PUT", path, json={"body_laterality": "right"}).status_code == 200
    assert at.shown_to(at.doctor)[0]["superseded"]["corrected"] == ["place"]
    assert outdated_mails(at, at.doctor) == 1
    assert outdated(at.sign_seen(draft), "place")


@pytest.mark.parametrize("given", [MAIL])
def test_the_doctor_in_charge_is_told_of_a_letter_that_somebody_else_has_made_wrong(
    backend: Backend,
) -> None:
    at = ToldPractice(backend)
    spot = at.sort_into_spot("left", "upper_extremity")
    at.sign(at.draft("colleague"))
    at.assign(at.other)
    at.correct(by=at.other, body_laterality="right")
    assert outdated_mails(at, at.other) == 0, "who corrects it knows"
    at.correct(body_laterality="left")
    at.correct(sex="male")
    place = {"site": "upper_extremity", "laterality": "right"}
    assert at.ada.call("PATCH", f"/lesions/{spot}", json={"place": place}).status_code == 200
    assert outdated_mails(at, at.other) == 2
    assert outdated_mails(at, at.doctor) == 0


Undo = Callable[[ToldPractice, bool], None]


def move_spot(at: ToldPractice, back: bool) -> None:
    path = f"/submissions/{at.number}"
    spot = at.doctor.call("GET", path).get_json()["lesion"]
    place = {"site": "upper_extremity", "laterality": "left" if back else "right"}
    assert at.ada.call("PATCH", f"/lesions/{spot}", json={"place": place}).status_code == 200


def correct_side(at: ToldPractice, back: bool) -> None:
    at.correct(body_laterality="left" if back else "right")


def correct_sex(at: ToldPractice, back: bool) -> None:
    at.correct(sex="female" if back else "male")


def decide_anew(at: ToldPractice, back: bool) -> None:
    if back:
        at.review("melanoma")
    else:
        at.review("melanocytic_nevus", urgency="routine")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (move_spot, "place"),
        (correct_side, "body_laterality"),
        (correct_sex, "sex"),
        (decide_anew, "decision"),
    ],
)
def test_an_edited_draft_is_bound_to_what_its_doctor_had_in_view(
    any_backend: Backend, change: Undo, name: str
) -> None:
    at = ToldPractice(any_backend)
    at.sort_into_spot("left", "upper_extremity")
    draft = at.draft()
    change(at, False)
    shown = at.seen(draft)
    text = shown["text"] + "\n\nRead of what holds now."
    assert outdated(at.change(shown, text), name), "the program says nothing of what was seen"
    refused = at.change(shown, text, written_of=draft["written_of"])
    assert outdated(refused, name)
    edited = at.change(shown, text, written_of=shown["written_of"])
    assert edited.status_code == 200, edited.text
    assert "changed" not in at.seen(draft)
    change(at, True)
    again = at.seen(draft)
    assert (again["text"], name in again["changed"]) == (text, True)
    assert at.sign(again, written_of=edited.get_json()["written_of"]).status_code == 409
    assert at.change(again, text).get_json()["code"] == "letter_outdated"


def test_a_photo_that_another_model_judges_alike_strikes_no_signed_letter(
    shared_backend: Backend,
) -> None:
    at = ToldPractice(shared_backend)
    at.sign(at.draft())
    draft = at.draft("colleague")
    judge_anew(shared_backend, at.number, Band.URGENT_REFERRAL)
    assert at.shown_to(at.ada)[0]["superseded"] is None
    assert outdated(at.sign(draft), "version")
    shown = at.seen(draft)
    assert shown["changed"] == ["version"]
    assert at.sign_seen(shown).status_code == 200


def test_a_draft_of_the_version_before_is_bound_to_what_was_told_then(
    shared_backend: Backend,
) -> None:
    at = ToldPractice(shared_backend)
    draft = at.draft()
    letters = shared_backend.services.store.collection("letters")
    letters.update({"id": draft["_id"]}, {"$unset": {"written_of": True}, "$set": {"decision": ""}})
    assert "changed" not in at.seen(draft)
    at.correct(body_laterality="right")
    assert outdated(at.sign(draft), "body_laterality")
    assert at.sign_seen(at.seen(draft)).status_code == 200


LEFT_BACK = ("back", "left", "rear")
FACE_RIGHT = {"body_site": "face", "body_laterality": "right"}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"body_laterality": "left"}, {"body_laterality": "right"}, ("body_laterality",)),
        ({"body_laterality": "left"}, {}, ("body_laterality",)),
        ({}, {"body_laterality": "left"}, ()),
        ({"checklist": ()}, {"checklist": ("oozing",)}, ("checklist",)),
        ({"place": ("back", None, None)}, {"place": ("back", None, "rear")}, ("place",)),
        ({"place": LEFT_BACK}, {"place": LEFT_BACK, "body_laterality": "left"}, ()),
        (
            {"place": LEFT_BACK},
            {"place": LEFT_BACK, "body_laterality": "right", "body_side": "front"},
            ("body_laterality",),
        ),
        (
            {"place": ("neck", None, "rear")},
            {"place": ("neck", None, "rear"), "body_side": "front"},
            ("body_side",),
        ),
        ({"place": LEFT_BACK, "body_site": "face"}, {"place": LEFT_BACK, **FACE_RIGHT}, ()),
        ({}, {"version": 2}, ("version",)),
        ({}, {"review": "later"}, ()),
    ],
)
def test_what_was_not_said_contradicts_nothing(
    before: dict[str, Any], after: dict[str, Any], changed: tuple[str, ...]
) -> None:
    of, now = (WrittenOf(**{"version": 1, **told}) for told in (before, after))
    assert find_changed(of, now) == changed
    assert (of.make_token("") == now.make_token("")) is (before == after)
    assert of.make_token("See a doctor") != of.make_token("See a doctor today")


def test_key_words_that_differ_from_the_decision_are_marked(any_backend: Backend) -> None:
    """They may be older than it, as the software's draft that they stand in is not."""
    at = ToldPractice(any_backend)
    at.review("melanocytic_nevus")
    draft = at.draft(key_words="It is a harmless mole, on the left arm.")
    assert "marked" not in draft
    at.review("melanoma")
    at.correct(body_laterality="right")
    anew = at.seen(draft)
    (marked,) = anew["marked"]
    assert "harmless mole" in marked["sentence"]
    assert {"name", "fact"} <= {*marked["differs"]}
    refused = at.sign(anew, written_of=anew["written_of"], confirmed=[]).get_json()
    assert refused["code"] == "letter_unconfirmed"
