import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from skinapi.app import commands
from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import NotFound
from skinapi.lab.datasets.uploads import LARGEST_PART, SMALLEST_PART, UploadRecord, Uploads
from skinapi.platform.storage.ids import now
from tests.lab.sending import labelled, send, upload, zipped
from tests.support.backends import Backend, Person

TWO_PARTS = bytes(range(256)) * (SMALLEST_PART // 256) + b"the rest"
QUOTA = 5_000_000


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("uploads")
    backend = Backend(folder, max_dataset_bytes=4_000_000, dataset_quota_bytes=QUOTA)
    yield backend
    backend.services.store.close()


@pytest.fixture
def person(backend: Backend) -> Person:
    return backend.member(role="researcher")


def begin(person: Person, content: bytes = TWO_PARTS, **said: Any) -> str:
    body = {"name": "a.zip", "size": len(content), **said}
    return str(person.call_ok("POST", "/uploads", json=body, status=201)["id"])


def put(person: Person, identifier: str, offset: int | str, content: bytes) -> Any:
    return person.call("PUT", f"/uploads/{identifier}/{offset}", data=content)


def blobs(backend: Backend) -> int:
    return len(list(backend.services.store.blobs.keys()))


def test_a_part_whose_file_is_gone_keeps_nothing_from_being_repaired(any_backend: Backend) -> None:
    store = any_backend.services.store
    identifier = begin(any_backend.member(role="researcher"))
    uploads = Uploads(store)
    [record] = map(UploadRecord.model_validate, store.collection("uploads").find())
    uploads.add_part(record, offset=0, content=TWO_PARTS)
    store.blobs.delete(store.collection("upload_parts").find()[0]["part_blob"])
    assert commands._report(check_integrity(any_backend.services), repair=True) == 0
    assert [fault.message for fault in check_integrity(any_backend.services)] == []
    with pytest.raises(NotFound, match="lost"):
        list(uploads.read(record))
    uploads.remove(identifier)
    assert store.collection("upload_parts").find() == []


def test_an_upload_goes_on_where_it_was_interrupted_and_reads_as_it_was_sent(
    any_backend: Backend,
) -> None:
    person = any_backend.member(role="researcher")
    identifier = begin(person)
    first, rest = TWO_PARTS[:SMALLEST_PART], TWO_PARTS[SMALLEST_PART:]
    for _ in range(2):  # the second time as a client that has not heard the answer
        answer = put(person, identifier, 0, first)
        assert (answer.status_code, answer.get_json()["received"]) == (200, SMALLEST_PART)
    asked = person.call("GET", f"/uploads/{identifier}").get_json()
    assert (asked["received"], asked["complete"]) == (SMALLEST_PART, False)
    assert put(person, identifier, SMALLEST_PART, rest).get_json()["complete"]
    uploads = Uploads(any_backend.services.store)
    record = uploads.get_owned(identifier, owner=any_backend.account(person.email).id)
    assert b"".join(uploads.read(record)) == TWO_PARTS
    assert blobs(any_backend) == 2
    assert person.call("DELETE", f"/uploads/{identifier}").status_code == 200
    assert blobs(any_backend) == 0
    assert any_backend.services.store.collection("upload_parts").find() == []


@pytest.mark.parametrize(
    ("offset", "content", "status"),
    [
        (SMALLEST_PART, b"the rest", 409),
        (0, b"too small", 400),
        (0, b"", 400),
        (0, TWO_PARTS + b"x", 400),
        (len(TWO_PARTS), b"x", 400),
        ("-1", TWO_PARTS, 400),
        ("1e3", TWO_PARTS, 400),
        ("\u0663", TWO_PARTS, 400),
        ("9" * 40, TWO_PARTS, 400),
        (0, bytes(LARGEST_PART + 1), 413),
    ],
)
def test_a_part_that_does_not_fit_is_refused_and_leaves_nothing(
    backend: Backend, person: Person, offset: int | str, content: bytes, status: int
) -> None:
    identifier, before = begin(person), blobs(backend)
    assert put(person, identifier, offset, content).status_code == status
    assert person.call("GET", f"/uploads/{identifier}").get_json()["received"] == 0
    assert blobs(backend) == before


def test_what_an_account_may_keep_is_counted_as_it_is_announced(
    backend: Backend, person: Person
) -> None:
    assert person.call("POST", "/uploads", json={"name": "a", "size": 4_000_001}).status_code == 413
    begin(person, bytes(4_000_000))
    answer = person.call("POST", "/uploads", json={"name": "a", "size": 1_000_001})
    assert (answer.status_code, answer.get_json()["code"]) == (507, "dataset_quota_reached")
    begin(person, bytes(1_000_000))


def test_an_upload_that_is_not_used_is_deleted_after_a_day(
    backend: Backend, person: Person
) -> None:
    identifier, before = begin(person), blobs(backend)
    put(person, identifier, 0, TWO_PARTS)
    assert blobs(backend) == before + 1
    late = {"$set": {"expires_at": now() - timedelta(seconds=1)}}
    backend.services.store.collection("uploads").update({"id": identifier}, late)
    assert person.call("GET", f"/uploads/{identifier}").status_code == 404
    begin(person)
    assert blobs(backend) == before


def test_an_upload_with_another_checksum_is_not_published(person: Person) -> None:
    content = zipped(labelled(2))
    right = hashlib.sha256(content).hexdigest()
    wrong = send(person, [upload(person, content, sha256="0" * 64)])
    assert (wrong["status"], wrong["problem_code"]) == ("refused", "bad_request")
    assert "SHA-256" in wrong["problem"]
    assert send(person, [upload(person, content, sha256=right)])["status"] == "published"


def test_an_upload_that_has_not_arrived_makes_no_data_set(backend: Backend, person: Person) -> None:
    body = {"name": "half", "uploads": [begin(person)]}
    answer = person.call("POST", "/datasets", json=body)
    assert (answer.status_code, "has 0 of" in answer.get_json()["error"]) == (400, True)
    assert "half" not in str(backend.services.store.collection("datasets").find())
