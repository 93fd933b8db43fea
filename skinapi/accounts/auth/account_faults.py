"""Finds and repairs accounts that a search misses."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.accounts.auth.account_search import search_fields
from skinapi.accounts.auth.accounts import Account
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ports import Document, Store


def search_faults(store: Store) -> Iterator[Fault]:
    """Yield the accounts that a search may not find, as a restore by hand leaves them."""
    for account in store.collection("accounts").find():
        if _is_stale(account):
            says = f"account {account['id']} is not found by its name as it is"
            yield Fault(says, partial(_fill, store, account["id"]))


def _is_stale(account: Document) -> bool:
    with suppress(ValidationError):  # `check` names a damaged account
        read = Account.model_validate(account)
        return not search_fields(read.name, read.email).items() <= account.items()
    return False


def _fill(store: Store, account_id: str) -> None:
    accounts = store.collection("accounts")

    def fill() -> None:
        for account in accounts.find({"id": account_id}):
            fields = search_fields(account["name"], account["email"])
            accounts.update({"id": account_id}, {"$set": fields})

    store.transaction(fill)
