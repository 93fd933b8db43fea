"""Stores by what version 6 of the store finds an account, and deletes by what version 5 did."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.auth.accounts.accounts import Account
from skinapi.auth.accounts.search import former_ngrams, search_fields
from skinapi.storage.background.migration import Chunk
from skinapi.storage.faults import Fault
from skinapi.storage.ports import Document, Store

AT_ONCE = 100


def fill_search_fields(store: Store, after: str | None) -> Chunk | None:
    """Fill those of the next accounts behind this id; None where there are none."""
    found = store.collection("accounts").find(after=after, limit=AT_ONCE)
    if not found:
        # What is left is of accounts that servers of version 2 deleted: they knew of no such parts.
        store.collection("account_ngrams").delete({})
        return None
    stale = [account["id"] for account in found if _is_stale(account)]
    for identifier in stale:
        _fill(store, identifier)
    return Chunk(found[-1]["id"], len(stale))


def search_faults(store: Store) -> Iterator[Fault]:
    """Yield the accounts that a search may not find."""
    for account in store.collection("accounts").find():
        if _is_stale(account):
            says = f"account {account['id']} is not found by its name as it is"
            yield Fault(says, partial(_fill, store, account["id"]))


def _is_stale(account: Document) -> bool:
    with suppress(ValidationError):  # `check` names a damaged account
        read = Account.model_validate(account)
        fields = search_fields(read.name, read.email)
        return "ngrams" in account or not fields.items() <= account.items()
    return False


def _fill(store: Store, account_id: str) -> None:
    accounts = store.collection("accounts")
    ngrams = store.collection("account_ngrams")

    def fill() -> None:
        for account in accounts.find({"id": account_id}):
            ngrams.delete({"id": {"$in": former_ngrams(account)}})
            fields = search_fields(account["name"], account["email"])
            accounts.update({"id": account_id}, {"$set": fields, "$unset": {"ngrams": True}})

    store.transaction(fill)
