"""Of several processes that make the first admin, one makes the password."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from skinapi.admin.service import AdminService
from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.deletion import Eraser
from skinapi.auth.passwords import Passwords
from tests.interleaving import SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.size import size

EMAIL = "admin@skinapi.local"


class QuickPasswords:
    """The passwords themselves for hashes: thousands of orders are played here."""

    def hash(self, password: str) -> str:
        return password

    def matches(self, password: str, hashed: str) -> bool:
        return password == hashed


class Start:
    """Two workers that start over one store."""

    def __init__(self, *, registered: bool) -> None:
        store = SteppedStore(MockStore())
        self.accounts = Accounts(store)
        self.active_admins = ActiveAdmins(store, self.accounts)
        self.told: list[str] = []
        self._admin = AdminService(
            accounts=self.accounts,
            active_admins=self.active_admins,
            eraser=Eraser(accounts=self.accounts, active_admins=self.active_admins, forget=()),
            passwords=cast("Passwords", QuickPasswords()),
            trail=AuditTrail(MockStore(), lambda: None, secrets=["-"]),
            forget_addresses=lambda _: None,
            initial_password_life=timedelta(hours=1),
        )
        self.active_admins.ids()
        if registered:
            self.accounts.add(email=EMAIL, name="Thief", password_hash="the thief's")

    def make_first_admin(self) -> None:
        _, password = self._admin.ensure_admin(email=EMAIL, password=None)
        if password:
            self.told.append(password)


def play(choices: Sequence[int], *, registered: bool) -> list[tuple[int, int]]:
    start = Start(registered=registered)
    taken = run([start.make_first_admin] * 2, choices, lambda: None)
    account = start.accounts.by_email(EMAIL)
    assert account
    assert account.active_admin
    assert start.active_admins.ids() == [account.id]
    assert start.told == [account.password_hash]
    return taken


@pytest.mark.parametrize("registered", [False, True], ids=["empty store", "address registered"])
def test_of_two_workers_one_tells_the_password_that_opens(registered: bool) -> None:
    every_order(partial(play, registered=registered), depth=size(6, 11))
