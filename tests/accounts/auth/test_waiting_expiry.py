"""Accounts that nobody has approved for long are deleted, and no others."""

from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.accounts.auth.accounts import Accounts
from skinapi.platform.storage.ids import now
from tests.support.backends import Backend


def age(backend: Backend, email: str, days: int) -> None:
    backend.edit(email, created_at=now() - timedelta(days=days))


def emails(backend: Backend) -> set[str]:
    return {account["email"] for account in backend.services.store.collection("accounts").find()}


def test_an_account_that_was_never_approved_is_deleted_after_the_days_of_the_setting(
    tmp_path: Path,
) -> None:
    backend = Backend(tmp_path, waiting_account_days=30)
    for email, days in (("old@example.org", 31), ("new@example.org", 29)):
        backend.register(email)
        age(backend, email, days)
    expired = backend.account("old@example.org").id
    backend.app.background.waiting_expiry.make_pass()
    assert emails(backend) == {"new@example.org"}
    rows = [row for row in backend.audit() if row["action"] == "account.expire"]
    assert [(row["by"], row["target"]) for row in rows] == [("system", expired)]
    backend.app.background.waiting_expiry.make_pass()
    assert (
        len(backend.audit()) == len(rows) + 2
    )  # two registrations; a pass without any writes none
    backend.services.store.close()


def test_an_account_that_was_approved_once_stays(backend: Backend) -> None:
    """One whose approval was undone waits too, and may have findings."""
    admin = backend.admin()
    for email, statuses in (
        ("waits@example.org", ("approve", "unapprove")),
        ("approved@example.org", ("approve",)),
        ("suspended@example.org", ("suspend",)),
    ):
        backend.register(email)
        for status in statuses:
            assert admin.call("PATCH", f"/users/{email}/{status}", json={}).status_code == 200
        age(backend, email, 1000)
    before = emails(backend)
    backend.app.background.waiting_expiry.make_pass()
    assert emails(backend) == before


def test_an_account_that_is_approved_meanwhile_stays(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.register("ada@example.org")
    age(backend, "ada@example.org", 1000)
    read_before = backend.account("ada@example.org").stored()
    backend.edit("ada@example.org", status="approved")
    expiry = backend.app.background.waiting_expiry
    monkeypatch.setattr(Accounts, "walk_unapproved", lambda *_, **__: iter([read_before]))
    expiry.make_pass()
    assert emails(backend) == {"ada@example.org"}
