"""A number leads to one patient for good, whatever becomes of JWT_SECRET_KEY."""

import pytest
from pydantic import SecretStr

from skinapi.accounts.auth.account import Account, Subject
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import UnsafeSettings
from skinapi.platform.storage.store_version import CHANGED_KEY, STORE_COLLECTION, accept_key
from tests.integrations.test_keys import clinic_wide
from tests.integrations.test_patients import NUMBER, SYSTEM, program
from tests.privacy.test_moving_accounts import move_all
from tests.support.backends import SECRET, Backend

NEXT = "n" * 32


def with_secrets(backend: Backend, *secrets: str) -> Services:
    """What a server beside this one has, whose JWT_SECRET_KEY is the first of these."""
    changed = {
        "jwt_secret_key": SecretStr(secrets[0]),
        "former_jwt_secret_keys": SecretStr(",".join(secrets[1:])),
    }
    settings = backend.settings.model_copy(update=changed)
    return open_services(settings, backend.services.store)


def add(services: Services, by: Subject, value: str = NUMBER) -> Account:
    return services.patients.find_or_add(SYSTEM, value, by=by)


def test_two_servers_between_two_keys_find_one_patient(real_backend: Backend) -> None:
    """In the order of a rolling restart: the second one runs on with the former key."""
    by, second = program(real_backend), real_backend.services
    before = add(second, by)
    first = with_secrets(real_backend, NEXT, SECRET)
    assert add(first, by).id == add(second, by).id == before.id
    new = add(second, by, "PAT-2")
    assert add(first, by, "PAT-2").id == new.id
    order = [
        services.patients.hashes_of("order", by.id, "urn:x", "1") for services in (first, second)
    ]
    assert order[0] == order[1]
    after = with_secrets(real_backend, NEXT)
    assert [add(after, by).id, add(after, by, "PAT-2").id] == [before.id, new.id]
    with pytest.raises(UnsafeSettings, match="FORMER_JWT_SECRET_KEYS"):
        with_secrets(real_backend, SECRET)


def test_a_server_with_the_former_key_is_not_ready_and_says_why(backend: Backend) -> None:
    assert backend.client.get("/readyz").status_code == 200
    with_secrets(backend, NEXT, SECRET)
    answer = backend.client.get("/readyz")
    assert (answer.status_code, answer.get_json()["detail"]) == (503, CHANGED_KEY)


def test_the_keys_of_numbers_are_in_the_store_in_no_form_that_the_store_alone_opens(
    backend: Backend,
) -> None:
    hashed = backend.services.patients.numbers.known
    stored = str(backend.stored()[STORE_COLLECTION])
    assert not [key for key in hashed if key.value.hex() in stored or str(key.value) in stored]
    assert SECRET not in stored


def test_patients_keep_their_numbers_until_the_operator_gives_them_up(
    real_backend: Backend,
) -> None:
    by, store = program(real_backend), real_backend.services.store
    before = add(real_backend.services, by)
    with pytest.raises(UnsafeSettings, match=r"FORMER_JWT_SECRET_KEYS.*--give-up-numbers"):
        accept_key(store, secrets=[NEXT])
    assert add(with_secrets(real_backend, SECRET), by).id == before.id
    accept_key(store, secrets=[NEXT], give_up_numbers=True)
    after = with_secrets(real_backend, NEXT)
    second = add(after, by)
    assert second.id != before.id
    assert move_all(real_backend.admin(), second.email, before.email).status_code == 200
    assert add(after, by).id == before.id


def test_a_key_that_is_not_lost_is_accepted_with_the_numbers(backend: Backend) -> None:
    by = program(backend)
    before = add(backend.services, by)
    accept_key(backend.services.store, secrets=[NEXT, SECRET], give_up_numbers=True)
    assert add(with_secrets(backend, NEXT), by).id == before.id


def test_a_lost_key_loses_nothing_where_nobody_came_by_a_number(real_backend: Backend) -> None:
    accept_key(real_backend.services.store, secrets=[NEXT])
    assert add(with_secrets(real_backend, NEXT), program(real_backend)).external


def test_a_server_does_not_start_with_a_damaged_key_of_numbers(backend: Backend) -> None:
    rows = backend.services.store.collection(STORE_COLLECTION)
    [stored] = rows.find()
    [key] = stored["number_keys"]
    for damaged in ([{**key, "name": "other"}], []):
        rows.update({"id": stored["id"]}, {"$set": {"number_keys": damaged}})
        with pytest.raises(UnsafeSettings, match="restore a backup"):
            with_secrets(backend, SECRET)


UNSEEN = ["PAT\u200b1", "PAT\u202e1", "PAT\u00001", "PAT\u00ad1", "PAT\u00a01", "PAT1\u3164"]


@pytest.mark.parametrize("value", UNSEEN)
def test_a_number_with_a_character_that_nobody_sees_is_refused_at_every_door(
    shared_backend: Backend, value: str
) -> None:
    caller, admin = clinic_wide(shared_backend), shared_backend.admin()
    before = len(shared_backend.stored()["accounts"])
    for path, who in (("/patients/external", caller), ("/patients/external/find", admin)):
        for named in ({"system": SYSTEM, "value": value}, {"system": value, "value": "1"}):
            answer = who.call("POST", path, json=named)
            assert answer.status_code == 400, (path, named)
            assert "character" in answer.get_json()["detail"]
    assert len(shared_backend.stored()["accounts"]) == before
