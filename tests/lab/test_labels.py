from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skinapi.base.errors import BadDataset
from skinapi.lab.checks.label_mapping import LabelMapping
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.jobs import model_comparison
from skinapi.lab.jobs.job_services import JobServices
from skinapi.lab.jobs.model_comparison import compare_on_reference
from skinapi.learning.data.datasets import load_sources
from skinapi.learning.data.samples import Sample
from tests.lab.sending import picture, send, table, upload, zipped
from tests.support.backends import Backend, Person
from tests.support.models import tiny_model

WRITTEN = ("mel", "nv", "Melanocytic nevus", "scc", "SCC", "bcc", "df", "spot")
SWAPPED = {"mel": "nv", "nv": "mel", "scc": "bcc", "bcc": "scc", "df": None, "spot": "vasc"}
PUBLISHED = {
    "mel": "melanocytic_nevus",
    "nv": "melanoma",
    "melanocytic nevus": "melanocytic_nevus",
    "scc": "basal_cell_carcinoma",
    "bcc": "squamous_cell_carcinoma",
    "spot": "vascular_lesion",
}


def publish_swapped(person: Person, **said: Any) -> dict[str, Any]:
    rows = [{"image_id": f"p{n}", "dx": word} for n, word in enumerate(WRITTEN)]
    files = {f"p{n}.jpg": picture(n) for n in range(len(WRITTEN))}
    content = zipped({"metadata.csv": table(rows), **files})
    return send(person, [upload(person, content)], labels=SWAPPED, **said)


def lab_of(backend: Backend, work: Path) -> JobServices:
    store, unused = backend.services.store, cast("Any", None)
    return JobServices(
        context=cast("Any", SimpleNamespace(work=work, say=lambda _: None)),
        settings=unused,
        own_settings=unused,
        datasets=Datasets(store),
        images=DatasetImages(store),
        uploads=unused,
        models=unused,
        may_work=unused,
    )


def test_training_reference_and_gallery_read_the_published_label_and_nothing_else(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, lab = backend.member(role="researcher"), lab_of(backend, tmp_path)
    dataset = publish_swapped(person, modality="clinical")
    assert (dataset["status"], dataset["pictures"]) == ("published", 7), dataset["problem"]
    shown = {item["sha256"]: item for item in person.pages(f"/datasets/{dataset['id']}/images")}
    assert {item["written"].lower(): item["label"] for item in shown.values()} == PUBLISHED
    published = {sha256: item["label"] for sha256, item in shown.items()}

    found = lab.datasets.get_published(dataset["id"])
    lab.write_pictures(found, tmp_path / "training", leave_out=lambda _: False, known=())
    trained = load_sources([str(tmp_path / "training")], skip_unknown_labels=True)
    assert {item.image_id: item.label for item in trained.samples} == published
    assert "melanoma: 1" in trained.describe()
    assert [sample.label for sample in trained.samples if sample.is_squamous] == [
        "squamous_cell_carcinoma"
    ], "the published label counts, not the written one"

    compared: list[Sample] = []
    monkeypatch.setattr(
        model_comparison,
        "compare_models",
        lambda _, __, samples, *___, **____: compared.extend(samples),
    )
    lab.datasets.set_reference(dataset["id"])
    compare_on_reference(lab, tiny_model(), tiny_model())
    assert {item.image_id: item.label for item in compared} == published


def test_the_report_lists_each_mapping_and_warns_of_a_known_word_with_another_meaning(
    backend: Backend,
) -> None:
    report = publish_swapped(backend.member(role="researcher"))["report"]
    told = {
        item["label"]: (item["count"], item["published_as"], item["known_as"])
        for item in report["labels"]
    }
    assert told == {
        "mel": (1, "melanocytic_nevus", "melanoma"),
        "nv": (1, "melanoma", "melanocytic_nevus"),
        "melanocytic nevus": (1, "melanocytic_nevus", "melanocytic_nevus"),
        "scc": (2, "basal_cell_carcinoma", "squamous_cell_carcinoma"),
        "bcc": (1, "squamous_cell_carcinoma", "basal_cell_carcinoma"),
        "df": (1, None, "dermatofibroma"),
        "spot": (1, "vascular_lesion", None),
    }
    warned = [item for item in report["warnings"] if "is published as" in item]
    assert warned == [
        "bcc is published as squamous_cell_carcinoma, and is known as basal_cell_carcinoma.",
        "mel is published as melanocytic_nevus, and is known as melanoma.",
        "nv is published as melanoma, and is known as melanocytic_nevus.",
        "scc is published as basal_cell_carcinoma, and is known as squamous_cell_carcinoma.",
    ]


def test_one_label_has_one_meaning_whatever_its_case() -> None:
    with pytest.raises(BadDataset, match="NV is given twice"):
        LabelMapping({"nv": "mel", "NV": "nv"})
