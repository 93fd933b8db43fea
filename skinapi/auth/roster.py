"""The roster of active admins: one document, so that no race can remove the last one.

Nothing spans two documents, so joining and leaving follow one order. Leaving: read the account,
leave the roster (refused if nobody else is on it), then change the account by its revision.
Joining: read the roster, change the account, then write the roster if it is still as it was read,
also where it named the account already: somebody may be half-way through taking it off.
Whatever interleaves, whoever is on the roster is an active admin; a crash in between can only
leave an admin uncounted, which `check` mends. What is being deleted takes no other change.

Every change of a role passes here, so care follows here too: whoever becomes a doctor leaves a
doctor's care in the same write, and whoever is no doctor any more has no patients afterwards. A
suspended doctor keeps the patients, for a suspension can be lifted.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import Duplicate, LastAdmin, NotFound, Stale
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store

ROSTER = "active-admins"
ATTEMPTS = 50
Decide = Callable[[Account], dict[str, Any]]


class Roster:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._counters = store.collection("counters")
        self._accounts = accounts

    def ids(self) -> list[str]:
        return list(self._read()["ids"])

    def change(self, account_id: str, decide: Decide) -> Account:
        """Change an account's role or status. Raises LastAdmin, NotFound, Stale.

        `decide` names the new fields from the account as it is; it is asked again when somebody
        else was faster.
        """
        for _ in range(ATTEMPTS):
            roster = self._read()
            account = self._accounts.get(account_id)
            fields = decide(account)
            if fields.get("role", account.role) == "doctor":
                fields = {**fields, "doctor_id": None}
            if account.status == "deleting" and fields.get("status") != "deleting":
                raise NotFound("This account is being deleted")
            stays = account.model_copy(update=fields).active_admin
            try:
                if not stays and (account.role == "admin" or account_id in roster["ids"]):
                    self._write(roster, _others(roster, account_id))
                changed = self._accounts.change(account, **fields)
                if stays and not (account.active_admin and account_id in roster["ids"]):
                    self._write(roster, [*_without(account_id, roster), account_id])
            except Stale:
                continue
            if changed.role != "doctor":
                self._accounts.release_patients(changed.id)
            return changed
        raise Stale

    def recount(self) -> None:
        """Count who is missing, strike who is no active admin; safe while others change it."""
        for account_id in set(self.active_admins()) - set(self.ids()):
            with suppress(NotFound):
                self.change(account_id, lambda _: {})
        roster = self._read()
        admins = self.active_admins()
        self._write(roster, [counted for counted in roster["ids"] if counted in admins])

    def faults(self) -> Iterator[Fault]:
        if set(self.ids()) != set(self.active_admins()):
            yield Fault("the roster of admins differs from the accounts", self.recount)

    def active_admins(self) -> list[str]:
        found = self._accounts.find({"role": "admin", "status": "approved"})
        return [account.id for account in found]

    def _read(self) -> Document:
        found = self._counters.get(ROSTER)
        if found is None:
            with suppress(Duplicate):
                self._counters.insert(
                    {"id": ROSTER, "schema": 1, "created_at": now(), "ids": [], "version": 1}
                )
            return self._read()
        return found

    def _write(self, roster: Document, ids: list[str]) -> None:
        """Compare-and-set, also where nothing changes: whoever read it before must read again."""
        written = self._counters.update(
            {"id": ROSTER, "version": roster["version"]},
            {"$set": {"ids": ids}, "$inc": {"version": 1}},
        )
        if written is None:
            raise Stale


def _others(roster: Document, account_id: str) -> list[str]:
    others = _without(account_id, roster)
    if not others:
        raise LastAdmin
    return others


def _without(account_id: str, roster: Document) -> list[str]:
    return [other for other in roster["ids"] if other != account_id]
