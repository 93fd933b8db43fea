"""An approval is undone: the account waits again, and whatever happens at once ends well."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest

from skinapi.admin.service import AdminService
from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.deletion import Eraser
from skinapi.auth.passwords import Passwords
from tests.backends import CHEAP, PASSWORD, Backend, Person
from tests.interleaving import SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.size import size

EMAIL = "ada@example.org"
PASSWORDS = Passwords(CHEAP)


def undo(admin: Person) -> Any:
    return admin.call("PATCH", f"/users/{EMAIL}/unapprove")


def test_an_account_whose_approval_is_undone_waits_and_is_logged_out(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.register(EMAIL)
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
    ada = backend.log_in(EMAIL)
    answer = undo(admin)
    assert answer.get_json() == {"message": f"User {EMAIL} waits for approval."}
    assert ada.call("GET", "/me").status_code == 401
    refused = backend.client.post("/login", json={"email": EMAIL, "password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "account_not_approved")
    assert [one["email"] for one in admin.pages("/users?status=waiting")] == [EMAIL]
    rows = [row for row in backend.audit() if row["action"] == "account.unapprove"]
    assert [(row["phase"], row.get("outcome")) for row in rows] == [
        ("intent", None),
        ("outcome", "done"),
    ]
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
    assert backend.log_in(EMAIL).call("GET", "/me").status_code == 200


def test_undoing_twice_changes_nothing_more(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL)
    assert undo(admin).status_code == 200
    before = backend.account(EMAIL)
    assert undo(admin).status_code == 200
    after = backend.account(EMAIL)
    assert (after.status, after.token_version) == ("waiting", before.token_version)


def test_a_suspension_is_not_undone_as_an_approval(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL, status="suspended")
    refused = undo(admin)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert backend.account(EMAIL).status == "suspended"


def test_a_doctor_whose_approval_is_undone_keeps_role_and_patients(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL, role="doctor")
    doctor = backend.account(EMAIL).id
    patient = backend.member(doctor_id=doctor)
    assert undo(admin).status_code == 200
    assert backend.account(EMAIL).role == "doctor"
    assert backend.account(patient.email).doctor_id == doctor


class SilentTrail:
    """Its rows would only lengthen each order of steps."""

    @contextmanager
    def act(self, _: str, **__: str) -> Iterator[None]:
        yield


class Cast:
    """Two admins over a store that stops at each step."""

    def __init__(self) -> None:
        store = SteppedStore(MockStore())
        self.accounts = Accounts(store)
        active_admins = ActiveAdmins(store, self.accounts)
        self.before = self.accounts.add(
            email=EMAIL, name="Ada", password_hash="-", status="approved"
        )
        self.service = AdminService(
            accounts=self.accounts,
            active_admins=active_admins,
            eraser=Eraser(accounts=self.accounts, active_admins=active_admins, forget=()),
            passwords=PASSWORDS,
            trail=cast("AuditTrail", SilentTrail()),
            forget_addresses=lambda _: None,
            initial_password_life=timedelta(hours=1),
        )

    def approve(self) -> None:
        self.service.approve_account(email=EMAIL, role=None, by="root")

    def undo(self) -> None:
        self.service.unapprove_account(email=EMAIL, by="root")

    def suspend(self) -> None:
        self.service.suspend_account(email=EMAIL, by="other")


def is_waiting_or_approved_and_logged_out(before: Account, after: Account) -> bool:
    return (
        after.status in ("waiting", "approved") and after.token_version == before.token_version + 1
    )


def is_suspended(_: Account, after: Account) -> bool:
    return after.status == "suspended"


@pytest.mark.parametrize(
    ("acts", "ends_well"),
    [
        (("undo", "approve"), is_waiting_or_approved_and_logged_out),
        (("undo", "undo"), is_waiting_or_approved_and_logged_out),
        (("undo", "suspend"), is_suspended),
    ],
)
def test_no_order_of_steps_ends_badly(
    acts: tuple[str, ...], ends_well: Callable[[Account, Account], bool]
) -> None:
    """The old token is dead in every order, and a suspension is never turned into waiting."""

    def play(choices: Sequence[int]) -> list[tuple[int, int]]:
        cast_of = Cast()
        taken = run([getattr(cast_of, act) for act in acts], choices, lambda: None)
        assert ends_well(cast_of.before, cast_of.accounts.get(cast_of.before.id))
        return taken

    every_order(play, depth=size(5, 7))
