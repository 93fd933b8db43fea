"""The approved admins, of whom one always stays."""

from skinapi.auth.errors import LastAdmin
from skinapi.storage.ports import Filter, Ops, Store

ACTIVE: Filter = {"role": "admin", "status": "approved"}
LIST = "active-admins"


class ActiveAdmins:
    def __init__(self, store: Store) -> None:
        self._accounts = store.collection("accounts")
        self._counters = store.collection("counters")

    def ids(self) -> list[str]:
        return [found["id"] for found in self._accounts.find(ACTIVE, fields=())]

    def change(self, account_id: str, *, stays: bool) -> None:
        """Add an account, or remove it, in the transaction that changes its role or status. All
        these transactions write the accounts of all active admins, so that two of them conflict.
        Raises LastAdmin where none would be left.

        A server of version 4 of the store takes an account off a list, by the version of the list,
        before it changes the account, by its revision. So both change here: a removal that it has
        begun fails.
        """
        others = {identifier for identifier in self.ids() if identifier != account_id}
        ids = others | {account_id} if stays else others
        if not ids:
            raise LastAdmin
        self._accounts.update_all(ACTIVE, {"$inc": {"revision": 1}})
        written: Ops = {"$set": {"ids": sorted(ids), "schema": 1}, "$inc": {"version": 1}}
        self._counters.update({"id": LIST}, written, upsert=True)
