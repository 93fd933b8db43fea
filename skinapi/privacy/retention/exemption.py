"""Says of whom nothing goes by age: who is held, is being deleted, or has a record that is kept.

Whatever deletes by age asks `RetentionExemption` for what it selects, and in the transaction that
deletes it `SparedOwners`, for something may have happened meanwhile. The time comes from
`ClockWatch`: by a clock that cannot be believed nothing goes.
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
    """Nothing goes of a person who is `held`, or whose record a doctor must keep by law until
    `record_end`.
    """

    held: frozenset[str] = frozenset()
    record_end: Callable[[str], datetime | None] | None = None
    _known: dict[str, datetime | None] = field(default_factory=dict)

    def until(self, owner: str) -> datetime | None:
        if self.record_end is None:
            return None
        if owner not in self._known:
            self._known[owner] = self.record_end(owner)
        return self._known[owner]

    def spares(self, owner: str, at: datetime) -> bool:
        end = self.until(owner)
        return owner in self.held or (end is not None and end > at)


class SparedOwners:
    """Says whether nothing of an account goes, as the transaction under way sees it. It writes the
    account, so that who holds it at the same time conflicts.
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
                    bool(account.held_at)
                    or account.status == "deleting"
                    or (end is not None and end > now())
                )
        return self._known[owner]
