import errno
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from skinapi.base.errors import StoreUnavailable
from skinapi.base.pages import PageRequest
from skinapi.lab.checks import publishing
from skinapi.lab.checks.check_queue import Cleanup
from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import SILENT_FOR, Datasets, NewDataset
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from skinapi.lab.datasets.quarantine import Quarantine
from skinapi.lab.jobs.job_services import _name_label, write_training_folder
from skinapi.lab.service import DatasetsService
from skinapi.learning.data.datasets import load_dataset
from skinapi.model.dataset_labels import label_spellings
from skinapi.platform.storage.ids import now
from tests.lab.sending import DEADLINE_S, labelled, picture, send, table, upload, zipped
from tests.support.backends import Backend, Person, both, twin
from tests.support.size import size
from tests.support.waiting import await_


def await_no_leftovers(folder: Path) -> None:
    left = partial(folder.rglob, "*")
    await_(lambda: not any(left()), within=DEADLINE_S, told=lambda: list(left()))


def test_a_zip_becomes_a_published_version_with_its_report(
    backend: Backend, tmp_path: Path
) -> None:
    person = backend.member(role="researcher")
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
    assert [(item["name"], item["version"]) for item in listed] == [("ham", 1), ("ham", 2)]
    images = person.pages(f"/datasets/{dataset['id']}/images?limit=4")
    assert sorted(image["image_id"] for image in images) == [f"p{n}" for n in range(6)]
    shown = person.call("GET", f"/datasets/{dataset['id']}/images/{images[0]['id']}/thumbnail")
    assert Image.open(io.BytesIO(shown.data)).format == "JPEG"
    await_no_leftovers(tmp_path / "quarantine")
    assert list(backend.services.store.collection("uploads").find()) == []
    assert person.call("DELETE", f"/datasets/{dataset['id']}").status_code == 200
    assert person.call("GET", f"/datasets/{dataset['id']}").status_code == 404
    assert len(list(backend.services.store.blobs.keys())) == 12
    backend.services.get(Cleanup).forget(backend.account(person.email).id)
    assert list(backend.services.store.blobs.keys()) == []


def test_a_carcinoma_that_was_published_within_keratosis_is_told_apart_again() -> None:
    for written, label, told in (
        ("SCC", "actinic_keratosis", "squamous_cell_carcinoma"),
        ("scc", "basal_cell_carcinoma", "basal_cell_carcinoma"),
        ("akiec", "actinic_keratosis", "actinic_keratosis"),
        ("scc", "squamous_cell_carcinoma", "squamous_cell_carcinoma"),
    ):
        image = cast("DatasetImage", SimpleNamespace(written=written, label=label))
        assert _name_label(image) == told


def test_training_reads_what_is_written_for_it(backend: Backend, tmp_path: Path) -> None:
    person = backend.member(role="researcher")
    rows = [
        {"image_id": "a", "dx": "scc", "lesion_id": "l1", "patient_id": "p", "age": "40"},
        {"image_id": "b", "dx": "birthmark", "lesion_id": "l1", "patient_id": "p", "age": ""},
    ]
    rows.append({"image_id": "ISIC_1", "dx": "mel", "lesion_id": "l1", "patient_id": "p"})
    files = {"metadata.csv": table(rows), "x/a.jpg": picture(1), "b.png": picture(2, "PNG")}
    files["ISIC_1.jpg"] = picture(3)
    said: dict[str, Any] = {"labels": {"birthmark": "nv"}, "modality": "clinical"}
    dataset = send(person, [upload(person, zipped(files))], **said)
    folder = tmp_path / "written"
    images = DatasetImages(backend.services.store)
    write_training_folder(images, dataset["id"], folder, known={"ISIC_1"})
    loaded = load_dataset(folder, labels=label_spellings())
    found = {sample.image_id: sample for sample in loaded.samples}
    ids = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    a, b = ids["x/a.jpg"], ids["b.png"]
    assert {name: item.label for name, item in found.items()} == {
        a: "squamous_cell_carcinoma", b: "melanocytic_nevus", "ISIC_1": "melanoma"
    }, "a model keeps the ids of its pictures: none unknown that somebody chose"  # fmt: skip
    assert found[a].is_squamous
    assert {(item.lesion_id, item.patient_id, item.modality) for item in loaded.samples} == {
        ("l1", "p", "clinical")
    }
    assert found[a].facts["age"] == "40"
    assert found[b].path.read_bytes() == picture(2, "PNG")
    assert loaded.skipped == {}


