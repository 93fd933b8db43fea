"""A name and an address stay in their place, and look like nobody else's."""

from tests.support.backends import PASSWORD, Backend

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
    """An admin approved the wrong one of two rows that looked the same."""
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
    """Programs of mail and browsers look such a name up as if it had a dot."""
    for domain in ("example\u3002org", "example\uff61org", "example..org"):
        body = body_of("Ada", f"ada@{domain}")
        assert shared_backend.client.post("/register", json=body).status_code == 400
