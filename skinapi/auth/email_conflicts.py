"""Accounts that no route finds by their e-mail: a second one under the same e-mail (possible only
where the unique index was ever missing), and one kept under a form that typing it does not give.
"""

from collections.abc import Iterator
from functools import partial

from skinapi.auth.accounts import Account, search_field
from skinapi.auth.emails import normalise_email
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store


def find_email_conflicts(store: Store) -> Iterator[Fault]:
    """The oldest approved account keeps the address; the others are set aside for an admin."""
    accounts = store.collection("accounts")
    owners: dict[str, list[Document]] = {}
    for document in accounts.find():
        owners.setdefault(_typed(document["email"]), []).append(document)
    for email, claimants in owners.items():
        keeper = min(claimants, key=lambda owner: (owner["status"] != "approved", owner["id"]))
        for other in claimants:
            if other is not keeper:
                says = f"account {other['id']} shares the e-mail of account {keeper['id']}"
                yield Fault(says, partial(_set_aside, store, other))
        if keeper["email"] != email:
            says = f"account {keeper['id']} is kept under an e-mail that no route finds"
            yield Fault(says, partial(_rename, store, keeper, email))


def _typed(email: str) -> str:
    """The form under which a route looks for it; the e-mail itself where that is no address."""
    try:
        return normalise_email(email)
    except ValueError:
        return email


def _rename(store: Store, account: Document, email: str) -> None:
    _write(store, account, {"email": email})


def _set_aside(store: Store, account: Document) -> None:
    email = f"{_typed(account['email'])}.contested-{account['id'][-8:]}"
    suspended = {"email": email, "status": "suspended", "contested_at": now()}
    _write(store, account, suspended, token_version=1)


def _write(store: Store, account: Document, fields: Document, **counted: int) -> None:
    """Past `Accounts`, which cannot be opened while two accounts share an e-mail."""
    words = search_field(Account.model_validate({**account, **fields}))
    store.collection("accounts").update(
        {"id": account["id"]},
        {"$set": {**fields, **words}, "$inc": {"revision": 1, **counted}},
    )
