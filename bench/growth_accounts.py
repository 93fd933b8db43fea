from collections.abc import Iterator
from typing import Any

from bench.bulk_insert import fill_alike
from bench.growth_common import (
    DOCTOR,
    GREY,
    PAGE,
    Calls,
    account_document,
    fill_people,
    id_at,
)
from skinapi.accounts.admin.routes import NON_DOCTOR_ROLES
from skinapi.accounts.auth.account_search import search_fields
from skinapi.app.composition.services import Services
from skinapi.base.pages import PageRequest
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Document, Store

GIVEN = ("Ada", "Anna", "Bruno", "Chiara", "Emil", "Johannes", "Maria", "Noor", "Oluwaseun", "Tove")
SYLLABLES = ("bar", "den", "fel", "gro", "ham", "kin", "lan", "mer", "nor", "ris", "sen", "tal")


def fill_accounts(store: Store, records: int) -> None:
    """A tenth are doctors with four patients each; the other patients are Grey's. A tenth wait for
    approval. Twenty users and twenty doctors are called Hopper. The family names of the last
    160th begin with two letters that no other name begins with.
    """

    def each() -> Iterator[Document]:
        doctor = DOCTOR
        for number in range(records):
            account = {"id": new_id(), **_named(number, records)}
            if number % 10 == 0:
                doctor = account["id"]
                yield {**account, "role": "doctor", "status": "approved"}
            else:
                status = "waiting" if number % 10 == 1 else "approved"
                cared_for = {"doctor_id": doctor if number % 10 < 5 else DOCTOR}
                yield {**account, "role": "user", "status": status, **cared_for}

    fill_alike(store, "accounts", account_document("made"), each())
    fill_people(store)


def _named(number: int, records: int) -> Document:
    family, rest = "", number * 7919  # a prime, so that neighbours differ
    for _ in range(3):
        rest, syllable = divmod(rest, len(SYLLABLES))
        family += SYLLABLES[syllable]
    if number % (records // PAGE) in (0, 3):
        family = "Hopper"
    elif number >= records - records // 160:
        family = "Qq" + family
    given = GIVEN[number // 10 % len(GIVEN)]  # alike among users and doctors
    name = f"{given} {family.title()}"
    email = f"{number}@example.org"
    return {"name": name, "email": email, **search_fields(name, email)}


def account_calls(services: Services, records: int) -> Calls:
    middle = id_at(services.store, "accounts", {"email": f"{records // 2 + 2}@example.org"})
    admin, care = services.admin, services.care

    def users(after: str | None = None, **asked: Any) -> None:
        given = {"status": None, "beginning": None, **asked}
        admin.list_accounts(roles=NON_DOCTOR_ROLES, **given, paging=PageRequest(PAGE, after))

    def doctors(beginning: str | None = None) -> None:
        page = admin.list_accounts(
            roles=("doctor",), status=None, beginning=beginning, paging=PageRequest(PAGE)
        )
        admin.accounts.count_patients({doctor.id for doctor in page.items})

    return {
        "users, first page": users,
        "users, from the middle": lambda: users(after=middle),
        "users who wait": lambda: users(status="waiting"),
        "doctors and their patients": doctors,
        "patients in care": lambda: care.list_patients(doctor=GREY, paging=PageRequest(PAGE)),
        "who waits by a name of many": lambda: users(beginning="ann", status="waiting"),
        "users by a name of few": lambda: users(beginning="hopper"),
        "users by the name, page 2": lambda: users(beginning="hopper", after=middle),
        "doctors by a name of few": lambda: doctors(beginning="hopper"),
        "users by an e-mail": lambda: users(beginning=f"{records // 2 + 2}@example.org"),
        "users by a name of none": lambda: users(beginning="lovelace"),
        "users by 4 letters of none": lambda: users(beginning="love"),
        "users by 2 letters of none": lambda: users(beginning="zz"),
        "users by 3 letters of many": lambda: users(beginning="ann"),
        "users by 1 letter of many": lambda: users(beginning="a"),
        # The worst: too many to read at once, and all behind the others.
        "users by 2 letters, worst": lambda: users(beginning="qq"),
    }
