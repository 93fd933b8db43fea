"""The first walk: register, be approved, log in."""

from tests.houses import PASSWORD, House


def test_somebody_registers_is_approved_and_logs_in(house: House) -> None:
    newcomer = house.register("ada@example.org")
    refused = house.client.post("/login", json={"email": "ada@example.org", "password": PASSWORD})
    assert refused.status_code == 403
    assert refused.get_json()["error"] == "Account not approved by admin"

    approved = house.admin().call("PATCH", "/users/ada@example.org/approve", json={})
    assert approved.get_json()["message"] == "User ada@example.org approved as user."

    ada = house.log_in("Ada@Example.org ")
    assert ada.call("GET", "/me").get_json()["approved"] is True
    assert newcomer.call("GET", "/me").get_json()["email"] == "ada@example.org"
