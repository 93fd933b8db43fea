"""Registration: register, be approved, log in."""

from tests.backends import PASSWORD, Backend


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
