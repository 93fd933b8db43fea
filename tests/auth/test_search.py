"""A search finds every account by its current name and e-mail."""

import re
from pathlib import Path
from typing import Any, cast

from skinapi.auth.accounts.accounts import Account, Accounts, search_fields, search_text
from skinapi.auth.accounts.email_conflicts import find_email_conflicts
from skinapi.auth.accounts.emails import normalise_email
from skinapi.auth.accounts.ngrams import LENGTH, NgramIndex, ngrams_of
from skinapi.storage.documents.port_rules import literal
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Documents, Store
from skinapi.web.routing.declaration import route_of
from tests.stores.mock_store import MockStore
from tests.support.access import PEOPLE, ROWS, SampleAccounts
from tests.support.backends import Backend, Person, store_of_kind

SOURCE = Path(__file__).parents[2] / "skinapi"


class WatchedStore:
    """A store that looks at every account as it is written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.blobs = store.blobs
        self.written = 0
        self.lost: list[Document] = []

    def collection(self, name: str) -> Documents:
        documents = self._store.collection(name)
        return cast("Documents", _Watched(documents, self)) if name == "accounts" else documents

    def look(self, account: Document) -> None:
        self.written += 1
        text = search_text(Account.model_validate(account))
        keys = {ngram + account["id"] for ngram in ngrams_of(text)}
        indexed = self._store.collection("account_ngrams").count({"id": {"$in": sorted(keys)}})
        if account.get("search") != text or account["ngrams"] != LENGTH or indexed < len(keys):
            self.lost.append(account)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Watched:
    def __init__(self, documents: Documents, store: WatchedStore) -> None:
        self._documents = documents
        self._store = store

    def insert(self, document: Document) -> None:
        self._documents.insert(document)
        self._store.look(document)

    def update(self, *arguments: Any, **options: Any) -> Document | None:
        changed = self._documents.update(*arguments, **options)
        if changed:
            self._store.look(changed)
        return changed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


def found(store: Store, words: str) -> list[str]:
    """As the admins' lists look for words."""
    documents = store.collection("accounts").find({"search": literal(words.casefold())})
    return [document["id"] for document in documents]


def add_twice(store: Store, email: str) -> list[str]:
    """As it can be where the unique index was missing."""
    accounts = []
    for name in ("Ada", "Zoë"):
        fields: dict[str, Any] = {"email": email, "name": name, "password_hash": "-"}
        account = Account(id=new_id(), created_at=now(), status="approved", **fields)
        NgramIndex(store).add(account.id, search_text(account))
        document = {**account.model_dump(), "schema": 1, **search_fields(account)}
        store.collection("accounts").insert(document)
        accounts.append(account.id)
    return accounts


def test_an_account_that_was_set_aside_is_found_by_the_email_it_has_now() -> None:
    watched = WatchedStore(MockStore())
    store = cast("Store", watched)
    kept, set_aside = add_twice(store, "ada@example.org")
    for fault in find_email_conflicts(store):
        assert fault.repair
        fault.repair()
    assert found(store, f"contested-{set_aside[-8:]}") == [set_aside]
    assert found(store, "Ada") == [kept, set_aside]
    assert (watched.written, watched.lost) == (3, [])


def test_an_account_under_a_spelling_that_no_route_finds_is_renamed_by_check() -> None:
    store = MockStore()
    half_lowered = "j\u030c@example.org"  # what once was kept of J with a caron
    kept, _ = add_twice(store, half_lowered)
    for fault in find_email_conflicts(store):
        assert fault.repair
        fault.repair()
    found_again = Accounts(store).by_email(normalise_email(half_lowered))
    assert found_again
    assert found_again.id == kept
    assert not list(find_email_conflicts(store))


def test_an_account_is_found_by_a_changed_name_and_email() -> None:
    store = MockStore()
    accounts = Accounts(store)
    account = accounts.add(email="ada@example.org", name="Ada", password_hash="-")
    accounts.change(account.id, lambda _: {"name": "Zoë"})
    accounts.change(account.id, lambda _: {"email": "zoe@example.org"})
    for words, many in (("ZOË", 1), ("zoe@", 1), ("ada", 0)):
        assert len(found(store, words)) == many


def test_no_route_writes_an_account_that_a_search_would_not_find(tmp_path: Path) -> None:
    watched = WatchedStore(store_of_kind("sqlite", tmp_path))
    backend = Backend(tmp_path, cast("Store", watched))
    methods = {
        route.handler.__name__: route.method
        for rule in backend.app.url_map.iter_rules()
        if (route := route_of(backend.app, rule.endpoint))
    }
    writing = set()
    people = SampleAccounts(backend)

    def succeeds(name: str) -> bool:
        row = ROWS[name]
        person = people.people[PEOPLE[row.who.index("o")]] or Person(backend.client, "")
        path, options = row.path.format_map(people.named), row.options(people)
        before = watched.written
        answer = person.call(methods[name], path, **options)
        if watched.written > before:
            writing.add(name)
        return answer.status_code < 400

    for name in ROWS:
        if "o" in ROWS[name].who and not succeeds(name):
            people = SampleAccounts(backend)  # an earlier request had changed them
            assert succeeds(name), name
    assert watched.lost == []
    assert writing >= {"register", "approve_user", "change_role", "suspend_user"}
    assert writing >= {
        "change_password",
        "reset_password",
        "set_consents",
        "change_locale",
        "add_doctor",
    }


def test_names_and_emails_are_written_in_two_places_alone() -> None:
    """The tests here watch both; whoever adds a third adds it there."""
    sources = {path.name: path.read_text() for path in SOURCE.rglob("*.py")}
    writers = {
        name
        for name, source in sources.items()
        if 'collection("accounts")' in source and re.search(r"\.(insert|update|delete)\(", source)
    }
    other_fields = {
        "active_admins.py",
        "contributions.py",
        "index_migration.py",
        "owners.py",
    }
    assert writers - other_fields == {"accounts.py", "email_conflicts.py"}