def ids_of(person: Person, dataset: dict[str, Any]) -> dict[str, str]:
    images = person.pages(f"/datasets/{dataset['id']}/images")
    return {image["name"]: image["image_id"] for image in images}


def test_a_picture_in_folders_has_the_same_id_in_each_version(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = LearnedPictures("m-1", {"known": "train"})
    monkeypatch.setattr(publishing, "learned_by_serving", lambda _: learned)
    person = backend.member(role="researcher")
    files = {"nv/0001.jpg": picture(1), "nv/known.jpg": picture(3)}
    first = ids_of(person, send(person, [upload(person, zipped(files))]))
    moved = {**files, "mel/0001.jpg": picture(2)}
    second = ids_of(person, send(person, [upload(person, zipped(moved))]))
    assert first["nv/0001.jpg"] == second["nv/0001.jpg"] != second["mel/0001.jpg"]
    assert first["nv/known.jpg"] == second["nv/known.jpg"] == "known"


def test_a_data_set_is_deleted_by_its_owner_or_an_admin_and_not_while_it_is_used(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = backend.member(role="researcher"), backend.member(role="researcher")
    dataset = send(owner, [upload(owner, zipped(labelled(2)))])["id"]
    assert other.call("GET", f"/datasets/{dataset}").status_code == 200
    refused = other.call("DELETE", f"/datasets/{dataset}")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    used = [{"dataset": dataset}]
    monkeypatch.setattr(
        backend.services.get(DatasetsService).jobs, "unfinished_requests", lambda: used
    )
    answer = owner.call("DELETE", f"/datasets/{dataset}")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "dataset_in_use")
    used.clear()
    assert backend.admin().call("DELETE", f"/datasets/{dataset}").status_code == 200
    assert list(backend.services.store.blobs.keys()) == []
    assert [row["action"] for row in backend.audit() if row["target"] == dataset] == [
        "dataset.sent", "dataset.published", "dataset.delete", "dataset.delete"
    ]  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process, so no error handler may catch it."""


WRITES = ("insert", "update", "delete", "put")


def test_whatever_write_is_the_last_nothing_half_is_listed_and_check_repairs_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = backend.services
    person = backend.member(role="researcher")
    files = labelled(3)
    for last in range(size(8, 40)):
        identifier = upload(person, zipped(files))
        owner = backend.account(person.email).id
        new = NewDataset(name="ham", owner=owner)
        dataset = services.get(DatasetsService).data.datasets.begin(new, size=0)
        with monkeypatch.context() as patch:
            ended = _end_after(patch, services.get(DatasetsService), last * size(3, 1))
            with suppress(Killed):
                services.get(DatasetsService).publish_uploads(dataset, new, [identifier])
        listed = person.pages("/datasets")
        for item in listed:
            images = person.pages(f"/datasets/{item['id']}/images")
            assert len(images) == item["pictures"] == 3
        silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
        services.store.collection("datasets").update({"status": "checking"}, silent)
        for fault in list(services.get(Cleanup).check_integrity()):
            assert fault.repair
            fault.repair()
        assert list(services.get(Cleanup).check_integrity()) == []
        published = {"status": "published"}
        assert services.store.collection("datasets").count(published) == len(listed)
        assert services.store.collection("images").count() == 3 * len(listed)
        if not ended:
            break


def _end_after(patch: pytest.MonkeyPatch, datasets: DatasetsService, writes: int) -> list[str]:
    """Stop all writes after this many. The result is filled when that has happened."""
    ended: list[str] = []
    left = iter(range(writes))

    def stopping(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                ended.append(name)
                raise Killed
            return original(*args, **options)

        return call

    data = datasets.data
    images, uploads = data.images, data.uploads
    holders = (data.datasets._documents, images._documents, uploads._documents, uploads._parts)
    for holder in (*holders, images._blobs):
        for name in WRITES:
            if original := getattr(holder, name, None):
                patch.setattr(holder, name, stopping(name, original))
    return ended


@pytest.mark.parametrize("by_another", [False, True], ids=["when asked", "at an upload"])
def test_a_check_that_ended_with_its_process_is_told_and_its_uploads_can_be_sent_again(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, by_another: bool
) -> None:
    person = backend.member(role="researcher")
    datasets = backend.services.get(DatasetsService)
    sent = upload(person, zipped(labelled(3)))
    with monkeypatch.context() as patch:
        patch.setattr(datasets.checks, "submit", lambda *_, **__: None)
        body = {"name": "lost", "uploads": [sent]}
        lost = person.call("POST", "/datasets", json=body).get_json()["id"]
        assert person.call("POST", "/datasets", json=body).get_json()["code"] == "upload_in_use"
    assert person.call("GET", f"/datasets/{lost}").get_json()["status"] == "checking"
    silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
    backend.services.store.collection("datasets").update({"id": lost}, silent)
    if by_another:
        upload(person, b"anything")
    refused = person.call("GET", f"/datasets/{lost}").get_json()
    assert (refused["status"], refused["problem_code"]) == ("refused", "interrupted_check")
    assert refused["problem"] == "The check was interrupted; send the data set again"
    assert send(person, [sent])["status"] == "published"


def test_a_deletion_that_was_interrupted_goes_on_without_the_operator(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = backend.member(role="researcher")
    images = DatasetImages(backend.services.store)
    published = send(person, [upload(person, zipped(labelled(3)))])["id"]
    address = f"/datasets/{published}"
    with monkeypatch.context() as patch:
        patch.setattr(DatasetImages, "forget", _lose_the_store)
        assert person.call("DELETE", address).status_code == 503
    assert person.call("GET", address).status_code == 404
    assert images.page_of_dataset(published, PageRequest(9)).items
    silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
    backend.services.store.collection("datasets").update({"id": published}, silent)
    upload(person, b"anything")
    assert images.page_of_dataset(published, PageRequest(9)).items == []
    assert backend.services.store.collection("datasets").get(published) is None


def _lose_the_store(*_: object) -> None:
    raise StoreUnavailable


def test_of_two_servers_that_get_one_upload_one_makes_a_data_set_of_it(
    real_backend: Backend,
) -> None:
    person = real_backend.member(role="researcher")
    other = twin(real_backend, person)
    sent = upload(person, zipped(labelled(3)))

    def post(person: Person, name: str) -> Any:
        return person.call("POST", "/datasets", json={"name": name, "uploads": [sent]})

    with real_backend.services.get(DatasetsService).checks.now():
        answers = both(lambda: post(person, "one"), lambda: post(other, "two"))
        assert sorted(answer.status_code for answer in answers) == [202, 409]
        assert real_backend.services.store.collection("datasets").count() == 1


def test_a_killed_process_leaves_a_folder_that_the_next_one_sweeps(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    left = tmp_path / "check-0000"
    left.mkdir()
    (left / "000001").write_bytes(b"x")
    with quarantine.opened(most=100) as folder:
        quarantine.sweep()
        assert folder.path.is_dir()
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_leaves_the_space_that_is_reserved_for_the_database(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = backend.member(role="researcher")
    identifier = upload(person, zipped(labelled(3)))
    kept = set(backend.services.store.blobs.keys())
    asked: list[Path] = []

    def full_at_the_third(folder: Path) -> None:
        asked.append(folder)
        if len(asked) == 3:
            full(folder)

    monkeypatch.setattr(publishing, "refuse_full_disk", full_at_the_third)
    refused = send(person, [identifier])
    assert (refused["status"], refused["problem_code"]) == ("refused", "disk_full")
    assert set(asked) == {backend.settings.instance_dir}
    assert set(backend.services.store.blobs.keys()) == kept


def full(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_two_of_one_name_that_are_published_at_once_get_two_versions(backend: Backend) -> None:
    datasets = Datasets(backend.services.store)
    begun = [datasets.begin(NewDataset(name=name, owner="x"), size=0) for name in ("Ham", "hAM")]
    with ThreadPoolExecutor(2) as pool:
        publish = (partial(datasets.publish, item.id) for item in begun)
        found = list(pool.map(backend.services.store.transaction, publish))
    assert {record.version for record in found} == {1, 2}
    newest = datasets.find_newest("HAM")
    assert newest is not None
    assert newest.version == 2
