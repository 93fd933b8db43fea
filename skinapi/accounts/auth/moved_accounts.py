from skinapi.accounts.auth.account import Account
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.records import Repository


class MovedAccount(StoredRecord):
    """The spots of the emptied account `id` are now in `account`. `external` is the hash of the
    patient's number in another system.
    """

    id: str
    account: str
    external: str | None = None


class MovedAccounts(Repository[MovedAccount]):
    """Other systems continue to use the ids and numbers of emptied accounts."""

    collection, record = "moved_accounts", MovedAccount
    indexes = (("account", "id"), ("external", "id"))

    def find_by_number(self, external: str) -> MovedAccount | None:
        return self._first({"external": external})

    def list_into(self, account: str) -> list[str]:
        return [moved.id for moved in self._list({"account": account})]

    def note(self, emptied: Account, *, into: str) -> None:
        """Redirect the id and earlier redirects of the emptied account."""
        self._documents.delete({"id": {"$in": [emptied.id, into]}})
        self._documents.update_all({"account": emptied.id}, {"$set": {"account": into}})
        self.insert(MovedAccount(id=emptied.id, account=into, external=emptied.external))

    def forget(self, account: str) -> int:
        return self._documents.delete({"account": account})
