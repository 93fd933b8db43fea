"""Mails that remind of what is to be done about a spot."""

from datetime import datetime, timedelta

import pytest

from skinapi.care import reminders
from skinapi.care import reminders as module
from skinapi.platform.storage.ids import now
from tests.care.clinic import ROUTINE, URGENT, file_for, patient_of, review
from tests.care.test_lesions import begin
from tests.support.backends import MAIL, Backend, Person
from tests.use_cases.use_case import notices_to


@pytest.fixture
def given() -> dict[str, str]:
    return MAIL


def reminded(backend: Backend, person: Person, patch: pytest.MonkeyPatch, at: datetime) -> int:
    """How many reminders wait after a pass at this moment."""
    patch.setattr(reminders, "now", lambda: at)
    patch.setattr("skinapi.care.spot_records.now", lambda: at)
    backend.services.reminder_mailer.make_pass()
    kinds = notices_to(backend, backend.account(person.email).id)
    return kinds.count("reminder")


def test_who_should_see_a_doctor_is_reminded_once_two_days_before_the_last_day(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    filed = file_for(backend, ada, URGENT, lesion=begin(ada))
    begin(ada)  # without a finding
    day = datetime.combine(filed.created_at.date(), module.REMINDED_AT) + timedelta(days=5)
    before, after = day - timedelta(seconds=1), day + timedelta(days=1)
    moments = (now(), before, day, after)
    assert [reminded(backend, ada, monkeypatch, at) for at in moments] == [0, 0, 1, 1]


def test_a_new_photo_in_time_puts_the_reminder_off(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    spot = begin(ada)
    old = file_for(backend, ada, ROUTINE, lesion=spot)
    submissions = backend.services.store.collection("submissions")
    before = old.created_at - timedelta(days=60)
    submissions.update({"id": old.id}, {"$set": {"created_at": before}})
    filed = file_for(backend, ada, ROUTINE, lesion=spot)
    month, quarter = (filed.created_at + timedelta(days=days) for days in (31, 91))
    assert reminded(backend, ada, monkeypatch, month) == 0
    assert reminded(backend, ada, monkeypatch, quarter) == 1
    file_for(backend, ada, URGENT, lesion=spot)
    filed = file_for(backend, ada, ROUTINE, lesion=spot)
    assert reminded(backend, ada, monkeypatch, filed.created_at + timedelta(days=8)) == 2


def test_a_doctors_graver_decision_brings_the_mail_forward(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    filed = file_for(backend, ada, ROUTINE, lesion=begin(ada))
    week = filed.created_at + timedelta(days=8)
    assert reminded(backend, ada, monkeypatch, week) == 0
    review(grey, filed.number)
    assert reminded(backend, ada, monkeypatch, week) == 1


def test_nobody_is_reminded_twice_after_one_finding_nor_of_what_is_gone(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    filed = file_for(backend, ada, URGENT, lesion=begin(ada))
    week = filed.created_at + timedelta(days=8)
    assert reminded(backend, ada, monkeypatch, week) == 1
    review(grey, filed.number)
    assert reminded(backend, ada, monkeypatch, week) == 1
    other = backend.member()
    deleted, emptied = begin(other), begin(other)
    file_for(backend, other, URGENT, lesion=deleted)
    number = file_for(backend, other, URGENT, lesion=emptied).number
    other.call("DELETE", f"/lesions/{deleted}")
    other.call("DELETE", f"/submissions/{number}")
    assert reminded(backend, other, monkeypatch, week) == 0


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
