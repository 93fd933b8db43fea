"""The list of active admins: one document, so that no race can remove the last one.

There are no transactions across documents, so adding and removing follow one order.
- Removing: read the account, take it off the list (refused if nobody else is on it), then change
  the account by its revision.
- Adding: read the list, change the account, then write the list if it is still as it was read,
  also where it named the account already: another request may be taking it off at that moment.
In every order of steps, whoever is on the list is an active admin. A crash in between can only
leave an admin off the list, which `check` repairs. An account that is being deleted takes no other
change.

Every change of a role passes through here, so care follows here too: an account that becomes a
doctor leaves its doctor's care in the same write, and one that stops being a doctor has no patients
afterwards. A suspended doctor keeps the patients, because a suspension can be lifted.
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
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._counters = store.collection("counters")
        self._accounts = accounts

    def ids(self) -> list[str]:
        return list(self._read()["ids"])

    def change(self, account_id: str, decide: Decide) -> Account:
        """Change an account's role or status. Raises LastAdmin, NotFound, ConcurrentChange.

        `decide` names the new fields from the account as it is; it is asked again when somebody
        else was faster.
        """
        for _ in range(ATTEMPTS):
            listed = self._read()
            account = self._accounts.get(account_id)
            fields = decide(account)
            if fields.get("role", account.role) == "doctor":
                fields = {**fields, "doctor_id": None}
            if account.status == "deleting" and fields.get("status") != "deleting":
                raise NotFound("This account is being deleted")
            stays = account.model_copy(update=fields).active_admin
            try:
                if not stays and (account.role == "admin" or account_id in listed["ids"]):
                    self._write(listed, _others(listed, account_id))
                changed = self._accounts.change(account, **fields)
                if stays and not (account.active_admin and account_id in listed["ids"]):
                    self._write(listed, [*_without(account_id, listed), account_id])
            except ConcurrentChange:
                continue
            if changed.role != "doctor":
                self._accounts.release_patients(changed.id)
            return changed
        raise ConcurrentChange

    def recount(self) -> None:
        """Count who is missing, strike who is no active admin; safe while others change it."""
        for account_id in set(self.active_admins()) - set(self.ids()):
            with suppress(NotFound):
                self.change(account_id, lambda _: {})
        listed = self._read()
        admins = self.active_admins()
        self._write(listed, [counted for counted in listed["ids"] if counted in admins])

    def faults(self) -> Iterator[Fault]:
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
        """Compare-and-set, also where nothing changes: whoever read it before must read again."""
        written = self._counters.update(
            {"id": DOCUMENT, "version": listed["version"]},
            {"$set": {"ids": ids}, "$inc": {"version": 1}},
        )
        if written is None:
            raise ConcurrentChange


def _others(listed: Document, account_id: str) -> list[str]:
    others = _without(account_id, listed)
    if not others:
        raise LastAdmin
    return others


def _without(account_id: str, listed: Document) -> list[str]:
    return [other for other in listed["ids"] if other != account_id]
