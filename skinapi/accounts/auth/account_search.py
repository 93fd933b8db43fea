"""Finds accounts by the beginning of a name, its last word, or an e-mail address. If too many match
to be sorted, they are read in the order of registration until the page is full.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

from skinapi.base.field_types import LONGEST_NAME
from skinapi.base.pages import PageRequest
from skinapi.platform.storage.documents import merged
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ports import Document, Documents, Filter, Store

MOST_HITS = 20_000
READ_AT_ONCE = 1000
LAST = "\U0010ffff" * LONGEST_NAME  # no name goes on with more behind what it begins with


def search_fields(name: str, email: str) -> Document:
    """Return the fields to write with each change of a name or e-mail."""
    family = name.split()[-1:]
    return {"search": f"{name}\n{email}".casefold(), "family": "".join(family).casefold()}


def find_by_beginning(
    accounts: Documents, filters: Sequence[Filter], text: str, paging: PageRequest
) -> list[Document]:
    """Each filter has a role and may have a status."""
    begins = _beginnings(text)
    hits = set[str]()
    for wanted, (field, first) in product(filters, begins.items()):
        of_role = {"role": wanted["role"]}
        hits |= _beginning_so(accounts, of_role, field, first, most=MOST_HITS + 1)
        if len(hits) > MOST_HITS:
            return _walk(accounts, filters, begins, paging)
    behind = sorted(hit for hit in hits if hit > (paging.after or ""))
    return _read(accounts, filters, behind, paging.limit + 1)


def find_patients(accounts: Documents, doctor: str, text: str, *, most: int) -> list[Document]:
    """If there are more than `most`, return any `most` + 1."""
    hits = set[str]()
    for field, first in _beginnings(text).items():
        hits |= _beginning_so(accounts, {"doctor_id": doctor}, field, first, most=most + 1)
    documents = accounts.find({"id": {"$in": sorted(hits)[: most + 1]}})
    return [document for document in documents if document.get("doctor_id") == doctor]


def _beginnings(text: str) -> dict[str, str]:
    text = text.strip()
    return {"search": text.casefold(), "family": text.casefold(), "email": text.lower()}


def _beginning_so(
    accounts: Documents, of: Filter, field: str, first: str, *, most: int
) -> set[str]:
    within = {**of, field: {"$gte": first, "$lt": first + LAST}}
    return {document["id"] for document in accounts.find(within, sort=field, limit=most, fields=())}


def _read(
    accounts: Documents, filters: Sequence[Filter], identifiers: list[str], limit: int
) -> list[Document]:
    read: list[Document] = []
    while identifiers and len(read) < limit:
        some, identifiers = identifiers[:READ_AT_ONCE], identifiers[READ_AT_ONCE:]
        documents = accounts.find({"id": {"$in": some}})
        read += [
            document
            for document in documents
            # A field of None equals a missing one.
            if any(all(document.get(name) == item[name] for name in item) for item in filters)
        ]
    return read[:limit]


def _walk(
    accounts: Documents,
    filters: Sequence[Filter],
    begins: dict[str, str],
    paging: PageRequest,
) -> list[Document]:
    after, most, read = paging.after, paging.limit + 1, list[Document]()
    while len(read) < most:
        # One query for each role instead of $in: see `merging`.
        listings = [
            accounts.find(wanted, after=after, limit=READ_AT_ONCE, fields=[*begins])
            for wanted in filters
        ]
        step = merged(listings, limit=READ_AT_ONCE)
        begin_so = [
            item["id"]
            for item in step
            if any(item.get(field, "").startswith(first) for field, first in begins.items())
        ]
        read += _read(accounts, filters, begin_so, most)
        if len(step) < READ_AT_ONCE:
            break
        after = step[-1]["id"]
    return read[:most]


def search_faults(store: Store) -> Iterator[Fault]:
    for account in store.collection("accounts").find():
        if _is_stale(account):
            text = f"account {account['id']} is not found by its name as it is"
            yield Fault(text, partial(_fill, store, account["id"]))


def _is_stale(account: Document) -> bool:
    name, email = account.get("name"), account.get("email")
    if not (isinstance(name, str) and isinstance(email, str)):
        return False  # `check` names a damaged account
    return not search_fields(name, email).items() <= account.items()


def _fill(store: Store, account_id: str) -> None:
    accounts = store.collection("accounts")

    def fill() -> None:
        for account in accounts.find({"id": account_id}):
            fields = search_fields(account["name"], account["email"])
            accounts.update({"id": account_id}, {"$set": fields})

    store.transaction(fill)
