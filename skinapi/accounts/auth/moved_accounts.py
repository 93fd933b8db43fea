"""Accounts of patients whose spots were moved to another account of the same person."""

from skinapi.accounts.auth.account import Account
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.records import Repository


class MovedAccount(StoredRecord):
    """`id` is the account that was emptied, and `account` the one that has its spots. `external` is
    the hash of the number by which another system knows the patient.
    """

    id: str
    account: str
    external: str | None = None


class MovedAccounts(Repository[MovedAccount]):
    """Other systems go on to send and read with the ids and numbers of emptied accounts."""

    collection, record = "moved_accounts", MovedAccount
    indexes = (("account", "id"), ("external", "id"))

    def find_by_number(self, external: str) -> MovedAccount | None:
        return self._first({"external": external})

    def list_into(self, account: str) -> list[str]:
        """List the ids of the accounts whose spots this account has."""
        return [moved.id for moved in self._list({"account": account})]

    def note(self, emptied: Account, *, into: str) -> None:
        """Let the ids and numbers that lead to the emptied account lead to the other one."""
        self._documents.delete({"id": {"$in": [emptied.id, into]}})
        self._documents.update_all({"account": emptied.id}, {"$set": {"account": into}})
        self.insert(MovedAccount(id=emptied.id, account=into, external=emptied.external))

    def forget(self, account: str) -> int:
        return self._documents.delete({"account": account})
