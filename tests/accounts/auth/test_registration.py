from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth import guess_limits
from skinapi.accounts.auth.accounts import Accounts
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.support.backends import PASSWORD, Backend

UNICODE, ASCII = "ada@bücher.example", "ada@xn--bcher-kva.example"


def test_a_domain_in_unicode_and_as_xn_is_one(backend: Backend) -> None:
    backend.register(ASCII)
    account = backend.account(UNICODE)
    for spelling in (UNICODE, ASCII):
        body = {"name": "Eve", "email": spelling, "password": PASSWORD}
        assert backend.client.post("/register", json=body).status_code == 409
    backend.admin().call_ok("PATCH", f"/users/{ASCII}/approve", json={})
    for spelling in (UNICODE, ASCII):
        me = backend.log_in(spelling).call("GET", "/me").get_json()
        assert me["email"] == account.email


def register_again(backend: Backend, email: str, **options: Any) -> TestResponse:
    body = {"name": "Eve", "email": email, "password": PASSWORD}
    return backend.client.post("/register", json=body, **options)


def test_the_owner_hears_of_who_registers_the_address_again(mailing: Backend) -> None:
    """Published clients show this answer."""
    backend = mailing
    ada, gone = backend.member("ada@example.org"), backend.member(status="suspended")
    for _ in range(2):
        answer = register_again(backend, ada.email)
        assert (answer.status_code, answer.get_json()["error"]) == (409, "Email already registered")
        assert register_again(backend, gone.email).status_code == 409
    told = [
        item.kind
        for person in (ada, gone)
        for item in backend.services.data.outbox.list_to(backend.account(person.email).id)
    ]
    assert told == [Kind.REGISTERED_AGAIN]


def test_who_asks_for_many_addresses_is_told_no_more_of_any(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is the same for every address, so it reveals nothing."""
    monkeypatch.setattr(guess_limits, "TAKEN_PER_HOUR", 2)
    emails = [backend.member().email for _ in range(3)]
    assert register_again(backend, "new@example.org").status_code == 201
    assert [register_again(backend, email).status_code for email in emails] == [409, 409, 429]
    refused = register_again(backend, "another@example.org")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_registrations")
    assert int(refused.headers["Retry-After"]) > 0
    elsewhere = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    assert register_again(backend, "another@example.org", **elsewhere).status_code == 201


def test_two_accounts_of_one_domain_from_before_are_still_two(backend: Backend) -> None:
    """Older code stored an address as it was typed."""
    for spelling in (UNICODE, ASCII):
        backend.member(email=spelling)
    for spelling in (UNICODE, ASCII):
        me = backend.log_in(spelling).call("GET", "/me").get_json()
        assert me["email"] == spelling


def register_as(backend: Backend, wanted: object) -> TestResponse:
    body = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    return backend.client.post("/register", json={**body, "wanted_role": wanted})


@pytest.mark.parametrize("wanted", ["doctor", "researcher"])
def test_a_role_that_was_asked_for_opens_nothing_and_is_given_with_the_approval(
    backend: Backend, wanted: str
) -> None:
    answer = register_as(backend, wanted)
    assert answer.status_code == 201
    assert answer.get_json().keys() == {"message", "access_token"}
    admin = backend.admin()
    [waiting] = admin.call("GET", "/accounts?status=waiting").get_json()
    assert (waiting["role"], waiting["wanted_role"]) == ("user", wanted)
    path = "/users/eve@example.org/approve"
    assert admin.call("PATCH", path, json={"role": wanted}).status_code == 200
    account = backend.account("eve@example.org")
    assert (account.role, account.status, account.wanted_role) == (wanted, "approved", None)
    actions = [row["action"] for row in backend.audit() if row["target"] == account.id]
    assert actions == ["account.register", f"account.role_{wanted}", "account.approve"]


def test_nobody_can_ask_for_another_role(shared_backend: Backend) -> None:
    for wanted in ("admin", "user", "", 1, ["doctor"]):
        assert register_as(shared_backend, wanted).status_code == 400


REACHING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029]
UNSEEN = (0x034F, 0x180B, 0xFE0F, 0xE0100, 0x2800)


def body_of(name: str, email: str = "ada@example.org") -> dict[str, str]:
    return {"name": name, "email": email, "password": PASSWORD}


def test_a_name_that_reaches_beyond_itself_is_refused(shared_backend: Backend) -> None:
    for code in REACHING:
        answer = shared_backend.client.post("/register", json=body_of(f"Ada {chr(code)}gnp"))
        assert answer.status_code == 400, hex(code)
        assert "direction" in answer.get_json()["error"]


def test_names_of_every_script_are_taken(shared_backend: Backend) -> None:
    for number, name in enumerate(("נועה לוי", "محمد\u200c علی", "Zoë", "א\u200fב", "Nguyễn Thị")):
        person = shared_backend.register(f"{number}@example.org", name)
        assert person.call("GET", "/me").get_json()["name"] == name


def test_an_address_that_looks_like_another_is_not_registered(shared_backend: Backend) -> None:
    """An admin once approved the wrong one of two rows that looked the same."""
    admin = shared_backend.admin()
    for code in UNSEEN:
        body = body_of("Ada", f"ada{chr(code)}@example.org")
        for answer in (
            shared_backend.client.post("/register", json=body),
            admin.call("POST", "/doctors", json=body),
        ):
            assert answer.status_code == 400, hex(code)
            assert "invisible" in answer.get_json()["error"]


def test_an_address_with_another_full_stop_is_not_registered(shared_backend: Backend) -> None:
    """Mail programs and browsers treat these characters as a dot when they look up the name."""
    for domain in ("example\u3002org", "example\uff61org", "example..org"):
        body = body_of("Ada", f"ada@{domain}")
        assert shared_backend.client.post("/register", json=body).status_code == 400


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
    backend.app.background.run("waiting-expiry")
    assert emails(backend) == {"new@example.org"}
    rows = [row for row in backend.audit() if row["action"] == "account.expire"]
    assert [(row["by"], row["target"]) for row in rows] == [("system", expired)]
    backend.app.background.run("waiting-expiry")
    # Two registrations and an erasure. A pass without any writes none.
    assert len(backend.audit()) == len(rows) + 3
    backend.services.store.close()


def test_an_account_that_was_approved_once_stays(backend: Backend) -> None:
    admin = backend.admin()
    for email, decision in (
        ("waits@example.org", "approve"),
        ("approved@example.org", "approve"),
        ("suspended@example.org", "suspend"),
    ):
        backend.register(email)
        assert admin.call("PATCH", f"/users/{email}/{decision}", json={}).status_code == 200
        age(backend, email, 1000)
    # A log-in at the clinic does this when the person has left the group.
    backend.edit("waits@example.org", status="waiting", token_version=2)
    before = emails(backend)
    backend.app.background.run("waiting-expiry")
    assert emails(backend) == before


def test_an_account_that_is_approved_meanwhile_stays(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.register("ada@example.org")
    age(backend, "ada@example.org", 1000)
    read_before = backend.account("ada@example.org").stored()
    backend.edit("ada@example.org", status="approved")
    monkeypatch.setattr(Accounts, "walk_unapproved", lambda *_, **__: iter([read_before]))
    backend.app.background.run("waiting-expiry")
    assert emails(backend) == {"ada@example.org"}
