import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.lab.datasets.dataset_images import DatasetCounts, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.datasets.learned_pictures import learned_by_serving
from skinapi.lab.datasets.reference import CurrentReference
from skinapi.model.network.model import write_checksums
from skinapi.model.registry.gates import ReferenceData
from skinapi.platform.storage.ids import new_id
from tests.lab.sending import publish_one
from tests.model.registry.test_models import OVERRIDE, ModelBackend, compared_with
from tests.support.models import write_model


class LabBackend(ModelBackend):
    def choose_reference(self) -> ReferenceData:
        store = self.services.store
        datasets, images = Datasets(store), DatasetImages(store)
        name = f"held back {new_id()}"
        chosen = publish_one(datasets, images, name.encode(), owner="ada", name=name)
        datasets.set_reference(chosen.dataset)
        found = CurrentReference(datasets).read_reference()
        assert found
        return found


@pytest.fixture
def models(tmp_path: Path) -> Iterator[LabBackend]:
    backend = LabBackend(tmp_path / "instance")
    yield backend
    backend.services.store.close()


@pytest.mark.parametrize("what", ["ended", "another", "a picture erased"])
def test_nothing_is_promoted_by_a_comparison_on_what_is_not_the_reference_any_more(
    models: LabBackend, tmp_path: Path, what: str
) -> None:
    admin, reference = models.member(role="admin"), models.choose_reference()
    datasets = Datasets(models.services.store)
    compared = compared_with("tiny-1", reference)
    models.add(tmp_path, "next-1", reference_comparison=compared)
    shown = admin.call("GET", "/models/next-1").get_json()
    assert shown["on_current_reference"]
    assert {gate["outcome"] for gate in shown["gates"]} == {"passed"}
    if what == "ended":
        datasets.end_reference(reference.dataset)
    elif what == "another":
        models.choose_reference()
    else:
        datasets.count_erased(reference.dataset, DatasetCounts({"melanoma": 1}, 0))
    answer = admin.call("POST", "/models/next-1/promote", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "gates_not_passed")
    shown = admin.call("GET", "/models/next-1").get_json()
    assert not shown["on_current_reference"]
    assert {gate["outcome"] for gate in shown["gates"]} == {"passed", "not_measured"}
    assert admin.call("POST", "/models/next-1/promote", json=OVERRIDE).status_code == 200


def test_a_card_says_what_owners_have_taken_back_since_and_of_what_it_began_from(
    models: LabBackend, tmp_path: Path
) -> None:
    researcher = models.member(role="researcher")
    datasets = Datasets(models.services.store)
    images = DatasetImages(models.services.store)
    first, second = (
        publish_one(datasets, images, name, owner="ada", name=name.decode()).dataset
        for name in (b"one", b"two")
    )
    datasets.count_erased(first, DatasetCounts({"melanoma": 1}, 0))
    read = {"pictures": 40, "erased_before": 1}
    models.add(tmp_path, "old-1", dataset=first, patient_pictures=read)
    pictures = {"pictures": 50, "erased_before": 0}
    models.add(tmp_path, "new-1", dataset=second, patient_pictures=pictures, started_from="old-1")
    models.add(tmp_path, "other-1", dataset=second)
    datasets.count_erased(first, DatasetCounts({"melanoma": 2}, 0), withdrawn=True)
    shown = researcher.call("GET", "/models/new-1").get_json()
    assert shown["taken_back"] == [
        {"version": "new-1", "pictures": 50, "erased": 0},
        {"version": "old-1", "pictures": 40, "erased": 2},
    ]
    assert "taken_back" not in researcher.call("GET", "/models/other-1").get_json()
    assert "taken_back" not in models.client.get("/model-card").get_json()
    admin = models.member(role="admin")
    assert admin.call("POST", "/models/old-1/promote", json=OVERRIDE).status_code == 200
    assert models.answers() == "old-1"
    datasets.begin_deletion(first)
    told = models.client.get("/model-card").get_json()["taken_back"]
    assert told == [{"version": "old-1", "pictures": 40, "erased": None}]


def test_what_the_promoted_model_has_learned_from_is_known(
    models: LabBackend, tmp_path: Path
) -> None:
    inference = models.services.models
    split = {"train": ["seen"], "validation": [], "test": ["measured"]}
    folder = write_model(tmp_path / "next-1", "next-1")
    (folder / "split.json").write_text(json.dumps(split))
    write_checksums(folder)
    inference.add(folder=folder, by="system")
    assert learned_by_serving(inference).parts == {}
    inference.promote(version="next-1", by="system", override=True, reason="because of the test")
    learned = learned_by_serving(inference)
    assert (learned.model, learned.parts) == ("next-1", {"seen": "train", "measured": "test"})
    assert learned.part_of("seen", "0" * 64) == "train"
