"""What an admin sees first: what waits and what failed, and what is as it should be."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.findings.records import submission
from skinapi.platform.backups.backup import begin_backup, end_backup
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import REFERRAL, REVIEW, URGENT, file_at, file_for, patient_in_care, review
from tests.care.conversation import Talk
from tests.support.backends import MAIL, Backend


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path, **MAIL)
    yield backend
    backend.services.store.close()


def read(backend: Backend) -> Any:
    answer = backend.member(role="admin").call("GET", "/admin/overview")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_fresh_server_has_nothing_to_do_but_its_first_backup(backend: Backend) -> None:
    found = read(backend)
    disk = found.pop("disk")
    assert 0 < disk["free_bytes"] < disk["total_bytes"]
    assert found == {
        "unassigned": {"patients": 0, "findings": 0, "urgent": 0, "listed": False},
        "overdue_findings": [],
        "left_messages": [],
        "waiting_accounts": 0,
        "late_mails": None,
        "failed_jobs": [],
        "jobs": {"queued": 0, "running": 0, "lost": 0},
        "job_worker_missing": False,
        "backup_at": None,
        "model_version": "tiny-1",
        "model_problem": None,
        "drift_alerts": 0,
        "failed_items": [],
        "clock_alarm": None,
    }


def test_what_waits_and_what_failed_is_counted(mailing: Backend) -> None:
    person = mailing.member(status="waiting")
    account, outbox = mailing.account(person.email).id, mailing.services.data.outbox
    hour_ago = now() - timedelta(hours=1)
    store = mailing.services.store
    store.transaction(lambda: outbox.add(Kind.APPROVED, to=account, due_at=hour_ago))
    store.transaction(lambda: outbox.add(Kind.MESSAGE, to=account))
    jobs = mailing.services.jobs
    owner = mailing.account(mailing.member(role="researcher").email).id
    for number in range(7):
        jobs.submit(kind="train", owner=owner, request={})
        job = jobs.queue.claim(worker="w", lease=timedelta(minutes=1))
        assert job
        jobs.queue.finish(job, status="failed", changes={"error": f"Fault {number}"})
    end_backup(store, begin_backup(store, place="stdout", name=None))
    found = read(mailing)
    assert (found["waiting_accounts"], found["late_mails"]) == (1, 1)
    assert [job["error"] for job in found["failed_jobs"]] == [
        f"Fault {number}" for number in (6, 5, 4, 3, 2)
    ]
    assert found["backup_at"] is not None


def test_spots_past_their_day_are_told_with_their_doctor(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week for one band, two for the next; no time is named for the others. A doctor who asks for
    the same visit has not seen the patient: the day is that of the page.
    """
    grey, ada = patient_in_care(any_backend)
    nobodys = any_backend.member()
    for patient, band, days in (
        (ada, URGENT, 7),
        (ada, URGENT, 8),
        (ada, REFERRAL, 14),
        (ada, REFERRAL, 15),
        (ada, REVIEW, 90),
        (nobodys, URGENT, 8),
    ):
        file_at(any_backend, patient, band, now() - timedelta(days=days), monkeypatch)
    reviewed = file_at(any_backend, ada, URGENT, now() - timedelta(days=30), monkeypatch)
    review(grey, reviewed)
    assert ada.call("GET", f"/submissions/{reviewed}").get_json()["instruction"]["due"] < today()
    assert read(any_backend)["overdue_findings"] == [
        {"doctor": None, "name": None, "count": 1},
        {"doctor": grey.email, "name": "Ada Example", "count": 3},
    ]


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ({"certainty": "unsure", "label": "melanocytic_nevus"}, 1),
        ({"new_picture_wanted": True}, 1),
        ({"certainty": "sure", "label": "melanocytic_nevus"}, 0),
        ({"certainty": "sure", "label": "melanoma", "histology": "awaited"}, 0),
        ({"histology_result": "melanoma", "histology": "confirmed"}, 0),  # a new week begins
    ],
)
def test_a_spot_is_overdue_until_a_doctor_has_said_what_ends_its_visit(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], count: int
) -> None:
    """One of two findings, the newer one milder: counted once, and not by its own day."""
    grey, ada = patient_in_care(backend)
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    for band, days in ((URGENT, 20), (REVIEW, 1)):
        with monkeypatch.context() as patch:
            moment = now() - timedelta(days=days)
            patch.setattr(submission, "now", lambda moment=moment: moment)
            newest = file_for(backend, ada, band, lesion=spot).number
    overdue = {"doctor": grey.email, "name": "Ada Example", "count": 1}
    assert read(backend)["overdue_findings"] == [overdue]
    path = f"/submissions/{newest}/review"
    assert grey.call("POST", path, json={"told_by": "server", **said}).status_code == 201
    assert read(backend)["overdue_findings"] == [overdue] * count


def test_a_finding_that_was_entered_in_error_is_not_overdue(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, ada = patient_in_care(backend)
    wrong = file_at(backend, ada, URGENT, now() - timedelta(days=8), monkeypatch)
    assert [one["count"] for one in read(backend)["overdue_findings"]] == [1]
    path = f"/submissions/{wrong}/entered-in-error"
    assert grey.call("POST", path, json={"reason": "Of somebody else."}).status_code == 200
    assert read(backend)["overdue_findings"] == []


def today() -> str:
    return now().date().isoformat()


def test_messages_that_no_doctor_has_answered_for_a_day_are_told(any_backend: Backend) -> None:
    talk = Talk(any_backend)
    for by in (talk.grey, talk.ada, talk.ada):
        talk.sent(by)
    talk.read(talk.grey)
    assert read(any_backend)["left_messages"] == []
    messages = any_backend.services.store.collection("messages")
    messages.update_all({}, {"$set": {"created_at": now() - timedelta(days=2)}})
    left = {"doctor": talk.grey.email, "name": "Ada Example", "count": 2}
    assert read(any_backend)["left_messages"] == [left]
    decisions = any_backend.services.decisions
    decisions.assign_doctor(email=talk.ada.email, doctor=None, by="-")
    nobodys = {"doctor": None, "name": None, "count": 2}
    assert read(any_backend)["left_messages"] == [nobodys]
    first = talk.ada.call("GET", f"/lesions/{talk.lesion}/messages").get_json()[0]
    assert first["by"] == "doctor"


def test_a_model_that_cannot_serve_and_a_disk_that_is_away_are_told(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = backend.app.registry.served
    served.problem = "Another model should serve"
    served.clear()

    def away(_: object) -> None:
        raise OSError

    monkeypatch.setattr(shutil, "disk_usage", away)
    found = read(backend)
    assert (found["model_version"], found["disk"]) == (None, None)
    assert found["model_problem"] == "Another model should serve"
