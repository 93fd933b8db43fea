from datetime import datetime, timedelta
from typing import Any

import pytest

from skinapi.care import lesion_routes as module
from skinapi.care import reminders
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ids import now
from tests.care.clinic import REFERRAL, REVIEW, ROUTINE, URGENT, file_for, patient_in_care, review
from tests.care.test_lesions import begin
from tests.findings.prediction.photographer import predicted
from tests.support.backends import MAIL, Backend, Person
from tests.support.reviews import signed_review
from tests.use_cases.use_case import notices_to

MONITORING = list(Band)[4]
UNSURE = {"label": None, "certainty": "suspected"}


def proposals(person: Person, number: int) -> list[str]:
    return [spot["id"] for spot in person.call_ok("GET", f"/submissions/{number}/lesion-proposals")]


def shown(person: Person, lesion: str) -> Any:
    return person.call("GET", f"/lesions/{lesion}").get_json()["reminder"]


def test_a_finding_is_proposed_to_the_spots_at_its_place_the_newest_first(
    backend: Backend,
) -> None:
    ada, bob = backend.member(), backend.member()
    older, newer = begin(ada), begin(ada)
    hand = begin(ada, place={"site": "hand"})
    begin(bob)
    for spot, site in ((newer, "back"), (hand, "hand"), (older, "back")):
        predicted(ada, lesion=spot, body_site=site)
    number = predicted(ada, body_site="back")["id"]
    assert proposals(ada, number) == [older, newer]
    assert proposals(ada, predicted(ada, body_site="hand")["id"]) == [hand]
    assert proposals(ada, predicted(ada)["id"]) == []


def test_spots_on_another_side_of_the_body_are_proposed_last(backend: Backend) -> None:
    ada = backend.member()
    unsaid, left, right = (
        begin(ada, place={"site": "hand", "laterality": side}) for side in (None, "left", "right")
    )
    for spot in (unsaid, left, right):
        predicted(ada, lesion=spot)
    made = predicted(ada, body_site="hand", body_laterality="left")
    assert proposals(ada, made["id"]) == [left, unsaid, right]
    unsaid_too = predicted(ada, body_site="hand")["id"]
    assert proposals(ada, unsaid_too) == [made["lesion"], right, left, unsaid]


def test_a_finding_is_not_proposed_to_its_own_spot_and_sorted_by_nobody(backend: Backend) -> None:
    ada = backend.member()
    own, other = begin(ada), begin(ada)
    predicted(ada, lesion=other)
    number = predicted(ada, lesion=own, body_site="back")["id"]
    assert proposals(ada, number) == [other]
    assert ada.call("GET", f"/submissions/{number}").get_json()["lesion"] == own


@pytest.mark.parametrize(
    ("band", "days"),
    [(URGENT, 7), (REFERRAL, 14), (REVIEW, 28), (ROUTINE, 90), (MONITORING, 90)],
)
def test_a_reminder_says_the_instruction_of_the_spot(
    backend: Backend, band: Band, days: int
) -> None:
    ada = backend.member()
    lesion = begin(ada)
    filed: StoredFinding = file_for(backend, ada, band, lesion=lesion)
    day = filed.created_at.date() + timedelta(days=days)
    calm = band in (ROUTINE, MONITORING)
    assert shown(ada, lesion) == {
        "act": "photograph" if calm else "see_doctor",
        "says": "Photograph the spot again" if calm else "See a doctor",
        "due": day.isoformat(),
        "last": band in (URGENT, REFERRAL),
    }


def test_a_more_urgent_band_is_never_due_later() -> None:
    days = [conditions_table().band_entry(band).photograph_again_days for band in Band]
    assert days == sorted(days)


NEVER = timedelta(days=-1)
RESULT = {"label": "melanoma", "certainty": "laboratory"}


