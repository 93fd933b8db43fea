from collections.abc import Callable
from typing import Any

import pytest

from skinapi.accounts.auth.owners import NOBODY
from skinapi.app.integrity_check import check_integrity
from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.lab.datasets.uploads import Announced, Uploads, UploadsService
from skinapi.lab.service import DatasetsService
from skinapi.platform.jobs.service import JobsService
from tests.lab.sending import labelled, send, upload, zipped
from tests.support.backends import Backend, Person, erase

COLLECTIONS = ("datasets", "images", "uploads", "upload_parts", "jobs", "job_logs")


def begin_an_upload(ada: Person, _: str) -> Any:
    return ada.call("POST", "/uploads", json={"name": "a.zip", "size": 5})


def send_a_data_set(ada: Person, upload: str) -> Any:
    return ada.call("POST", "/datasets", json={"name": "mine", "uploads": [upload]})


def train(ada: Person, _: str) -> Any:
    return ada.call("POST", "/api/start-training", json={"dataset_name": "moles"})


@pytest.mark.parametrize(
    ("act", "writer", "method"),
    [
        (begin_an_upload, UploadsService, "begin"),
        (send_a_data_set, DatasetsService, "send"),
        (train, JobsService, "submit"),
    ],
    ids=["an upload", "a data set", "a job"],
)
def test_nothing_is_stored_after_the_deletion(
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Person, str], Any],
    writer: type,
    method: str,
) -> None:
    ada, ben = (backend.member(f"{name}@x.example", role="researcher") for name in ("ada", "ben"))
    send(ben, [upload(ben, zipped(labelled(30)))], name="moles")
    sent = upload(ada, zipped(labelled(2, 40)))
    kept = {name: backend.services.store.collection(name).count() for name in COLLECTIONS}
    kept |= {"uploads": 0, "upload_parts": 0}
    original = getattr(writer, method)

    def after_deletion(*args: Any, **options: Any) -> Any:
        erase(backend.services, backend.account("ada@x.example"))
        return original(*args, **options)

    monkeypatch.setattr(writer, method, after_deletion)
    assert act(ada, sent).status_code == 401
    left = {name: backend.services.store.collection(name).count() for name in COLLECTIONS}
    assert left == kept
    assert list(check_integrity(backend.services)) == []


def test_check_finds_data_sets_and_uploads_without_an_account(backend: Backend) -> None:
    store = backend.services.store
    datasets, uploads = Datasets(store), Uploads(store)
    for owner in ("gone", NOBODY):
        datasets.begin(NewDataset(name=owner, owner=owner), size=0)
    uploads.begin(Announced(owner="gone-too", name="a.zip", size=5))
    found = list(check_integrity(backend.services))
    assert [fault.message for fault in found] == [
        "data sets or uploads of account gone, which is gone",
        "data sets or uploads of account gone-too, which is gone",
    ]
    for fault in found:
        assert fault.repair
        fault.repair()
    assert list(check_integrity(backend.services)) == []
    assert [item["owner"] for item in store.collection("datasets").find()] == [NOBODY]
