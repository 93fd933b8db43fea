"""The list of active admins, in one document, so that no race can remove the last admin.

There are no transactions across documents, so each change follows a fixed order of writes:
- Removing an admin: read the account, remove it from the list (refused if it is the only entry),
  then change the account by compare-and-set on its revision.
- Adding an admin: read the list, change the account, then write the list by compare-and-set. The
  list is written even if it names the account already, because another request may be removing it.
However two requests interleave, each account on the list is an active admin. A crash in between can
only leave an admin off the list. An account that is being deleted accepts no other change.

Each change of a role goes through here, and it also changes who is in whose care: an account that
becomes a doctor leaves its own doctor's care in the same write, and an account that stops being a
doctor loses its patients afterwards. A suspended doctor keeps the patients, because a suspension
can be lifted.

What a crash has left undone, the automatic repair does after a change of a role, by `change`
without new fields (records/automatic_repair.py), and `check` after any change.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.errors import ConcurrentChange, LastAdmin
from skinapi.errors import Duplicate, NotFound
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store

DOCUMENT = "active-admins"
ATTEMPTS = 50
Decide = Callable[[Account], dict[str, Any]]


class ActiveAdmins:
    """Changes roles and statuses, and keeps the list of active admins up to date."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._counters = store.collection("counters")
        self._accounts = accounts

    def ids(self) -> list[str]:
        """It writes nothing: a `check` leaves an empty store as empty as a restore wants it."""
        found = self._counters.get(DOCUMENT)
        return list(found["ids"]) if found else []

    def change(self, account_id: str, decide: Decide) -> Account:
        """Change an account's role or status. Raises LastAdmin, NotFound, ConcurrentChange.

        `decide` returns the new fields for the current account. It is called again after each
        conflict with another change.
        """
        for _ in range(ATTEMPTS):
            listed = self._read()
            account = self._accounts.get(account_id)
            fields = decide(account)
            if fields.get("role", account.role) == "doctor":
                fields = {**fields, "doctor_id": None}
            if account.status == "deleting" and fields.get("status") != "deleting":
                raise NotFound("This account is being deleted")
            stays_active = account.model_copy(update=fields).active_admin
            try:
                if not stays_active and (account.role == "admin" or account_id in listed["ids"]):
                    self._write(listed, _others(listed, account_id))
                changed = self._accounts.change(account, **fields)
                if stays_active and not (account.active_admin and account_id in listed["ids"]):
                    self._write(listed, [*_without(account_id, listed), account_id])
            except ConcurrentChange:
                continue
            if changed.role != "doctor":
                self._accounts.release_patients(changed.id)
            return changed
        raise ConcurrentChange

    def recount(self) -> None:
        """Rebuild the list from the accounts. Safe while other requests change it."""
        for account_id in set(self.active_admins()) - set(self.ids()):
            with suppress(NotFound):
                self.change(account_id, lambda _: {})
        listed = self._read()
        admins = self.active_admins()
        self._write(listed, [identifier for identifier in listed["ids"] if identifier in admins])

    def faults(self) -> Iterator[Fault]:
        """Yield a fault if the list differs from the accounts."""
        if set(self.ids()) != set(self.active_admins()):
            yield Fault("the list of active admins differs from the accounts", self.recount)

    def active_admins(self) -> list[str]:
        found = self._accounts.find({"role": "admin", "status": "approved"})
        return [account.id for account in found]

    def _read(self) -> Document:
        found = self._counters.get(DOCUMENT)
        if found is None:
            with suppress(Duplicate):
                self._counters.insert(
                    {"id": DOCUMENT, "schema": 1, "created_at": now(), "ids": [], "version": 1}
                )
            return self._read()
        return found

    def _write(self, listed: Document, ids: list[str]) -> None:
        """Compare-and-set. Also for an unchanged list, so that each request that has read the list
        before fails and reads it again. Raises ConcurrentChange.
        """
        written = self._counters.update(
            {"id": DOCUMENT, "version": listed["version"]},
            {"$set": {"ids": ids}, "$inc": {"version": 1}},
        )
        if written is None:
            raise ConcurrentChange


def _others(listed: Document, account_id: str) -> list[str]:
    """The other ids on the list. Raises LastAdmin if there are none."""
    others = _without(account_id, listed)
    if not others:
        raise LastAdmin
    return others


def _without(account_id: str, listed: Document) -> list[str]:
    return [other for other in listed["ids"] if other != account_id]
