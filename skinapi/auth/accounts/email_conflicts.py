"""Finds accounts that cannot be looked up by their e-mail address.

There are two kinds: a second account under the same address, which needs a time without the unique
index, and an account whose stored address is not in normal form.
"""

from collections.abc import Iterator
from functools import partial

from skinapi.auth.accounts.accounts import Account, search_fields, search_text
from skinapi.auth.accounts.emails import normalise_email
from skinapi.auth.accounts.ngrams import NgramIndex
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store


def find_email_conflicts(store: Store) -> Iterator[Fault]:
    """Yield the conflicts. The oldest approved account keeps the address (the oldest of all if none
    is approved). The repair suspends the others under another address, for an admin to decide.
    """
    accounts = store.collection("accounts")
    by_email: dict[str, list[Document]] = {}
    for document in accounts.find():
        by_email.setdefault(_normalised(document["email"]), []).append(document)
    for email, claimants in by_email.items():
        keeper = min(
            claimants, key=lambda account: (account["status"] != "approved", account["id"])
        )
        for other in claimants:
            if other is not keeper:
                message = f"account {other['id']} shares the e-mail of account {keeper['id']}"
                yield Fault(message, partial(_set_aside, store, other))
        if keeper["email"] != email:
            message = f"account {keeper['id']} has an e-mail address that is not in normal form"
            yield Fault(message, partial(_rename, store, keeper, email))


def _normalised(email: str) -> str:
    """The normal form, which the routes look for; the text itself if it is not a valid address."""
    try:
        return normalise_email(email)
    except ValueError:
        return email


def _rename(store: Store, account: Document, email: str) -> None:
    _write(store, account, {"email": email})


def _set_aside(store: Store, account: Document) -> None:
    email = f"{_normalised(account['email'])}.contested-{account['id'][-8:]}"
    suspended = {"email": email, "status": "suspended", "contested_at": now()}
    _write(store, account, suspended, token_version=1)


def _write(store: Store, account: Document, fields: Document, **increments: int) -> None:
    """Write without `Accounts`, which cannot be opened while two accounts share an address."""
    before, after = (Account.model_validate({**account, **changed}) for changed in ({}, fields))
    ngrams = NgramIndex(store)

    def write() -> None:
        ngrams.remove(before.id, search_text(before))
        ngrams.add(after.id, search_text(after))
        changes = {
            "$set": {**fields, **search_fields(after)},
            "$inc": {"revision": 1, **increments},
        }
        store.collection("accounts").update({"id": after.id}, changes)

    store.transaction(write)
