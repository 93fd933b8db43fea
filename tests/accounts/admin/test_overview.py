from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from skinapi.accounts.admin import usage
from skinapi.base.languages import LANGUAGES
from skinapi.findings.reports.checker_records import EXAM_PAIRS
from skinapi.findings.reports.report import NarrativeUnavailable
from skinapi.findings.reviews import service as review_service
from skinapi.model.conditions import Band
from skinapi.platform.backups.backup import begin_backup, end_backup
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    URGENT,
    file_at,
    patient_in_care,
    review,
)
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, erase, unavailable
from tests.support.photos import photo_in


def read(backend: Backend) -> Any:
    return backend.member(role="admin").call_ok("GET", "/admin/overview")


def test_a_fresh_server_has_nothing_to_do_but_its_first_backup(backend: Backend) -> None:
    found = read(backend)
    disk = found.pop("disk")
    assert 0 < disk["free_bytes"] < disk["total_bytes"]
    assert found == {
        "unassigned": {
            "patients": 0,
            "spots": 0,
            "urgent": 0,
            "listed": False,
            "has_doctor": False,
        },
        "overdue": [],
        "waiting_accounts": 0,
        "late_mails": None,
        "failed_jobs": [],
        "jobs": {"queued": 0, "running": 0, "lost": 0},
        "job_worker_missing": False,
        "backup_at": None,
        "model_version": "tiny-1",
        "model_problem": None,
        "leaves": [],
        "checkers": [],
    }


def test_what_waits_and_what_failed_is_counted(mailing: Backend) -> None:
    person = mailing.member(status="waiting")
    account, outbox = mailing.account(person.email).id, mailing.services.data.outbox
    store = mailing.services.store
    store.transaction(lambda: outbox.add(Kind.APPROVED, to=account, delay=-timedelta(hours=1)))
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


Row = tuple[str, str | None, int]


def overdue(backend: Backend) -> list[Row]:
    rows = read(backend)["overdue"]
    assert all((row["doctor"] is None) == (row["name"] is None) for row in rows)
    return [(row["kind"], row["doctor"], row["count"]) for row in rows]


def set_clock(patch: pytest.MonkeyPatch, module: ModuleType, back: timedelta) -> None:
    at = now() - back
    patch.setattr(module, "now", lambda: at)


def test_overdue_spots_are_counted_by_kind_and_doctor(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, ada = patient_in_care(any_backend)
    reviewed = file_at(any_backend, ada, URGENT, now() - timedelta(days=30), monkeypatch)
    with monkeypatch.context() as patch:
        set_clock(patch, review_service, timedelta(days=5))
        review(grey, reviewed)
    greys: list[Row] = [("telling", grey.email, 1), ("visit", grey.email, 1)]
    assert overdue(any_backend) == greys, "a review does not move the day of the visit"
    assert ada.call("GET", f"/submissions/{reviewed}").status_code == 200
    assert overdue(any_backend) == greys[1:], "the patient has opened the finding"
    nobodys = any_backend.member()
    for patient, band, days in (
        (ada, URGENT, 2),
        (ada, URGENT, 5),
        (ada, URGENT, 8),
        (ada, REFERRAL, 5),
        (ada, REFERRAL, 15),
        (ada, REVIEW, 13),
        (ada, REVIEW, 90),
        (nobodys, URGENT, 8),
    ):
        file_at(any_backend, patient, band, now() - timedelta(days=days), monkeypatch)
    without_doctor: list[Row] = [("review", None, 1), ("visit", None, 1)]
    greys = [("review", grey.email, 5), ("visit", grey.email, 3)]
    assert overdue(any_backend) == [*without_doctor, *greys]
    assert read(any_backend)["overdue"][2] == {
        "kind": "review",
        "doctor": grey.email,
        "name": "Ada Example",
        "count": 5,
    }
    any_backend.edit(grey.email, status="suspended")
    everybodys = [("review", None, 6), ("visit", None, 4)]
    assert overdue(any_backend) == everybodys, "a suspended doctor is in charge of nobody"


BLACK = photo_in((0, 0, 0))


def counted(backend: Backend, days: int = 1) -> dict[str, Any]:
    admin = backend.member(role="admin")
    answer = admin.call("GET", f"/admin/usage?days={days}").get_json()
    assert len(answer["days"]) == days
    today: dict[str, Any] = answer["days"][-1]
    assert today.pop("day") == now().date().isoformat()
    return today


def counts(bands: dict[str, int] | None = None, **numbers: int) -> dict[str, Any]:
    nothing = {"findings": 0, "refused": 0, "accounts": 0, "reports": 0}
    every_band = {**dict.fromkeys((str(band) for band in Band), 0), **(bands or {})}
    return {**nothing, **numbers, "bands": every_band}


def test_what_happens_on_a_day_is_counted_once_and_stays_counted(backend: Backend) -> None:
    ada = backend.approved("ada@example.org")  # the admin's account is the second one
    body = predicted(ada, key="visit-1")
    for _ in range(2):
        assert predicted(ada, key="visit-1") == body
        assert ada.call("GET", f"/submissions/{body['id']}/report.json").status_code == 200
    assert send(ada, BLACK).status_code == 422
    expected = counts({body["band"]: 1}, findings=1, refused=1, accounts=2, reports=1)
    assert counted(backend) == expected
    erase(backend.services, backend.account(ada.email))
    assert counted(backend) == expected


def test_nothing_fails_because_it_cannot_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend.services.store.collection(usage.DAYS), "update", unavailable)
    assert backend.register("ada@example.org").token
    assert predicted(backend.member())["id"] == 1
    assert counted(backend) == counts()


def test_what_an_llm_wrote_is_added_up_by_reason(backend: Backend) -> None:
    figures = {"answers": 2, "kept": 7, "dropped_number": 1, "tokens": 900, "milliseconds": 5000}
    backend.services.data.usage.add_writing(figures)
    backend.services.data.usage.add_writing({"template": 1, "template_busy": 1})
    admin = backend.member(role="admin")
    writer = admin.call("GET", "/admin/usage?days=3").get_json()["writer"]
    assert writer.pop("passages") > 50
    assert writer == {
        "answers": 2,
        "kept": 7,
        "dropped": {"number": 1},
        "template": 1,
        "unwritten": {"busy": 1},
        "seconds": 2.5,
        "tokens": 900,
    }


def test_an_admin_reads_which_checker_is_believed(any_backend: Backend) -> None:
    records = any_backend.services.data.checker_records
    for language in LANGUAGES:
        with pytest.raises(NarrativeUnavailable):
            records.require_believed(language)
    first = records.list_current()[0]
    records.end_exam(first, [True] * EXAM_PAIRS)
    records.count(first.model, first.language, [False, True, False])
    told = {(item["model"], item["language"]): item for item in read(any_backend)["checkers"]}
    assert len(told) == len(LANGUAGES) * 2
    lost = told[first.model, first.language]
    assert (lost["pairs"], lost["right"]) == (EXAM_PAIRS + 3, EXAM_PAIRS + 1)
    assert lost["passed_at"] is None
    assert lost["due_at"]
    metrics = any_backend.member(role="admin").call("GET", "/metrics").text
    assert f"skinapi_checkers_not_believed {float(len(told))}" in metrics
    records.end_exam(first, [True] * EXAM_PAIRS)
    metrics = any_backend.member(role="admin").call("GET", "/metrics").text
    assert f"skinapi_checkers_not_believed {float(len(told) - 1)}" in metrics
