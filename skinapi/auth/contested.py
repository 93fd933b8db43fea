"""Two accounts under one e-mail: possible only where the unique index was ever missing."""

from collections.abc import Iterator
from functools import partial

from skinapi.auth.accounts import Account, search_field
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store


def contested_emails(store: Store) -> Iterator[Fault]:
    """The oldest approved account keeps the address; the others are set aside for an admin."""
    accounts = store.collection("accounts")
    owners: dict[str, list[Document]] = {}
    for document in accounts.find():
        owners.setdefault(document["email"], []).append(document)
    for claimants in owners.values():
        keeper = min(claimants, key=lambda owner: (owner["status"] != "approved", owner["id"]))
        for other in claimants:
            if other is not keeper:
                says = f"account {other['id']} shares the e-mail of account {keeper['id']}"
                yield Fault(says, partial(_set_aside, store, other))


def _set_aside(store: Store, account: Document) -> None:
    """Past `Accounts`, which cannot be opened while two accounts share an e-mail."""
    email = f"{account['email']}.contested-{account['id'][-8:]}"
    words = search_field(Account.model_validate({**account, "email": email}))
    store.collection("accounts").update(
        {"id": account["id"]},
        {
            "$set": {"email": email, "status": "suspended", "contested_at": now(), **words},
            "$inc": {"revision": 1, "token_version": 1},
        },
    )
