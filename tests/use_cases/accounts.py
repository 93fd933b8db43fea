"""Accounts: who may do what, and who is in whose care."""

from typing import Any

from tests.backends import Backend, Person
from tests.use_cases.use_case import UseCase


def a_member(backend: Backend) -> tuple[Person, Person]:
    """A root of its own, and somebody to whom it does something."""
    return backend.member(role="admin"), backend.member()


def make_doctor(_: Backend, people: tuple[Person, Person]) -> object:
    root, ada = people
    return root.call("PUT", f"/users/{ada.email}/role", json={"role": "doctor"})


def account_and_rows(backend: Backend, people: tuple[Person, Person]) -> Any:
    """What an admin reads of the account, and of what was done to it."""
    _, ada = people
    account = backend.account(ada.email)
    reader = backend.member(role="admin")
    rows = reader.call("GET", f"/audit?account={account.id}").get_json()
    shown = [(row["action"], row["outcome"]) for row in rows]
    return account.role, account.status, account.doctor_id is not None, shown


USE_CASES = (UseCase("promote to doctor", a_member, make_doctor, account_and_rows),)
