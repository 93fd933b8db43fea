"""Deleting an account and all it owns, resumable at any point."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.errors import SkinAPIError
from skinapi.storage.faults import Fault

Forget = Callable[[str], None]


class Eraser:
    """Each room that keeps something of an owner hands in an idempotent `forget(owner_id)`."""

    def __init__(
        self, *, accounts: Accounts, active_admins: ActiveAdmins, forget: Sequence[Forget]
    ) -> None:
        self._accounts = accounts
        self._active_admins = active_admins
        self._forget = forget

    def erase(self, account: Account) -> None:
        """Tokens die first, the account goes last. Raises LastAdmin."""
        self._finish(self._active_admins.change(account.id, lambda _: {"status": "deleting"}))

    def resume(self) -> None:
        """Finish what a crash interrupted. What still fails waits for `check`, and stops nobody."""
        for account in self._accounts.find({"status": "deleting"}):
            with suppress(SkinAPIError):
                self._finish(account)

    def faults(self) -> Iterator[Fault]:
        for account in self._accounts.find({"status": "deleting"}):
            yield Fault(f"account {account.id} is half deleted", partial(self._finish, account))

    def _finish(self, account: Account) -> None:
        for forget in self._forget:
            forget(account.id)
        self._accounts.release_patients(account.id)
        self._accounts.remove(account)
