"""Registration: register, be approved, log in."""

import pytest
from werkzeug.test import TestResponse

from tests.support.backends import PASSWORD, Backend


def test_a_person_registers_is_approved_and_logs_in(backend: Backend) -> None:
    newcomer = backend.register("ada@example.org")
    refused = backend.client.post("/login", json={"email": "ada@example.org", "password": PASSWORD})
    assert refused.status_code == 403
    assert refused.get_json()["error"] == "Account not approved by admin"

    approved = backend.admin().call("PATCH", "/users/ada@example.org/approve", json={})
    assert approved.get_json()["message"] == "User ada@example.org approved as user."

    ada = backend.log_in("Ada@Example.org ")
    assert ada.call("GET", "/me").get_json()["approved"] is True
    assert newcomer.call("GET", "/me").get_json()["email"] == "ada@example.org"


UNICODE, ASCII = "ada@bücher.example", "ada@xn--bcher-kva.example"


def test_a_domain_in_unicode_and_as_xn_is_one(backend: Backend) -> None:
    backend.register(ASCII)
    account = backend.account(UNICODE)
    for spelling in (UNICODE, ASCII):
        body = {"name": "Eve", "email": spelling, "password": PASSWORD}
        assert backend.client.post("/register", json=body).status_code == 409
    approved = backend.admin().call("PATCH", f"/users/{ASCII}/approve", json={})
    assert approved.status_code == 200
    for spelling in (UNICODE, ASCII):
        me = backend.log_in(spelling).call("GET", "/me").get_json()
        assert me["email"] == account.email


def test_two_accounts_of_one_domain_from_before_are_still_two(backend: Backend) -> None:
    """Earlier code stored an address as it was typed; nobody is locked out."""
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
    [waiting] = admin.call("GET", "/users?status=waiting").get_json()
    assert (waiting["role"], waiting["wanted_role"]) == ("user", wanted)
    path = "/users/eve@example.org/approve"
    assert admin.call("PATCH", path, json={"role": wanted}).status_code == 200
    account = backend.account("eve@example.org")
    assert (account.role, account.status, account.wanted_role) == (wanted, "approved", None)
    actions = [row["action"] for row in backend.audit() if row["target"] == account.id]
    assert actions == ["account.register", f"account.role_{wanted}", "account.approve"]


def test_without_a_role_in_the_approval_who_asked_for_one_is_a_patient(backend: Backend) -> None:
    register_as(backend, "doctor")
    answer = backend.admin().call("PATCH", "/users/eve@example.org/approve", json={})
    assert answer.get_json()["message"] == "User eve@example.org approved as user."
    account = backend.account("eve@example.org")
    assert (account.role, account.wanted_role) == ("user", None)


def test_nobody_can_ask_for_another_role(shared_backend: Backend) -> None:
    for wanted in ("admin", "user", "", 1, ["doctor"]):
        assert register_as(shared_backend, wanted).status_code == 400
