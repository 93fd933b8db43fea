"""A search finds each account by the beginning of its name, of its last word, or of its e-mail."""

import random
from functools import partial
from typing import Any, cast

import pytest

from skinapi.accounts.auth import account_search
from skinapi.accounts.auth.accounts import Account, AccountFields, Accounts
from skinapi.base.pages import read_pages
from skinapi.base.subject import Role
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork
from tests.stores.mock_store import MockStore
from tests.support.backends import Backend

LAST = "\U0010ffff"
ROLES = ("user", "doctor", "researcher", "admin")
WORDS = ("Ada", "Annahanna", "Jörg", "Straße", "İnci", "李小龙", "qq", f"A{LAST * 3}", LAST)
ASKED = (
    *("a", "ß", "SS", "小龙", "qq", " ANN ", "ada l", "ada a", "strasse", "straße 1", "1", "7@ex"),
    *("İNCI", f"a{LAST}", LAST, LAST * 4, "example.org", "lovelace", "$where", ".*", "x" * 200),
)


def people(store: Store, many: int) -> list[Account]:
    """Of names at random, in random roles."""
    chosen, roles = random.Random(7), cast("list[Role]", ROLES)
    accounts = Accounts(store)
    return [
        accounts.add(
            name=" ".join(chosen.choices(WORDS, k=chosen.choice((1, 2, 3)))),
            email=f"{number}straße@example.org",
            password_hash="-",
            role=chosen.choice(roles),
            status=chosen.choice(("approved", "waiting")),
        )
        for number in range(many)
    ]


def hits(accounts: list[Account], text: str, **asked: Any) -> list[str]:
    """The whole answer, by looking at each account."""
    key = text.strip().casefold()
    return [
        account.id
        for account in accounts
        if account.role in asked["roles"]
        and asked["status"] in (None, account.status)
        and any(
            said.casefold().startswith(key)
            for said in (account.name, account.name.split()[-1], account.email)
        )
    ]


def pages(accounts: Accounts, text: str, *, limit: int, **asked: Any) -> list[str]:
    read = read_pages(
        lambda after: accounts.page_accounts(beginning=text, after=after, limit=limit, **asked)
    )
    return [account.id for page in read for account in page.items]


@pytest.mark.parametrize("few", [True, False], ids=["sorted", "walked"])
def test_pages_hold_every_hit_once_in_order(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch, few: bool
) -> None:
    monkeypatch.setattr(account_search, "MOST_HITS", 5000 if few else 1)
    monkeypatch.setattr(account_search, "READ_AT_ONCE", 4)
    store = any_backend.services.store
    made, accounts = people(store, 24), Accounts(store)
    for text in ASKED:
        for roles, status, limit in (
            (ROLES, None, 3),
            (("doctor",), None, 2),
            (ROLES, "waiting", 9),
        ):
            asked: dict[str, Any] = {"roles": roles, "status": status}
            assert pages(accounts, text, limit=limit, **asked) == hits(made, text, **asked), text


def test_check_repairs_an_account_that_a_search_would_not_find(backend: Backend) -> None:
    [ada, _] = people(backend.services.store, 2)
    backend.services.store.collection("accounts").update(
        {"id": ada.id}, {"$unset": {"family": True}}
    )
    [fault] = backend.services.faults()
    assert fault.message == f"account {ada.id} is not found by its name as it is"
    assert fault.repair
    fault.repair()
    assert list(backend.services.faults()) == []


def _change(accounts: Accounts, identifier: str, fields: AccountFields, unit: Unit) -> None:
    accounts.change(unit, accounts.get(identifier), **fields)


def test_an_account_is_found_by_a_changed_name_and_email() -> None:
    store = MockStore()
    accounts = Accounts(store)
    account = accounts.add(email="ada@example.org", name="Ada Byron", password_hash="-")
    work = UnitOfWork(store, AuditTrail(store, secrets=["secret"]))
    for changed in (AccountFields(name="Zoë King"), AccountFields(email="zoe@example.org")):
        work.run(partial(_change, accounts, account.id, changed))
    for words, many in (("ZOË", 1), ("king", 1), ("zoe@", 1), ("ada", 0), ("byron", 0)):
        assert len(pages(accounts, words, limit=2, roles=ROLES, status=None)) == many
