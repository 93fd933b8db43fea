from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth import erasure_guard
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.app import commands
from skinapi.base.settings.privacy import RetainedKind
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.privacy.retention.service import WARNED_BEFORE
from tests.support.backends import MAIL, PASSWORD, Backend, put_in
from tests.support.clock import Clock

DAY = timedelta(days=1)
DAYS = 40
TOKEN = "f3a9c17e5b2d8046"
Live = Callable[[Backend, Clock], None]


@pytest.fixture
def backend(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(erasure_guard, "FEW", 1)
    given: dict[str, Any] = {**MAIL, "metrics_token": TOKEN, "deletion_wait_days": 7}
    return Backend(tmp_path, waiting_account_days=30, **given)


def accounts(backend: Backend, name: str = "deletions") -> int:
    """Count the accounts. A sweep that closes accounts leaves those that are not closed."""
    found = backend.services.store.collection("accounts").find()
    return sum(name == "deletions" or item["status"] != "closed" for item in found)


def leave(backend: Backend, _: Clock) -> None:
    for number in range(2):
        person = backend.member(f"ada{number}@example.org")
        person.call_ok("DELETE", "/me", json={"current_password": PASSWORD})


def register(backend: Backend, _: Clock) -> None:
    for number in range(2):
        backend.register(f"ada{number}@example.org")


def stay_away(backend: Backend, clock: Clock) -> None:
    days: dict[RetainedKind, int | None] = {**dict.fromkeys(RetainedKind)}
    put_in(backend.services.retention, days={**days, RetainedKind.ACCOUNTS: DAYS})
    for number in range(2):
        backend.member(f"ada{number}@example.org")
    backend.services.retention.run_once()
    clock.ahead += DAYS * DAY - WARNED_BEFORE + DAY
    backend.services.retention.run_once()


def sweep(backend: Backend) -> None:
    backend.services.erasure.begin_due()
    backend.services.erasure.finish_begun()
    backend.app.background.run("waiting-expiry")
    backend.services.retention.run_once()


@pytest.mark.parametrize(
    ("live", "name"),
    [(leave, "deletions"), (register, "waiting accounts"), (stay_away, "unused accounts")],
)
def test_a_sweep_of_many_accounts_waits_for_an_operator(
    backend: Backend, clock: Clock, capsys: pytest.CaptureFixture[str], live: Live, name: str
) -> None:
    live(backend, clock)
    before = accounts(backend, name)
    clock.ahead += 365 * DAY
    sweep(backend)
    assert accounts(backend, name) == before
    assert "skinapi_stopped_erasures 1.0" in metrics(backend)
    [note] = [note for note in notes(backend) if "allow-erasure" in note]
    assert f"2 accounts: {name}." in note
    capsys.readouterr()
    assert commands.allow_erasure(backend.settings, Namespace()) == 0
    assert capsys.readouterr().out == f"{name}: 2 accounts will be erased\n"
    assert "skinapi_stopped_erasures 0.0" in metrics(backend)
    sweep(backend)
    assert accounts(backend, name) == before - 2
    sweep(backend)
    assert backend.services.store.collection("stopped_sweeps").find() == []
    assert commands.allow_erasure(backend.settings, Namespace()) == 0
    assert "no sweep has stopped" in capsys.readouterr().out


def test_a_stopped_sweep_continues_once_the_clock_is_right(backend: Backend, clock: Clock) -> None:
    leave(backend, clock)
    clock.ahead += 365 * DAY
    sweep(backend)
    clock.ahead = timedelta()
    sweep(backend)
    assert notes(backend) == []
    assert accounts(backend) == 2


def metrics(backend: Backend) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return backend.client.get("/metrics", headers=headers).get_data(as_text=True)


def notes(backend: Backend) -> list[str]:
    found: list[str] = backend.client.get("/readyz").get_json()["notes"]
    return [note for note in found if "sweep" in note]


@pytest.mark.parametrize(
    ("people", "count", "admitted"),
    [(5, 10, True), (5, 11, False), (200, 20, True), (200, 21, False)],
)
def test_ten_accounts_or_a_tenth_of_all_are_erased_without_asking(
    store: Store, people: int, count: int, *, admitted: bool
) -> None:
    made = [{"id": f"{number:032x}", "created_at": now()} for number in range(people)]
    store.collection("accounts").insert_many(made)
    assert ErasureGuard(store).admits("deletions", count) is admitted


def test_more_than_a_thousand_accounts_need_an_operator_whatever_their_share(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = ErasureGuard(store)
    monkeypatch.setattr(guard._accounts, "count", lambda: 100_000)
    assert guard.admits("deletions", 1_000)
    assert not guard.admits("deletions", 1_001)
    [stopped] = guard.allow_all()
    assert stopped.accounts == 1_001
    assert guard.admits("deletions", 1_500), "until it finds fewer"
    assert guard.admits("deletions", 900)
    assert not guard.admits("deletions", 1_001)
