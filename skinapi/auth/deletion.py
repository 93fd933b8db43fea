"""Deletes an account and all its data. A deletion that a crash interrupted can be resumed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.errors import Conflict, SkinAPIError
from skinapi.storage.faults import Fault

Forget = Callable[[str], None]


class Eraser:
    """Each package that stores an owner's data passes in an idempotent `forget(owner_id)`."""

    def __init__(
        self, *, accounts: Accounts, active_admins: ActiveAdmins, forget: Sequence[Forget]
    ) -> None:
        self._accounts = accounts
        self._active_admins = active_admins
        self._forget = forget

    def erase(self, account: Account, *, waiting: bool = False) -> None:
        """Delete the account and its data. Raises LastAdmin, NotFound, ConcurrentChange; with
        `waiting`, raises Conflict where it does not wait for approval any more.

        The status "deleting" comes first and revokes the tokens. The account is removed last, so
        that `resume` finds it after a crash.
        """

        def decide(current: Account) -> dict[str, Any]:
            if waiting and current.status != "waiting":
                raise Conflict
            return {"status": "deleting"}

        self._finish(self._active_admins.change(account.id, decide))

    def resume(self) -> None:
        """Finish deletions that a crash interrupted. One that fails again is left to `check`, so
        that it does not stop the server from starting.
        """
        for account in self._accounts.find({"status": "deleting"}):
            with suppress(SkinAPIError):
                self._finish(account)

    def faults(self) -> Iterator[Fault]:
        """Yield the accounts whose deletion has begun but not ended."""
        for account in self._accounts.find({"status": "deleting"}):
            yield Fault(f"account {account.id} is half deleted", partial(self._finish, account))

    def _finish(self, account: Account) -> None:
        for forget in self._forget:
            forget(account.id)
        self._accounts.release_patients(account.id)
        self._accounts.remove(account)
