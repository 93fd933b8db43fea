import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from skinapi.base.errors import BadDataset
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from skinapi.lab.datasets.reference import list_held_out
from skinapi.lab.jobs.job_services import write_training_folder
from skinapi.lab.service import DatasetsService, TrainingRequest, TrainingService
from tests.lab.sending import labelled, picture, send, table, upload, zipped
from tests.support.backends import Backend, Person


def published(person: Person, name: str, files: dict[str, bytes]) -> str:
    found = send(person, [upload(person, zipped(files))], name)
    assert found["status"] == "published", found
    return str(found["id"])


def choose(admin: Person, dataset: str) -> int:
    return admin.call("POST", f"/datasets/{dataset}/reference").status_code


def references(person: Person) -> list[str]:
    return [item["id"] for item in person.pages("/datasets") if item["reference"]]


def test_an_admin_chooses_one_in_place_of_another_and_ends_it(backend: Backend) -> None:
    person, admin = backend.member(role="researcher"), backend.admin()
    first = published(person, "first", labelled(2))
    second = published(person, "second", labelled(2, 10))
    assert references(person) == []
    assert choose(admin, first) == 200
    assert choose(admin, first) == 200
    assert references(person) == [first]
    assert choose(admin, second) == 200
    assert references(person) == [second]
    refused = person.call("DELETE", f"/datasets/{second}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert admin.call("DELETE", f"/datasets/{first}/reference").status_code == 409
    assert admin.call("DELETE", f"/datasets/{second}/reference").status_code == 200
    assert references(person) == []
    assert person.call("DELETE", f"/datasets/{second}").status_code == 200
    assert choose(admin, second) == 404
    acts = [row["action"] for row in backend.audit() if row["target"] == second]
    assert acts.count("dataset.reference") == 1


def test_no_training_learns_from_it(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    person, admin = backend.member(role="researcher"), backend.admin()
    dataset = published(person, "moles", labelled(30))
    service = backend.services.get(TrainingService)
    jobs, used = backend.services.get(DatasetsService).jobs, [{"dataset": dataset}]
    monkeypatch.setattr(jobs, "unfinished_requests", lambda: used)
    assert choose(admin, dataset) == 409
    monkeypatch.undo()
    assert choose(admin, dataset) == 200
    with pytest.raises(BadDataset, match="reference"):
        service.start(request=TrainingRequest(dataset_name="moles"), owner="somebody")


def test_pictures_of_its_lesions_are_left_out_of_a_training(
    backend: Backend, tmp_path: Path
) -> None:
    mirrored = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(picture(50)))).save(mirrored, "JPEG")
    person = backend.member(role="researcher")
    reference = published(
        person,
        "reference",
        {
            **labelled(1),
            "again.jpg": picture(50, "PNG"),
            "metadata.csv": table(
                [
                    {"image_id": "p0", "dx": "mel", "lesion_id": "a"},
                    {"image_id": "again", "dx": "nv", "lesion_id": "b"},
                ]
            ),
        },
    )
    rows = [
        {"image_id": "same", "dx": "mel", "lesion_id": "x", "patient_id": ""},
        {"image_id": "other_of_x", "dx": "mel", "lesion_id": "x"},
        {"image_id": "saved_again", "dx": "nv", "lesion_id": "y"},
        {"image_id": "mirrored", "dx": "nv", "lesion_id": "m", "patient_id": "ada"},
        {"image_id": "other_of_ada", "dx": "nv", "lesion_id": "n", "patient_id": "ada"},
        {"image_id": "new", "dx": "nv", "lesion_id": "z"},
    ]
    dataset = published(
        person,
        "moles",
        {
            "metadata.csv": table(rows),
            "same.jpg": picture(0),
            "other_of_x.jpg": picture(7),
            "saved_again.jpg": picture(50),
            "mirrored.jpg": mirrored.getvalue(),
            "other_of_ada.jpg": picture(8),
            "new.jpg": picture(9),
        },
    )
    images = DatasetImages(backend.services.store)
    datasets = Datasets(backend.services.store)
    held_out = list_held_out(
        images, dataset=datasets.get_published(dataset), reference=datasets.get_published(reference)
    )
    names = {image.id: image.image_id for image in images.walk(dataset)}
    assert {names[item] for item in held_out} == {
        "same", "other_of_x", "saved_again", "mirrored", "other_of_ada"
    }  # fmt: skip
    left_out = write_training_folder(
        images, dataset, tmp_path / "out", leave_out=lambda image: image.id in held_out
    )
    assert left_out == 5
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1
    seen = {"same": "train", "new": "test", "saved_again": "validation"}
    learned = LearnedPictures("m", seen)
    assert {image.image_id for image in images.walk(dataset) if learned.has_learned(image)} == {
        "same", "saved_again"
    }  # fmt: skip


Said = Mapping[str, str]
SOURCES: dict[str, tuple[Said, Said, set[str]]] = {
    "one source": ({"source": "Clinic A"}, {"source": "clinic a"}, {"lesion", "patient"}),
    "other sources": ({"source": "Clinic A"}, {"source": "Clinic B"}, set()),
    "one owner": ({}, {}, {"lesion", "patient"}),
    "other owners": ({}, {"owner": "somebody"}, set()),
    "of reviews": (
        {"labels_from": "reviews", "owner": "one", "source": "a"},
        {"labels_from": "histology"},
        {"lesion", "patient"},
    ),
}


@pytest.mark.parametrize("named", SOURCES)
def test_pictures_of_its_lesions_and_patients_in_another_data_set_of_its_source_are_left_out(
    backend: Backend, named: str
) -> None:
    person, store = backend.member(role="researcher"), backend.services.store
    rows = [{"image_id": "p0", "dx": "mel", "lesion_id": "a", "patient_id": "ada"}]
    others = [
        {"image_id": "lesion", "dx": "mel", "lesion_id": "a", "patient_id": ""},
        {"image_id": "patient", "dx": "mel", "lesion_id": "b", "patient_id": "ada"},
        # The ids of pictures whose lesion nobody names are numbers, maybe.
        {"image_id": "p0", "dx": "nv", "lesion_id": "", "patient_id": ""},
    ]
    sent = [
        {"metadata.csv": table(rows), "p0.jpg": picture(0)},
        {
            "metadata.csv": table(others),
            **{f"{row['image_id']}.jpg": picture(9 + n) for n, row in enumerate(others)},
        },
    ]
    made = [
        Datasets(store).get_published(published(person, name, files))
        for name, files in zip(("first", "second"), sent, strict=True)
    ]
    first, second, expected = SOURCES[named]
    reference, dataset = (
        item.model_copy(update=said) for item, said in zip(made, (first, second), strict=True)
    )
    images = DatasetImages(store)
    held_out = list_held_out(images, dataset=dataset, reference=reference)
    assert {item.image_id for item in images.walk(dataset.id) if item.id in held_out} == expected
