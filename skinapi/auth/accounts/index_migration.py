"""Makes accounts found by the index of names. Code before version 3 of the store did not."""

from contextlib import suppress

from pydantic import ValidationError

from skinapi.auth.accounts.accounts import Account, search_fields, search_text
from skinapi.auth.accounts.ngrams import NgramIndex
from skinapi.storage.background.migration import Chunk
from skinapi.storage.ports import Store

AT_ONCE = 100


def index_next(store: Store, after: str | None) -> Chunk | None:
    """Index the next accounts behind this id; None where there are none."""
    found = store.collection("accounts").find(after=after, limit=AT_ONCE)
    if not found:
        return None
    changed = 0
    for document in found:
        if document.get("ngrams") is None:
            with suppress(ValidationError):  # `check` names a damaged account
                changed += _index(store, document["id"])
    return Chunk(found[-1]["id"], changed)


def _index(store: Store, account_id: str) -> bool:
    """False where the account is indexed already, or deleted."""
    accounts = store.collection("accounts")
    ngrams = NgramIndex(store)

    def index() -> bool:
        found = accounts.find({"id": account_id, "ngrams": None})
        for account in map(Account.model_validate, found):
            ngrams.remove(account_id, search_text(account))  # what a crash has left of them
            ngrams.add(account_id, search_text(account))
            accounts.update({"id": account_id}, {"$set": search_fields(account)})
        return bool(found)

    return store.transaction(index)