@pytest.mark.parametrize(
    ("band", "said", "act", "after"),
    [
        (ROUTINE, {"photo_wanted": True}, "send_photo", timedelta(days=3)),
        (ROUTINE, {"sample": "waiting"}, "ask_result", timedelta(days=14)),
        (URGENT, {"sample": "waiting"}, "ask_result", timedelta(days=14)),
        (URGENT, {"urgency": URGENT, "photo_wanted": True}, "see_doctor", timedelta(days=7)),
        (REVIEW, {"urgency": ROUTINE, "photo_wanted": True}, "send_photo", timedelta(days=3)),
        (ROUTINE, RESULT, "see_doctor", timedelta(days=7)),
        (ROUTINE, {**RESULT, "urgency": "routine"}, None, NEVER),
    ],
)
def test_a_reminder_follows_what_a_doctor_decided(
    backend: Backend, band: Band, said: dict[str, Any], act: str | None, after: timedelta
) -> None:
    grey, ada = patient_in_care(backend)
    lesion = begin(ada)
    filed = file_for(backend, ada, band, lesion=lesion)
    # A proven cancer is urgent first; a later review may say that it was removed.
    for body in [RESULT, said] if act is None else [said]:
        signed_review(grey, filed.number, body)
    told = shown(ada, lesion)
    if act is None:
        assert told is None
        tasks = [item["task"] for item in ada.call("GET", "/inbox").get_json()["tasks"]]
        assert "photograph" not in tasks
    else:
        day = filed.created_at.date() + after
        assert (told["act"], told["due"]) == (act, day.isoformat())


def test_a_reminder_that_is_past_is_for_today(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    lesion = begin(ada)
    later = file_for(backend, ada, URGENT, lesion=lesion).created_at + timedelta(days=400)
    monkeypatch.setattr(module, "now", lambda: later)
    assert shown(ada, lesion)["due"] == later.date().isoformat()


@pytest.fixture
def given() -> dict[str, str]:
    return MAIL


def reminded(backend: Backend, person: Person, patch: pytest.MonkeyPatch, at: datetime) -> int:
    patch.setattr(reminders, "now", lambda: at)
    patch.setattr("skinapi.findings.records.lesions.now", lambda: at)
    backend.app.background.run("reminders")
    kinds = notices_to(backend, backend.account(person.email).id)
    return kinds.count("reminder")


def test_who_should_see_a_doctor_is_reminded_once_two_days_before_the_last_day(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    filed = file_for(backend, ada, URGENT, lesion=begin(ada))
    begin(ada)  # without a finding
    last = filed.created_at.date() + timedelta(days=7)
    day = datetime.combine(last, reminders.REMINDED_AT) - timedelta(days=2)
    before, after = day - timedelta(seconds=1), day + timedelta(days=1)
    moments = (now(), before, day, after)
    assert [reminded(backend, ada, monkeypatch, at) for at in moments] == [0, 0, 1, 1]


def test_a_new_photo_in_time_puts_the_reminder_off(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    spot = begin(ada)
    old = file_for(backend, ada, ROUTINE, lesion=spot)
    findings = backend.services.store.collection("submissions")
    before = old.created_at - timedelta(days=60)
    findings.update({"id": old.id}, {"$set": {"created_at": before}})
    filed = file_for(backend, ada, ROUTINE, lesion=spot)
    month, quarter = (filed.created_at + timedelta(days=days) for days in (31, 91))
    assert reminded(backend, ada, monkeypatch, month) == 0
    assert reminded(backend, ada, monkeypatch, quarter) == 1
    file_for(backend, ada, URGENT, lesion=spot)
    filed = file_for(backend, ada, ROUTINE, lesion=spot)
    assert reminded(backend, ada, monkeypatch, filed.created_at + timedelta(days=8)) == 2


def test_nobody_is_reminded_twice_after_one_finding_nor_of_what_is_gone(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, ada = patient_in_care(backend)
    filed = file_for(backend, ada, URGENT, lesion=begin(ada))
    week = filed.created_at + timedelta(days=8)
    assert reminded(backend, ada, monkeypatch, week) == 1
    review(grey, filed.number)
    assert reminded(backend, ada, monkeypatch, week) == 1
    other = backend.member()
    deleted, emptied = begin(other), begin(other)
    file_for(backend, other, ROUTINE, lesion=deleted)
    number = file_for(backend, other, ROUTINE, lesion=emptied).number
    other.call("DELETE", f"/lesions/{deleted}")
    other.call("DELETE", f"/submissions/{number}")
    later = filed.created_at + timedelta(days=100)
    assert reminded(backend, other, monkeypatch, later) == 0


def test_without_a_mail_server_nothing_is_noted(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(tmp_path_factory.mktemp("no mail"))
    ada = backend.member()
    filed = file_for(backend, ada, URGENT, lesion=begin(ada))
    later = filed.created_at + timedelta(days=8)
    assert reminded(backend, ada, monkeypatch, later) == 0
    [lesion] = backend.services.store.collection("lesions").find()
    assert lesion["remind_at"] < later
    backend.services.store.close()
