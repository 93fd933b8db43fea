"""The n-gram index of names and e-mails: it changes what a search costs, never what it finds."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinapi.auth.accounts import account_search
from skinapi.auth.accounts.accounts import Account, Accounts, search_text
from skinapi.auth.accounts.ngrams import LAST, LENGTH, NgramIndex, ngrams_of
from skinapi.composition.migrations import migrations_of
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Document, Store
from tests.stores.mock_store import MockStore
from tests.support.backends import Backend, store_of_kind

ROLES = ("user", "doctor", "researcher", "admin")
WAITING = "waiting"
# All of these are in many names, and most pairs of them in few.
WORDS = ("Ada", "Annahanna", "Hannanna", "Jörg", "Straße", "İnci", "李小龙", "qq", "Lovelace")
ASKED = (
    *("a", "ß", "SS", "龙", "qq", "ann", "annah", "NNAHAN", "nnann", "annahanna hannanna", "ada l"),
    *("lovelace", "hanna", "example.org", "7@example", "@example.com", "i̇nci", "ge 1", "x" * 200),
)


def kept_keys(store: Store) -> set[str]:
    return {one["id"] for one in store.collection("account_ngrams").find()}


def keys_of(accounts: list[Account]) -> set[str]:
    return {n + account.id for account in accounts for n in ngrams_of(search_text(account))}


def people(store: Store, many: int) -> list[Account]:
    """Of names at random, in random roles."""
    chosen = random.Random(7)
    accounts = Accounts(store)
    return [
        accounts.add(
            name=" ".join(chosen.choices(WORDS, k=2)),
            email=f"{number}@example.org",
            password_hash="-",
            role=chosen.choice(ROLES),
            status=chosen.choice(("approved", WAITING)),
        )
        for number in range(many)
    ]


def hits(accounts: list[Account], text: str, **asked: Any) -> list[str]:
    """The whole answer, by looking at each account."""
    return [
        account.id
        for account in accounts
        if text.casefold() in search_text(account)
        and account.role in asked["roles"]
        and asked["status"] in (None, account.status)
    ]


def pages(accounts: Accounts, text: str, *, limit: int, **asked: Any) -> list[str]:
    found, after = list[str](), None
    while True:
        page = accounts.page(containing=text, after=after, limit=limit, **asked)
        found += [account.id for account in page.items]
        after = page.next_after
        if after is None:
            return found


def without_ngrams(store: Store, account: Account) -> None:
    """As code of version 2 stores it."""
    NgramIndex(store).remove(account.id, search_text(account))
    assert store.collection("accounts").update({"id": account.id}, {"$unset": {"ngrams": True}})


def test_pages_hold_every_hit_once_in_order(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With n-grams that many have, few, and none; with long steps and short ones."""
    monkeypatch.setattr(account_search, "FEW_WITH_SHORT", 3)
    monkeypatch.setattr(account_search, "LONGEST_STEP", 8)
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
    assert kept_keys(store) == keys_of(made)


def test_accounts_of_earlier_code_are_found_before_and_after_the_migration(
    backend: Backend,
) -> None:
    store, asked = backend.services.store, {"roles": ROLES, "status": None}
    made, accounts = people(store, 12), backend.services.accounts
    for account in made[:7]:
        without_ngrams(store, account)
    expected = {text: hits(made, text, **asked) for text in ASKED}
    assert {text: pages(accounts, text, limit=5, **asked) for text in ASKED} == expected
    [migration] = [one for one in migrations_of(backend.services) if one.name == "ngrams"]
    passed = migration.fill(None)
    assert passed
    assert passed == (made[-1].id, 7)
    assert kept_keys(store) == keys_of(made)
    assert {text: pages(accounts, text, limit=5, **asked) for text in ASKED} == expected
    assert migration.fill(None) == passed._replace(changed=0)
    assert migration.fill(passed.last) is None


def test_a_search_for_a_name_that_nobody_has_reads_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one of a name that a few have read the others."""
    store = store_of_kind("sqlite", tmp_path)
    accounts = Accounts(store)
    for number in range(60):
        name = "Grace Hopper" if number % 25 == 0 else "Ada Example"
        accounts.add(name=name, email=f"{number}@example.org", password_hash="-")
    documents = type(store.collection("accounts"))
    find: Callable[..., list[Document]] = documents.find
    read: list[Document] = []

    def counting(self: Any, *given: Any, **options: Any) -> list[Document]:
        found = find(self, *given, **options)
        if "fields" not in options:
            read.extend(found)
        return found

    monkeypatch.setattr(documents, "find", counting)
    for text, many in (("lovelace", 0), ("zz", 0), ("hopper", 3), ("hop", 3), ("59@example", 1)):
        read.clear()
        assert len(pages(accounts, text, limit=20, roles=ROLES, status=None)) == many
        assert len(read) == many, text
    store.close()


def test_a_deleted_account_leaves_no_part_of_its_name(any_backend: Backend) -> None:
    any_backend.member("ada@example.org", name="Ada Lovelace")
    store = any_backend.services.store
    other = people(store, 1)
    any_backend.services.eraser.erase(any_backend.account("ada@example.org"), by="-")
    assert kept_keys(store) == keys_of(other)


def test_a_new_name_leaves_no_parts_of_the_old_one() -> None:
    store = MockStore()
    accounts = Accounts(store)
    ada = accounts.add(name="Ada Lovelace", email="ada@example.org", password_hash="-")
    renamed = accounts.change(ada.id, lambda _: {"name": "Ada King"})
    assert kept_keys(store) == keys_of([renamed])


def test_a_short_search_finds_names_with_the_last_character_of_unicode() -> None:
    """Whoever had it behind a short name was in no search for that name."""
    accounts = Accounts(MockStore())
    for name in (f"Ann{LAST}", f"A{LAST * 5}", LAST):
        accounts.add(name=name, email=f"{new_id()}@b.c", password_hash="-")
    for text, found in (("ann", 1), ("nn", 1), (f"a{LAST}", 1), (LAST, 3), (LAST * 4, 1)):
        assert len(pages(accounts, text, limit=2, roles=ROLES, status=None)) == found


def test_check_removes_what_earlier_code_has_left_of_a_deleted_account(backend: Backend) -> None:
    store, gone = backend.services.store, new_id()
    [ada] = people(store, 1)
    NgramIndex(store).add(gone, "lovelace")
    [fault] = backend.services.faults()
    assert fault.says == f"the index of names has parts that account {gone} does not have"
    assert fault.repair
    fault.repair()
    assert list(backend.services.faults()) == []
    assert kept_keys(store) == keys_of([ada])


def test_an_ngram_begins_with_each_character() -> None:
    assert ngrams_of("ada") == {"ada\n\n", "da\n\n\n", "a\n\n\n\n"}
    assert ngrams_of("") == set()
    assert {len(ngram) for ngram in ngrams_of("ada lovelace\nada@example.org")} == {LENGTH}
