import pytest
from pydantic import SecretStr

from skinapi.app.composition import services
from skinapi.app.composition.services import open_services
from skinapi.base.errors import StoreTooNew, StoreTooOld, UnsafeSettings
from skinapi.base.settings.settings import Settings
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.store_version import (
    FORMER,
    STORE_COLLECTION,
    VERSION,
    join_store,
)
from tests.support.backends import Backend

KEY, NEXT_KEY = "k" * 32, "n" * 32


def stored(store: Store) -> Document:
    (document,) = store.collection(STORE_COLLECTION).find()
    return document


def test_whoever_opens_a_store_first_writes_its_version_and_not_the_key(store: Store) -> None:
    join_store(store, secrets=[KEY])
    first = stored(store)
    assert first["version"] == VERSION
    assert KEY not in str(first)
    join_store(store, secrets=[KEY])
    assert stored(store) == first


def test_older_code_does_not_open_a_newer_store(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses before it has touched anything, such as an index."""
    store, indexed = backend.services.store, list[object]()
    newer = {"$set": {"version": VERSION + 1}}
    assert store.collection(STORE_COLLECTION).update({"id": STORE_COLLECTION}, newer)
    monkeypatch.setattr(services, "Repositories", lambda *given: indexed.append(given))
    before = backend.stored()
    with pytest.raises(StoreTooNew, match=f"version {VERSION + 1}.*this code has version"):
        open_services(backend.settings, store)
    assert backend.stored() == before
    assert not indexed


@pytest.mark.parametrize("number", [1, FORMER - 1])
def test_a_store_before_the_former_release_is_refused_before_anything_is_written(
    store: Store, number: int
) -> None:
    store.collection("accounts").insert({"id": "a"})
    if number > 1:
        store.collection(STORE_COLLECTION).insert({"id": STORE_COLLECTION, "version": number})
    before = store.collection(STORE_COLLECTION).find()
    with pytest.raises(
        StoreTooOld, match=rf"version {number}, .* Upgrade to 2.0.0 first: docs/operate/upgrade.md"
    ):
        join_store(store, secrets=[KEY])
    assert store.collection(STORE_COLLECTION).find() == before


ODD = ["a7Yw2pQz9Xv4Rb6N,t8Lm3Jd5Hf1Gs0Ac", "a7Yw2pQz9Xv4Rb6Nt8Lm3Jd5Hf1Gs0Ac ", "a,b ,"]


@pytest.mark.parametrize("odd", ODD)
def test_a_store_that_has_an_odd_key_starts_and_can_change_it(store: Store, odd: str) -> None:
    """No new store accepts such a key, because FORMER_JWT_SECRET_KEYS separates values by
    commas.
    """
    with pytest.raises(UnsafeSettings, match="JWT_SECRET_KEY has a comma"):
        join_store(store, secrets=[odd])
    join_store(store, secrets=[KEY])
    join_store(store, secrets=[odd, KEY])
    settings = Settings(jwt_secret_key=SecretStr(KEY), former_jwt_secret_keys=SecretStr(odd))
    join_store(store, secrets=settings.audit_secrets())
    join_store(store, secrets=[KEY])


def test_another_key_is_refused_unless_it_names_the_former_one(store: Store) -> None:
    join_store(store, secrets=[KEY])
    before = stored(store)
    with pytest.raises(UnsafeSettings, match="FORMER_JWT_SECRET_KEYS"):
        join_store(store, secrets=[NEXT_KEY])
    assert stored(store) == before
    join_store(store, secrets=[NEXT_KEY, KEY])
    join_store(store, secrets=[NEXT_KEY])
    with pytest.raises(UnsafeSettings):
        join_store(store, secrets=[KEY])
    join_store(store, secrets=[KEY, NEXT_KEY])
    join_store(store, secrets=[KEY])
