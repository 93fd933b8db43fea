from collections.abc import Iterable, Mapping
from typing import Any

from skinapi.app.integrity_check import list_record_types
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from tests.care.clinic import ROUTINE, file_for
from tests.privacy.inventory import BY_COLLECTION, INVENTORY
from tests.support.backends import Backend, Person

# Fields by which a record says whose it is.

MODELS = list_record_types()
OWNERS = ("owner", "account")
# Records that name a person and are deleted in another way, or never.
OTHERWISE: Mapping[str, str] = {
    "accounts": "the account itself: removed last (privacy/erasure/service.py)",
    "upload_parts": "with their upload",
    "job_logs": "with their job",
    "erasure_receipts": "proves the erasure, and names the account by its id alone",
}
# Fields that the deleting code reads besides the owner.
FIELDS: Mapping[str, Document] = {
    "datasets": {
        "name": "spots",
        "name_key": "spots",
        "touched_at": now(),
        "size": 0,
        "pictures": 0,
    },
    "failed_items": {"collection": "accounts"},
    "images": {"dataset": "none", "label": "melanoma", "size": 1},
    "jobs": {"kind": "train", "state": "queued", "place": "1"},
    "lesions": {"deleted_at": None},
    "person_files": {"file": "f", "state": "making", "expires_at": now()},
    "uploads": {"name": "spots.zip", "size": 1, "sha256": "0" * 64, "expires_at": now()},
}


def owner_of(collection: str) -> str:
    if collection == "person_files":
        return "id"
    if collection == "failed_items":
        return "item"
    named = {path for fields in BY_COLLECTION[collection].fields for path in fields.paths}
    return next(name for name in OWNERS if name in named)


def goes_with_the_account() -> set[str]:
    """Return every collection whose records name an owner by the stored models, and by the
    inventory for a collection without a model.
    """
    named = {name for name, model in MODELS.items() if {*OWNERS} & model.model_fields.keys()}
    told = {item.collection for item in INVENTORY if item.erased == "account"}
    return (named | told) - OTHERWISE.keys()


def write_one_each(backend: Backend, collections: Iterable[str], owner: Person) -> None:
    account = backend.account(owner.email).id
    for name in collections:
        if name == "submissions":
            file_for(backend, owner, ROUTINE)
            continue
        document = {"id": new_id(), "schema": 1, "created_at": now(), **FIELDS.get(name, {})}
        backend.services.store.collection(name).insert({**document, owner_of(name): account})


def named_in(backend: Backend, collections: Iterable[str], account: str) -> set[str]:
    stored: Mapping[str, list[Any]] = backend.stored(but=())
    return {name for name in collections if account in repr(stored.get(name, ()))}


def test_each_collection_that_names_an_owner_is_forgotten_with_the_account(
    backend: Backend,
) -> None:
    ada = backend.member()
    account, collections = backend.account(ada.email).id, goes_with_the_account()
    write_one_each(backend, collections, ada)
    assert named_in(backend, collections, account) == collections
    for _, forget in backend.services.erasure.forgetting.steps:
        forget(account)
    assert named_in(backend, collections, account) == set()
