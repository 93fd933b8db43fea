"""Initial passwords at the console: replaced on the page of their own, or at the first login."""

import pytest

from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.base.subject import Role
from skinapi.platform.storage.ids import new_id
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.served.wire import ask
from tests.support.backends import PASSWORD

INITIAL = "defaultPass123"


@pytest.fixture
def doctor(seeder: Seeder) -> str:
    email = f"{new_id()[-12:]}@clinic.example"
    admin = seeder.person("admin")
    seeder.services.admin.add_doctor(name="Dr Grey", email=email, password=INITIAL, by=admin.id)
    return email


def test_an_initial_password_is_replaced_on_the_page_that_errors_name(
    visitor: Visitor, seeder: Seeder, doctor: str
) -> None:
    visitor.look()
    visitor.open("/password")
    visitor.type(email=doctor, current="wrong", fresh=PASSWORD, again=PASSWORD)
    visitor.press("form .primary")
    visitor.see("The e-mail or the password is wrong")
    visitor.type(current=INITIAL, again="something else")
    visitor.press("form .primary")
    visitor.see("The two new passwords differ")
    visitor.type(again=PASSWORD)
    visitor.press("form .primary")
    visitor.see("Your password is changed.")
    visitor.assert_accessible()
    account, _ = seeder.services.auth.log_in(
        caller=ClientInfo("here"), email=doctor, password=PASSWORD
    )
    assert not account.must_change
    visitor.assert_quiet(expected=("/password",))


def test_the_first_login_with_an_initial_password_asks_for_an_own_one(
    visitor: Visitor, doctor: str
) -> None:
    visitor.look()
    visitor.open("/")
    visitor.see("Log in")
    visitor.type(email=doctor, password=INITIAL)
    visitor.press("form .primary")
    visitor.see("This is an initial password")
    visitor.assert_accessible()
    visitor.type(fresh=PASSWORD, again=PASSWORD)
    visitor.press("form .primary")
    visitor.see("Queue")
    visitor.assert_quiet(expected=("/login",))


@pytest.mark.parametrize(
    ("role", "home"),
    [
        ("user", "No spots yet"),
        ("doctor", "Nothing waits for a review"),
        ("admin", "As it should be"),
    ],
)
def test_a_login_on_the_first_page_leads_to_what_the_role_works_with(
    visitor: Visitor, seeder: Seeder, role: Role, home: str
) -> None:
    email = f"{new_id()[-12:]}@clinic.example"
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    seeder.services.admin.set_role(email=email, role=role, by="admin")
    visitor.look()
    visitor.open("/")
    visitor.see("Log in")
    visitor.type(email=email, password=PASSWORD)
    visitor.press("form .primary")
    visitor.see(home)
    visitor.press_button("Log out")
    visitor.see("Create an account")
    visitor.assert_quiet()
