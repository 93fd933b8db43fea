"""Deletes accounts that nobody has approved for long: anybody may register, so there is no end of
them. Finishes deletions that were interrupted, too.
"""

from contextlib import suppress
from datetime import timedelta

from skinapi.auth.accounts.accounts import Account, Accounts
from skinapi.auth.accounts.deletion import Eraser
from skinapi.errors import Conflict, NotFound
from skinapi.storage.background.threads import PeriodicThread
from skinapi.storage.ids import now

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
