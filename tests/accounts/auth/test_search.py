import random
from typing import Any, cast

import pytest

from skinapi.accounts.auth import account_search
from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.pages import PageRequest, read_pages
from skinapi.base.subject import Role
from skinapi.platform.storage.ports import Store
from tests.support.backends import Backend

LAST = "\U0010ffff"
ROLES = ("user", "doctor", "researcher", "admin")
WORDS = ("Ada", "Annahanna", "Jörg", "Straße", "İnci", "李小龙", "qq", f"A{LAST * 3}", LAST)
ASKED = (
    *("a", "ß", "SS", "小龙", "qq", " ANN ", "ada l", "ada a", "strasse", "straße 1", "1", "7@ex"),
    *("İNCI", f"a{LAST}", LAST, LAST * 4, "example.org", "lovelace", "$where", ".*", "x" * 200),
)


def people(store: Store, many: int) -> list[Account]:
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
        lambda paging: accounts.page_accounts(beginning=text, paging=paging, **asked),
        PageRequest(limit),
    )
    return [account.id for page in read for account in page.items]


@pytest.mark.parametrize("few", [True, False], ids=["sorted", "walked"])
def test_pages_hold_every_hit_once_in_order(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, few: bool
) -> None:
    monkeypatch.setattr(account_search, "MOST_HITS", 5000 if few else 1)
    monkeypatch.setattr(account_search, "READ_AT_ONCE", 4)
    store = backend.services.store
    made, accounts = people(store, 24), Accounts(store)
    for text in ASKED:
        for roles, status, limit in (
            (ROLES, None, 3),
            (("doctor",), None, 2),
            (ROLES, "waiting", 9),
        ):
            asked: dict[str, Any] = {"roles": roles, "status": status}
            assert pages(accounts, text, limit=limit, **asked) == hits(made, text, **asked), text


STATED = {"class": "melanoma", "confidence": 80}


def test_reports_are_in_the_chosen_language_where_none_is_asked_for(backend: Backend) -> None:
    person = backend.member()
    assert person.call("GET", "/me").get_json()["locale"] == "en"
    assert person.call("PATCH", "/me", json={"locale": "fr"}).status_code == 200
    assert person.call("GET", "/me").get_json()["locale"] == "fr"
    own = person.call("POST", "/generate_report", json=STATED).get_json()
    asked = person.call("POST", "/generate_report", json={**STATED, "language": "en"}).get_json()
    assert "Mélanome" in own["overview"]
    assert "Melanoma" in asked["overview"]
