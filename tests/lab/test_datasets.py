"""Data sets from the first byte to the last, on every store."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.backends import Backend
from tests.lab.sending import labelled, send, upload, zipped

SHIPPED = ("PNG", "WEBP")


@pytest.fixture
def quarantine(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


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
