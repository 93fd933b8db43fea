import pytest
from pydantic import SecretStr

from skinapi.accounts.auth.account import Account, Subject
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import UnsafeSettings
from skinapi.platform.storage.store_version import CHANGED_KEY, STORE_COLLECTION
from tests.integrations.test_keys import clinic_wide
from tests.integrations.test_patients import NUMBER, SYSTEM, program
from tests.support.backends import SECRET, Backend

NEXT = "n" * 32


def with_secrets(backend: Backend, *secrets: str) -> Services:
    changed = {
        "jwt_secret_key": SecretStr(secrets[0]),
        "former_jwt_secret_keys": SecretStr(",".join(secrets[1:])),
    }
    settings = backend.settings.model_copy(update=changed)
    return open_services(settings, backend.services.store)


def add(services: Services, by: Subject, value: str = NUMBER) -> Account:
    return services.patients.find_or_add(SYSTEM, value, by=by)


def test_two_servers_between_two_keys_find_one_patient(real_backend: Backend) -> None:
    """In the order of a rolling restart, the second server still runs with the former key."""
    by, second = program(real_backend), real_backend.services
    before = add(second, by)
    first = with_secrets(real_backend, NEXT, SECRET)
    assert add(first, by).id == add(second, by).id == before.id
    new = add(second, by, "PAT-2")
    assert add(first, by, "PAT-2").id == new.id
    order = [
        services.patients.hash_identifier("order", by.id, "urn:x", "1")
        for services in (first, second)
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


def test_the_store_has_the_key_of_numbers_in_no_form_that_it_alone_opens(backend: Backend) -> None:
    key = backend.services.patients.number_key.value
    stored = str(backend.stored()[STORE_COLLECTION])
    assert not [form for form in (key.hex(), str(key), SECRET) if form in stored]


def test_a_server_that_cannot_open_the_key_of_numbers_does_not_start(
    real_backend: Backend,
) -> None:
    by = program(real_backend)
    before = add(real_backend.services, by)
    with pytest.raises(UnsafeSettings, match=r"former one first.* If it is lost: "):
        with_secrets(real_backend, NEXT)
    assert add(with_secrets(real_backend, SECRET), by).id == before.id


@pytest.mark.parametrize("damage", [{"name": "other"}, {"wrapped": "a"}, {"wrapped": ""}])
def test_a_server_does_not_start_with_a_damaged_key_of_numbers(
    backend: Backend, damage: dict[str, str]
) -> None:
    [stored] = backend.stored()[STORE_COLLECTION]
    change = {"$set": {"number_key": {**stored["number_key"], **damage}}}
    rows = backend.services.store.collection(STORE_COLLECTION)
    assert rows.update({"id": STORE_COLLECTION}, change)
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
