"""The roster of active admins: one document, so that no race can remove the last one.

Nothing spans two documents, so joining and leaving follow one order. Leaving: read the account,
leave the roster (refused if nobody else is on it), then change the account by its revision.
Joining: read the roster, change the account, then join if the roster is still as it was read.
Whatever interleaves, an account that stopped being an active admin is not on the roster; a crash
in between can only leave an admin uncounted, which `check` mends.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import Duplicate, LastAdmin, Stale
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
        """Change an account's role or status. Raises LastAdmin, NotFound.

        `decide` names the new fields from the account as it is; it is asked again when somebody
        else was faster.
        """
        for _ in range(ATTEMPTS):
            roster = self._read()
            account = self._accounts.get(account_id)
            fields = decide(account)
            stays = account.model_copy(update=fields).active_admin
            try:
                if not stays and (account.role == "admin" or account_id in roster["ids"]):
                    self._write(roster, _others(roster, account_id))
                changed = self._accounts.change(account, **fields)
                if stays and account_id not in roster["ids"]:
                    self._write(roster, [*roster["ids"], account_id])
            except Stale:
                continue
            return changed
        raise Stale

    def recount(self) -> None:
        """Write the roster anew from the accounts."""
        roster = self._read()
        self._write(roster, self.active_admins())

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
    others = [other for other in roster["ids"] if other != account_id]
    if not others:
        raise LastAdmin
    return others
