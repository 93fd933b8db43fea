"""What the growing collections share: who owns their records, and how many a list is asked for.

A record is as the server writes it: made by its own model. All of a collection differ only in what
orders or selects them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bench.bulk_insert import fill
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.account_search import search_fields
from skinapi.accounts.auth.accounts import Accounts
from skinapi.app.composition.services import Services
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Store

PAGE = 20
PAGES = 2 * PAGE  # what a list of few has of many records
Calls = dict[str, Callable[[], object]]
OWNER, OTHER, PARENT = (new_id() for _ in range(3))
DOCTOR = "f" * 32  # behind all other doctors
NOBODY = Accounts.draft(email="", name="", password_hash="")
ADA = Subject(OWNER, "user", "s", NOBODY)
GREY = Subject(DOCTOR, "doctor", "s", NOBODY)


@dataclass(frozen=True)
class Growing:
    """`fill` adds this many records to the collection, and `calls` read them."""

    fill: Callable[[Store, int], None]
    calls: Callable[[Services, int], Calls]


def document_of(record: BaseModel) -> Document:
    times = {name for name in type(record).model_fields if name.endswith("_at")}
    others = record.model_dump(mode="json", exclude=times)
    return {**others, **record.model_dump(include=times), "schema": 1}


def account_document(identifier: str, **fields: Any) -> Document:
    given = {"name": "Ada Example", "email": "ada@example.org", "password_hash": "x"}
    place = {"findings": 0}
    account = Account(
        id=identifier, created_at=now(), status="approved", **{**given, **place, **fields}
    )
    return {**document_of(account), **search_fields(account.name, account.email)}


def fill_people(store: Store) -> None:
    ada = account_document(OWNER, doctor_id=DOCTOR)
    grey = account_document(DOCTOR, role="doctor", name="Meredith Grey", email="grey@example.org")
    fill(store, "accounts", [ada, grey])


def owned_by_few(field: str, records: int, owner: str = OWNER) -> Iterator[Document]:
    """Forty records belong to the owner."""
    for number in range(records):
        yield {"id": new_id(), field: owner if is_of_few(number, records) else f"{number // 20}"}


def is_of_few(number: int, records: int) -> bool:
    """True for PAGES numbers, spread evenly over the even ones."""
    return number % (records // PAGES // 2 * 2) == 0


def id_at(store: Store, collection: str, filter: Document) -> str:
    identifier: str = store.collection(collection).find(filter, limit=1)[0]["id"]
    return identifier
