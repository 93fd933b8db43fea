"""Says whose data is exempt from retention by age: accounts that an admin keeps, accounts that are
being deleted, and patients with a medical record that the law keeps.

A sweep asks `RetentionExemption` for what it selects, and `SparedOwners` in the transaction that
deletes it, because something may have happened meanwhile.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NotFound
from skinapi.platform.storage.ids import now


@dataclass(frozen=True, slots=True)
class RetentionExemption:
    """Exempt are the accounts that are `kept`, and those with a record that a doctor must keep by
    law until `record_end`.
    """

    kept: frozenset[str]
    record_end: Callable[[str], datetime | None] | None
    _known: dict[str, datetime | None] = field(default_factory=dict)

    def spares(self, owner: str, at: datetime) -> bool:
        if owner in self.kept:
            return True
        if self.record_end is None:
            return False
        if owner not in self._known:
            self._known[owner] = self.record_end(owner)
        end = self._known[owner]
        return end is not None and end > at


class SparedOwners:
    """Says whether an account is exempt, as the transaction under way sees it. It writes the
    account, so that an admin who sets `keep` at the same time conflicts.
    """

    def __init__(self, accounts: Accounts, spare: RetentionExemption) -> None:
        self._accounts, self._record_end = accounts, spare.record_end
        self._known = dict[str, bool]()

    def __call__(self, owner: str) -> bool:
        if owner not in self._known:
            self._known[owner] = True
            with suppress(NotFound):
                account = self._accounts.lock(owner)
                end = self._record_end(owner) if self._record_end else None
                self._known[owner] = (
                    bool(account.keep)
                    or account.status == "deleting"
                    or (end is not None and end > now())
                )
        return self._known[owner]
