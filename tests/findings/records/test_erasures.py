"""What a person has deleted is gone: also its files, whatever happens meanwhile."""

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.unit_of_work import ErasureRetry
from skinapi.platform.stores.mongo_store import GridBlobs
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person


def lose(patch: pytest.MonkeyPatch) -> None:
    """The disk of the files is away."""

    def refuse(*_: object) -> None:
        raise StoreUnavailable

    for blobs in (FileBlobs, GridBlobs):
        patch.setattr(blobs, "delete", refuse)


def files(backend: Backend) -> list[str]:
    return list(backend.services.store.blobs.keys())


def noted(backend: Backend) -> int:
    return backend.services.store.collection("erasures").count()


def patient_with_files(backend: Backend) -> tuple[Person, int]:
    """A finding with its photo, a thumbnail and a report."""
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    for path in ("thumbnail", "report.pdf"):
        assert ada.call("GET", f"/submissions/{number}/{path}").status_code == 200
    return ada, number


def test_files_of_a_deleted_finding_go_when_the_disk_is_back(backend: Backend) -> None:
    ada, number = patient_with_files(backend)
    assert len(files(backend)) == 3
    with pytest.MonkeyPatch.context() as patch:
        lose(patch)
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert ada.call("GET", f"/submissions/{number}").status_code == 404
    assert (len(files(backend)), noted(backend)) == (3, 3)
    ErasureRetry(backend.services.store).make_pass()
    assert (files(backend), noted(backend)) == ([], 0)


def test_files_of_a_deleted_account_go_when_the_disk_is_back(backend: Backend) -> None:
    ada, _ = patient_with_files(backend)
    admin = backend.admin()
    with pytest.MonkeyPatch.context() as patch:
        lose(patch)
        assert admin.call("DELETE", f"/users/{ada.email}").status_code == 200
    ErasureRetry(backend.services.store).make_pass()
    assert (files(backend), noted(backend)) == ([], 0)


def test_a_pass_takes_all_that_was_left(backend: Backend) -> None:
    store = backend.services.store
    keys = [store.blobs.put(b"bytes") for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        lose(patch)
        retry = ErasureRetry(store)
        retry._erasures.note(keys)
        retry._erasures.finish(keys)
        with pytest.raises(StoreUnavailable):
            retry.make_pass()
    retry.make_pass()
    assert (files(backend), noted(backend)) == ([], 0)
