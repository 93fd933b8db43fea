"""Data sets from the first byte to the last, on every store."""

import errno
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skinapi.errors import NotFound
from skinapi.lab import quarantine as quarantine_module
from skinapi.lab.datasets import SILENT_FOR, Datasets, NewDataset
from skinapi.lab.quarantine import Quarantine
from skinapi.lab.service import DatasetsService
from skinapi.learning.data.datasets import load_dataset
from skinapi.learning.data.labels import is_squamous
from skinapi.storage.ids import now
from skinapi.vision.labels import label_spellings
from tests.backends import Backend
from tests.lab.sending import labelled, picture, send, table, upload, zipped
from tests.size import size


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if folder.exists()]


def test_a_zip_becomes_a_published_version_with_its_report(
    any_backend: Backend, tmp_path: Path
) -> None:
    person = any_backend.member(role="researcher")
    said = {"licence": "CC BY 4.0", "source": "clinic", "modality": "dermoscopic"}
    dataset = send(person, [upload(person, zipped(labelled(6)))], **said)
    assert (dataset["status"], dataset["version"], dataset["pictures"]) == ("published", 1, 6)
    assert dataset["counts"] == {
        "benign_keratosis": 2, "melanocytic_nevus": 2, "melanoma": 2
    }  # fmt: skip
    report = dataset["report"]
    assert report["lesions"] == {
        "known": True,
        "count": 6,
        "largest": 1,
        "with_several_labels": {"count": 0, "shown": []},
    }
    assert report["modalities"] == {"dermoscopic": 6}
    assert report["too_small_to_split"] == sorted(dataset["counts"])
    again = send(person, [upload(person, zipped(labelled(6, 10)))])
    assert again["version"] == 2
    listed = person.pages("/datasets")
    assert [(one["name"], one["version"]) for one in listed] == [("ham", 1), ("ham", 2)]
    images = person.pages(f"/datasets/{dataset['id']}/images?limit=4")
    assert sorted(image["image_id"] for image in images) == [f"p{n}" for n in range(6)]
    shown = person.call("GET", f"/datasets/{dataset['id']}/images/{images[0]['id']}/thumbnail")
    assert Image.open(io.BytesIO(shown.data)).format == "JPEG"
    assert not leftovers(tmp_path / "quarantine")
    assert list(any_backend.services.store.collection("uploads").find()) == []
    assert person.call("DELETE", f"/datasets/{dataset['id']}").status_code == 200
    assert person.call("GET", f"/datasets/{dataset['id']}").status_code == 404
    assert len(list(any_backend.services.store.blobs.keys())) == 12
    any_backend.services.datasets.forget(any_backend.account(person.email).id)
    assert list(any_backend.services.store.blobs.keys()) == []


def test_training_reads_what_is_written_for_it(backend: Backend, tmp_path: Path) -> None:
    """Words that training knows stay as they were written; others become ours."""
    person = backend.member(role="researcher")
    rows = [
        {"image_id": "a", "dx": "scc", "lesion_id": "l1", "patient_id": "p", "age": "40"},
        {"image_id": "b", "dx": "birthmark", "lesion_id": "l1", "patient_id": "p", "age": ""},
    ]
    files = {"metadata.csv": table(rows), "x/a.jpg": picture(1), "b.png": picture(2, "PNG")}
    said: dict[str, Any] = {"labels": {"birthmark": "nv"}, "modality": "clinical"}
    dataset = send(person, [upload(person, zipped(files))], **said)
    folder = tmp_path / "written"
    backend.services.datasets.write_folder(dataset["id"], folder)
    loaded = load_dataset(folder, labels=label_spellings())
    found = {sample.image_id: sample for sample in loaded.samples}
    assert {name: one.label for name, one in found.items()} == {
        "a": "actinic_keratosis", "b": "melanocytic_nevus"
    }  # fmt: skip
    assert is_squamous(found["a"])
    assert {(one.lesion_id, one.patient_id, one.modality) for one in loaded.samples} == {
        ("l1", "p", "clinical")
    }
    assert found["a"].facts["age"] == "40"
    assert found["b"].path.read_bytes() == picture(2, "PNG")
    assert loaded.skipped == {}
    with pytest.raises(NotFound):
        backend.services.datasets.write_folder("ham", tmp_path / "other")


def test_a_data_set_is_deleted_by_its_owner_or_an_admin_and_not_while_it_is_used(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = backend.member(role="researcher"), backend.member(role="researcher")
    dataset = send(owner, [upload(owner, zipped(labelled(2)))])["id"]
    assert other.call("GET", f"/datasets/{dataset}").status_code == 200
    refused = other.call("DELETE", f"/datasets/{dataset}")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    used = [dataset]
    monkeypatch.setattr(backend.services.datasets, "_in_use", used.__contains__)
    answer = owner.call("DELETE", f"/datasets/{dataset}")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "dataset_in_use")
    used.clear()
    assert backend.admin().call("DELETE", f"/datasets/{dataset}").status_code == 200
    assert list(backend.services.store.blobs.keys()) == []
    assert [row["action"] for row in backend.audit() if row["target"] == dataset] == [
        "dataset.sent", "dataset.published", "dataset.delete", "dataset.delete"
    ]  # fmt: skip


