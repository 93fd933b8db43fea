"""Deletes an account and all its data. A deletion that a crash interrupted can be resumed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import Conflict, NotFound, SkinAPIError
from skinapi.storage.background import PeriodicThread
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now

Forget = Callable[[str], None]
Refuse = Callable[[Account], None]


class Eraser:
    """Each package that stores an owner's data passes in an idempotent `forget(owner_id)`."""

    def __init__(self, *, accounts: Accounts, trail: AuditTrail, forget: Sequence[Forget]) -> None:
        self._accounts = accounts
        self._trail = trail
        self._forget = forget

    def erase(
        self,
        account: Account,
        *,
        by: str,
        action: str = "account.delete",
        refuse: Refuse | None = None,
    ) -> None:
        """Delete the account and its data, and add this action to the audit trail.

        `refuse` raises an error for an account, as it is now, that shall not be deleted. Raises
        that error, LastAdmin, and NotFound. One transaction sets the status "deleting": the tokens
        are dead, and nobody sees the account's data any more. Then all of it is deleted, in many.
        The account is removed last, so that `resume` finds it after a crash.
        """

        def decide(current: Account) -> dict[str, Any]:
            if refuse:
                refuse(current)
            return {"status": "deleting"}

        self._trail.change(
            partial(self._accounts.change, account.id, decide), action, by=by, target=account.id
        )
        self._finish(account.id)

    def resume(self) -> None:
        """Finish deletions that a crash interrupted. One that fails again is left to `check`, so
        that it does not stop the server from starting.
        """
        for account in self._accounts.list_where({"status": "deleting"}):
            with suppress(SkinAPIError):
                self._finish(account.id)

    def faults(self) -> Iterator[Fault]:
        """Yield the accounts whose deletion has begun but not ended."""
        for account in self._accounts.list_where({"status": "deleting"}):
            yield Fault(f"account {account.id} is half deleted", partial(self._finish, account.id))

    def _finish(self, account_id: str) -> None:
        for forget in self._forget:
            forget(account_id)
        self._accounts.remove(account_id)


# Deletes accounts that nobody has approved for long: anybody may register, so there is no end of
# them. Finishes deletions that were interrupted, too.


PASS_EVERY_S = 3600.0


class WaitingExpiry(PeriodicThread):
    """Any process may make a pass; two at once do no harm."""

    def __init__(self, *, accounts: Accounts, eraser: Eraser, life: timedelta) -> None:
        super().__init__("waiting-expiry", every_s=PASS_EVERY_S, failure="not expired")
        self._accounts = accounts
        self._eraser = eraser
        self._life = life

    def make_pass(self) -> None:
        """Delete what has waited since its registration for longer than `life`."""
        self._eraser.resume()
        for account in self._accounts.never_approved(before=now() - self._life):
            # An admin may have approved or deleted it meanwhile.
            with suppress(Conflict, NotFound):
                self._eraser.erase(
                    account, by="system", action="account.expire", refuse=_refuse_approved
                )


def _refuse_approved(account: Account) -> None:
    if account.status != "waiting":
        raise Conflict
