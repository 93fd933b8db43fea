"""Registration: register, be approved, log in."""

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