def test_an_erased_researcher_leaves_no_data_set_and_no_upload(any_backend: Backend) -> None:
    person = any_backend.member(role="researcher")
    account = any_backend.account(person.email)
    send(person, [upload(person, zipped(labelled(2)))])
    upload(person, b"unused")
    any_backend.services.eraser.erase(account)
    for name in ("datasets", "images", "uploads", "upload_parts"):
        assert any_backend.services.store.collection(name).find() == []
    assert list(any_backend.services.store.blobs.keys()) == []


class Killed(BaseException):
    """In place of the end of the process: nothing that handles errors runs on it."""


WRITES = ("insert", "update", "delete", "put")


def test_whatever_write_is_the_last_nothing_half_is_listed_and_check_repairs_it(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends before each write in turn."""
    services = any_backend.services
    person = any_backend.member(role="researcher")
    files = labelled(3)
    for last in range(size(8, 40)):
        identifier = upload(person, zipped(files))
        owner = any_backend.account(person.email).id
        new = NewDataset(name="ham", owner=owner)
        dataset = services.datasets._datasets.begin(new, size=0)
        with monkeypatch.context() as patch:
            ended = _end_after(patch, services.datasets, last * size(3, 1))
            with suppress(Killed):
                services.datasets.publish_uploads(dataset, new, [identifier])
        listed = person.pages("/datasets")
        for one in listed:
            images = person.pages(f"/datasets/{one['id']}/images")
            assert len(images) == one["pictures"] == 3
        silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
        services.store.collection("datasets").update({"status": "checking"}, silent)
        for fault in list(services.datasets.faults()):
            assert fault.repair
            fault.repair()
        assert list(services.datasets.faults()) == []
        assert services.store.collection("datasets").count() == len(listed)
        assert services.store.collection("images").count() == 3 * len(listed)
        if not ended:
            break


def _end_after(patch: pytest.MonkeyPatch, datasets: DatasetsService, writes: int) -> list[str]:
    """From so many writes on none is made any more; the result fills when that has happened."""
    ended: list[str] = []
    left = iter(range(writes))

    def stopping(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                ended.append(name)
                raise Killed
            return original(*args, **options)

        return call

    images, uploads = datasets._images, datasets._uploads
    holders = (datasets._datasets._documents, images._documents, uploads._documents, uploads._parts)
    for holder in (*holders, images._blobs):
        for name in WRITES:
            if original := getattr(holder, name, None):
                patch.setattr(holder, name, stopping(name, original))
    return ended


def test_a_check_that_ended_with_its_process_is_removed_when_the_next_one_begins(
    backend: Backend,
) -> None:
    person = backend.member(role="researcher")
    owner = backend.account(person.email).id
    datasets = backend.services.datasets
    lost = datasets._datasets.begin(NewDataset(name="lost", owner=owner), size=0)
    assert person.call("GET", f"/datasets/{lost.id}").get_json()["status"] == "checking"
    silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
    backend.services.store.collection("datasets").update({"id": lost.id}, silent)
    upload(person, b"anything")
    assert person.call("GET", f"/datasets/{lost.id}").status_code == 404


def test_a_killed_process_leaves_a_folder_that_the_next_one_sweeps(tmp_path: Path) -> None:
    """But never one of a process that lives."""
    quarantine = Quarantine(tmp_path)
    left = tmp_path / "check-0000"
    left.mkdir()
    (left / "000001").write_bytes(b"x")
    with quarantine.opened(most=100) as folder:
        quarantine.sweep()
        assert folder.path.is_dir()
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = backend.member(role="researcher")
    identifier = upload(person, zipped(labelled(3)))
    kept = set(backend.services.store.blobs.keys())
    monkeypatch.setattr(quarantine_module, "CHECK_EVERY", 1)
    monkeypatch.setattr(quarantine_module, "refuse_full_disk", full)
    refused = send(person, [identifier])
    assert (refused["status"], refused["problem_code"]) == ("refused", "disk_full")
    assert set(backend.services.store.blobs.keys()) == kept
    assert not leftovers(backend.settings.quarantine)


def full(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_two_of_one_name_that_are_published_at_once_get_two_versions(backend: Backend) -> None:
    datasets = Datasets(backend.services.store)
    begun = [datasets.begin(NewDataset(name=name, owner="x"), size=0) for name in ("Ham", "hAM")]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: datasets.publish(one.id), begun))
    assert sorted(one.version or 0 for one in found) == [1, 2]
    newest = datasets.newest("HAM")
    assert newest is not None
    assert newest.version == 2
