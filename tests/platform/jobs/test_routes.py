from datetime import timedelta
from typing import Any

import pytest

from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from tests.support.backends import Backend, Person

LEASE = timedelta(seconds=30)


@pytest.fixture
def ada(backend: Backend) -> Person:
    return backend.member("ada@example.org", role="researcher")


def submit(backend: Backend, person: Person, **request: Any) -> Job:
    owner = backend.account(person.email).id
    return backend.services.jobs.submit(kind="train", owner=owner, request=request)


def run(backend: Backend, **changes: Any) -> Job:
    jobs = Jobs(backend.services.store)
    job = jobs.claim(worker="w", lease=LEASE)
    assert job
    held = jobs.beat(job, lease=LEASE, changes=changes)
    assert held
    return held


def test_cancelling_and_starting_again_are_in_the_audit_trail(
    backend: Backend, ada: Person
) -> None:
    job = submit(backend, ada)
    again = f"/jobs/{job.id}/retry"
    assert ada.call("POST", again).get_json()["code"] == "job_not_ended"
    cancelled = ada.call("POST", f"/jobs/{job.id}/cancel")
    assert (cancelled.status_code, cancelled.get_json()["status"]) == (200, "cancelled")
    assert ada.call("POST", again).get_json()["status"] == "queued"
    held = run(backend)
    asked = ada.call("POST", f"/jobs/{job.id}/cancel").get_json()
    assert (asked["status"], asked["message"]) == ("running", "Being cancelled")
    done = {"message": "Completed", "result": {}}
    assert Jobs(backend.services.store).finish(held, status="completed", changes=done)
    assert ada.call("POST", f"/jobs/{job.id}/cancel").get_json()["code"] == "job_ended"
    rows = [row for row in backend.audit() if row["target"] == job.id]
    assert {row["by"] for row in rows} == {backend.account(ada.email).id}
    assert [(row["action"], row["outcome"]) for row in rows if "outcome" in row] == [
        ("job.submit", "done"),
        ("job.retry", "job_not_ended"),
        ("job.cancel", "done"),
        ("job.retry", "done"),
        ("job.cancel", "done"),
        ("job.cancel", "job_ended"),
    ]


def test_the_log_is_read_from_a_line_on(backend: Backend, ada: Person) -> None:
    job = submit(backend, ada)
    empty = ada.call("GET", f"/jobs/{job.id}/log").get_json()
    assert empty == {"lines": [], "lines_written": 0}
    logs = Jobs(backend.services.store).logs
    logs.add(job.id, 1, ["one", "two", "three"])
    logs.add(job.id, 4, ["four"])
    logs.add(job.id, 900, ["later"])
    shown = ada.call("GET", f"/jobs/{job.id}/log?after=2").get_json()
    assert shown["lines"] == [
        {"number": 3, "text": "three"},
        {"number": 4, "text": "four"},
        {"number": 900, "text": "later"},
    ]
    assert shown["lines_written"] == 900
    nothing = ada.call("GET", f"/jobs/{job.id}/log?after=900").get_json()
    assert nothing == {"lines": [], "lines_written": 900}
    assert ada.call("GET", f"/jobs/{job.id}/log?after=-1").status_code == 400
