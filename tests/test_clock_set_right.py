"""A clock that was ahead and is right again: nothing counts for as long as it was ahead."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth import guess_limits
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ids import CLOCK_TOLERANCE, now
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.support.backends import ADMIN, PASSWORD, Backend, Person
from tests.support.clock import Clock

YEAR = timedelta(days=365)
LEASE = timedelta(seconds=30)


def log_in(backend: Backend, email: str, password: str, **said: Any) -> Any:
    return backend.client.post("/login", json={"email": email, "password": password, **said})


def test_a_guess_of_the_future_locks_nobody_out(
    backend: Backend, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guess_limits, "GUESSES_PER_HOUR", 3)
    ada = backend.member("ada@example.org")
    clock.ahead = YEAR
    assert log_in(backend, ada.email, "wrong").status_code == 401
    clock.ahead = timedelta()
    wrong = [log_in(backend, ada.email, "wrong").status_code for _ in range(6)]
    assert wrong[-1] == 429  # the limit counts from now on
    refused = log_in(backend, ada.email, PASSWORD)
    assert int(refused.headers["Retry-After"]) <= 3600
    clock.ahead = timedelta(hours=1)
    assert log_in(backend, ada.email, PASSWORD).status_code == 200


@pytest.mark.parametrize("renews", [False, True])
def test_a_session_of_the_future_is_not_valid(
    backend: Backend, clock: Clock, *, renews: bool
) -> None:
    ada = backend.member("ada@example.org")
    clock.ahead = YEAR
    keys = log_in(backend, ada.email, PASSWORD, refresh=renews).get_json()
    call = partial(Person(backend.client, keys["access_token"]).call, "GET", "/me")
    assert call().status_code == 200
    clock.ahead = timedelta()
    assert call().status_code == 401
    if renews:
        body = {"refresh_token": keys["refresh_token"]}
        assert backend.client.post("/auth/refresh", json=body).status_code == 401
    assert log_in(backend, ada.email, PASSWORD).status_code == 200


def test_a_session_stays_where_the_clock_was_wrong_by_an_hour(
    backend: Backend, clock: Clock
) -> None:
    clock.ahead = CLOCK_TOLERANCE
    ada = backend.member("ada@example.org")
    clock.ahead = timedelta()
    assert ada.call("GET", "/me").status_code == 200


def test_an_initial_password_of_the_future_is_expired(backend: Backend, clock: Clock) -> None:
    admin = backend.member(ADMIN, role="admin")
    clock.ahead = YEAR
    body = {"name": "Meredith Grey", "email": "grey@example.org", "password": PASSWORD}
    admin = backend.log_in(ADMIN)
    assert admin.call("POST", "/doctors", json=body).status_code == 201
    clock.ahead = timedelta()
    refused = log_in(backend, "grey@example.org", PASSWORD)
    assert refused.get_json()["code"] == "initial_password_expired"


def test_a_dead_workers_job_is_taken_back_when_a_lease_is_over(
    backend: Backend, clock: Clock
) -> None:
    jobs = Jobs(backend.services.store)
    job = jobs.add(jobs.new_id(), kind="train", owner="ada", request={})
    clock.ahead = YEAR
    assert jobs.claim(worker="dead", lease=LEASE)
    clock.ahead = timedelta()
    assert jobs.claim(worker="next", lease=LEASE) is None  # the first may live
    clock.ahead = LEASE + timedelta(seconds=1)
    taken = jobs.claim(worker="next", lease=LEASE)
    assert taken
    assert taken.id == job.id


def test_a_job_that_ended_in_the_future_is_kept_from_now_on(backend: Backend, clock: Clock) -> None:
    jobs = Jobs(backend.services.store)
    jobs.add(jobs.new_id(), kind="train", owner="ada", request={})
    clock.ahead = YEAR
    held = jobs.claim(worker="first", lease=LEASE)
    assert held
    assert jobs.finish(held, status="completed", changes={})
    clock.ahead = timedelta()
    jobs.sweep()
    found = jobs.get(held.id)
    assert found.completed_at
    assert found.completed_at <= now()


def test_a_row_of_the_future_is_numbered_in_its_turn(backend: Backend, clock: Clock) -> None:
    clock.ahead = YEAR
    backend.services.data.trail.record(AuditRow("test.act", by="1", target="2"))
    clock.ahead = timedelta()
    backend.services.data.trail.record(AuditRow("test.act", by="1", target="3"))
    assert [row["sequence"] for row in backend.audit()] == [1, 2]
    assert list(backend.services.data.trail.check_integrity()) == []


def test_requests_of_the_future_use_up_no_rate(tmp_path: Path, clock: Clock) -> None:
    backend = Backend(tmp_path, rate_read="2/day")
    ada = backend.member()
    call = partial(ada.call, "GET", "/me")
    clock.ahead = timedelta(hours=5)
    assert [call().status_code for _ in range(3)] == [200, 200, 429]
    clock.ahead = timedelta()
    assert [call().status_code for _ in range(3)] == [200, 200, 429]
    backend.services.store.close()


def test_no_wait_for_a_rate_is_longer_than_its_window(tmp_path: Path, clock: Clock) -> None:
    backend = Backend(tmp_path, rate_read="1/hour")
    ada = backend.member()
    clock.ahead = timedelta(minutes=50)
    ada.call("GET", "/me")
    clock.ahead = timedelta()
    refused = ada.call("GET", "/me")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 3600
    backend.services.store.close()
