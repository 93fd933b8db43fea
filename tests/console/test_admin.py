"""An admin's way through the console: accounts, doctors, the audit trail, the server, the model."""

import pytest

from skinapi.storage.ids import new_id
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Caller, Town


@pytest.fixture
def admin(town: Town, visitor: Visitor) -> Caller:
    admin = town.person("admin")
    visitor.look()
    visitor.enter(admin, "admin")
    return admin


def test_a_waiting_account_is_approved_in_one_click_and_taken_back(
    visitor: Visitor, town: Town, admin: Caller
) -> None:
    waiting = town.person(status="waiting")
    visitor.open("/")
    visitor.see(waiting.email)
    visitor.assert_accessible()
    visitor.press_in_row(waiting.email, "Approve")
    visitor.see(f"{waiting.email} is approved")
    assert waiting.call("GET", "/me").json["status"] == "approved"
    visitor.press_button("Undo")
    visitor.see_none(f"{waiting.email} is approved")
    visitor.assert_quiet()
    assert town.accounts.get(waiting.id).status != "approved"
    assert admin.id


def test_a_doctor_is_added_and_the_initial_password_shown_once(
    visitor: Visitor, admin: Caller
) -> None:
    email = f"{new_id()[-10:]}@clinic.example"
    visitor.go("doctors")
    visitor.press("details.card summary")
    visitor.type(name="Dr Grey", email=email)
    visitor.press("details.card form .primary")
    visitor.see(email)
    visitor.find(".secret")
    visitor.assert_accessible()
    visitor.assert_quiet()
    assert any(row["email"] == email for row in admin.call("GET", "/doctors").json)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    ("place", "sees"),
    [("audit", "Audit trail"), ("server", "Everything answers"), ("model", "Limits")],
)
def test_what_an_admin_reads_is_there_at_every_size(
    visitor: Visitor, admin: Caller, size: tuple[int, int], place: str, sees: str
) -> None:
    visitor.look(size, dark=size == PHONE)
    visitor.enter(admin, "admin")
    visitor.go(place)
    visitor.see(sees)
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.assert_quiet()
