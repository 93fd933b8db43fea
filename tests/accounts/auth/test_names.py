"""A name stays in its place: nothing in it reorders or parts what stands after it."""

import pytest

from tests.support.backends import PASSWORD, Backend

REACHING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029]


@pytest.mark.parametrize("code", REACHING, ids=hex)
def test_a_name_that_reaches_beyond_itself_is_refused(shared_backend: Backend, code: int) -> None:
    body = {"name": f"Ada {chr(code)}gnp", "email": "ada@example.org", "password": PASSWORD}
    answer = shared_backend.client.post("/register", json=body)
    assert answer.status_code == 400
    assert "direction" in answer.get_json()["error"]


@pytest.mark.parametrize("name", ["נועה לוי", "محمد\u200c علی", "Zoë", "א\u200fב", "Nguyễn Thị"])
def test_names_of_every_script_are_taken(backend: Backend, name: str) -> None:
    ada = backend.register("ada@example.org", name)
    assert ada.call("GET", "/me").get_json()["name"] == name


@pytest.mark.parametrize("code", [0x034F, 0x180B, 0xFE0F, 0xE0100, 0x2800], ids=hex)
def test_an_address_that_looks_like_another_is_not_registered(
    shared_backend: Backend, code: int
) -> None:
    """An admin approved the wrong one of two rows that looked the same."""
    email = f"ada{chr(code)}@example.org"
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    admin = shared_backend.admin()
    for answer in (
        shared_backend.client.post("/register", json=body),
        admin.call("POST", "/doctors", json=body),
    ):
        assert answer.status_code == 400
        assert "invisible" in answer.get_json()["error"]


@pytest.mark.parametrize("domain", ["example\u3002org", "example\uff61org", "example..org"])
def test_an_address_with_another_full_stop_is_not_registered(
    shared_backend: Backend, domain: str
) -> None:
    """Programs of mail and browsers look such a name up as if it had a dot."""
    body = {"name": "Ada", "email": f"ada@{domain}", "password": PASSWORD}
    assert shared_backend.client.post("/register", json=body).status_code == 400
