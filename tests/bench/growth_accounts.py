"""Many accounts with the n-grams of their names and e-mails, and the calls that list and search."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from skinapi.auth.accounts.accounts import Account, key_without_findings, search_text
from skinapi.auth.accounts.ngrams import ngrams_of
from skinapi.composition.services import Services
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Document, Store
from tests.bench.growth_common import (
    DOCTOR,
    GREY,
    PAGE,
    Calls,
    account_document,
    fill_people,
    id_at,
)
from tests.stores.bulk_insert import fill, fill_alike

GIVEN = ("Ada", "Anna", "Bruno", "Chiara", "Emil", "Johannes", "Maria", "Noor", "Oluwaseun", "Tove")
SYLLABLES = ("bar", "den", "fel", "gro", "ham", "kin", "lan", "mer", "nor", "ris", "sen", "tal")
NGRAMS_AT_ONCE = 200_000


def fill_accounts(store: Store, records: int) -> None:
    """A tenth doctors of four patients each, the others are Grey's; a tenth waiting. Twenty users
    and twenty doctors are called Hopper; the last 1 in 160 have two letters that no other has.
    """
    # The accounts of each n-gram by number. Written in their order, or it would take hours.
    postings: dict[str, array[int]] = defaultdict(lambda: array("I"))
    ids: list[str] = []

    def each() -> Iterator[Document]:
        doctor = DOCTOR
        for number in range(records):
            account = {"id": new_id(), **_named(number, records)}
            ids.append(account["id"])
            for ngram in ngrams_of(account["search"]):
                postings[ngram].append(number)
            if number % 10 == 0:
                doctor = account["id"]
                yield {**account, "role": "doctor", "status": "approved"}
            else:
                status = "waiting" if number % 10 == 1 else "approved"
                key = key_without_findings(account["id"])
                cared_for = {"doctor_id": doctor if number % 10 < 5 else DOCTOR, "queue_key": key}
                yield {**account, "role": "user", "status": status, **cared_for}

    fill_alike(store, "accounts", account_document("made"), each())
    _fill_ngrams(store, (n + ids[one] for n in sorted(postings) for one in postings[n]))
    fill_people(store)


def _named(number: int, records: int) -> Document:
    family, rest = "", number * 7919  # a prime, so that neighbours differ
    for _ in range(3):
        rest, syllable = divmod(rest, len(SYLLABLES))
        family += SYLLABLES[syllable]
    if number % (records // PAGE) in (0, 3):
        family = "Hopper"
    elif number >= records - records // 160:
        family += "qq"
    given = GIVEN[number // 10 % len(GIVEN)]  # alike among users and doctors
    name = f"{given} {family.title()}"
    account = Account.model_construct(name=name, email=f"{number}@example.org")
    return {"name": name, "email": account.email, "search": search_text(account)}


def _fill_ngrams(store: Store, keys: Iterable[str]) -> None:
    left = iter(keys)
    while batch := [{"id": key} for key in islice(left, NGRAMS_AT_ONCE)]:
        fill(store, "account_ngrams", batch)


def account_calls(services: Services, records: int) -> Calls:
    middle = id_at(services.store, "accounts", {"email": f"{records // 2 + 2}@example.org"})
    admin, care = services.admin, services.care

    def users(**asked: Any) -> None:
        given = {"role": None, "status": None, "containing": None, "after": None, **asked}
        admin.list_users(**given, limit=PAGE)

    def doctors(containing: str | None = None) -> None:
        page = admin.list_doctors(status=None, containing=containing, after=None, limit=PAGE)
        admin.count_patients({doctor.id for doctor in page.items})

    return {
        "users, first page": users,
        "users, from the middle": lambda: users(after=middle),
        "users who wait": lambda: users(status="waiting"),
        "doctors and their patients": doctors,
        "patients in care": lambda: care.list_patients(doctor=GREY, after=None, limit=PAGE),
        "users by what all have": lambda: users(containing="example.org"),
        "who waits by what all have": lambda: users(containing="example.org", status="waiting"),
        "users by a name of few": lambda: users(containing="hopper"),
        "users by the name, page 2": lambda: users(containing="hopper", after=middle),
        "doctors by a name of few": lambda: doctors(containing="hopper"),
        "users by an e-mail": lambda: users(containing=f"{records // 2 + 2}@example.org"),
        "users by a name of none": lambda: users(containing="lovelace"),
        "users by 4 letters of none": lambda: users(containing="love"),
        "users by 2 letters of none": lambda: users(containing="zz"),
        "users by 3 letters of many": lambda: users(containing="ann"),
        "users by 1 letter of many": lambda: users(containing="a"),
        # The worst: too many to read at once, and all behind the others.
        "users by 2 letters, worst": lambda: users(containing="qq"),
    }
