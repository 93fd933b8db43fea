"""The model in service: warm before it answers, bounded, and exchanged without anybody noticing."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from PIL import Image

from skinapi.errors import Conflict, ModelDamaged, NoModel, Refused, Unavailable
from skinapi.registry.prediction_pool import PredictionPool
from skinapi.registry.service import open_registry
from skinapi.registry.slot import open_warm
from skinapi.vision.classification import prepare_photo
from skinapi.vision.model import write_checksums
from skinapi.vision.photo import stored_photo
from tests.backends import settings_in
from tests.models import registry_of, tiny_registry, write_model
from tests.photos import COLOURS, UNCERTAIN, photo_in, photo_of
from tests.size import size

PATIENCE_S = 20


@pytest.mark.parametrize("key", COLOURS)
def test_each_condition_is_found_in_a_photo_of_its_colour(key: str) -> None:
    finding = tiny_registry().classify_photo(content=photo_of(key), caller="ada").finding
    assert (finding.stated, finding.uncertain) == (key, False)
    assert finding.confidence > 0.7


def test_a_photo_between_two_conditions_is_uncertain() -> None:
    finding = tiny_registry().classify_photo(content=photo_in(UNCERTAIN), caller="ada").finding
    assert finding.uncertain


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(Refused):
        tiny_registry().classify_photo(content=b"no photo", caller="ada")


def test_only_a_photo_that_is_to_be_kept_is_decoded_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, photo = tiny_registry(), photo_of("melanoma", (2400, 1800))
    opened = Mock(side_effect=Image.open)
    monkeypatch.setattr(Image, "open", opened)
    unkept = registry.classify_photo(content=photo, caller="ada")
    assert (unkept.kept, opened.call_count) == (None, 1)
    kept = registry.classify_photo(content=photo, caller="ada", keep=True)
    assert opened.call_count == 3
    assert kept.kept == stored_photo(photo)
    assert kept.finding.ranked == unkept.finding.ranked
    assert kept.finding.heat == unkept.finding.heat


def test_during_a_model_swap_every_answer_names_one_existing_version(tmp_path: Path) -> None:
    registry = registry_of(write_model(tmp_path / "a", "a"), queue=1000)
    other = write_model(tmp_path / "b", "b")
    photo = photo_of("melanoma")
    stop = threading.Event()

    def exchange() -> None:
        registry.swap_model(folder=other)
        while not stop.is_set():
            registry.roll_back_model()

    exchanger = threading.Thread(target=exchange)
    exchanger.start()
    with ThreadPoolExecutor(8) as pool:
        found = [
            judged.finding.model_version
            for judged in pool.map(
                lambda _: registry.classify_photo(content=photo, caller="ada"),
                range(size(100, 2000)),
            )
        ]
    stop.set()
    exchanger.join()
    assert set(found) == {"a", "b"}


def test_a_damaged_model_changes_nothing_and_one_call_goes_back(tmp_path: Path) -> None:
    registry = registry_of(write_model(tmp_path / "a", "a"))
    with pytest.raises(Conflict):
        registry.roll_back_model()
    broken = write_model(tmp_path / "broken", "broken")
    (broken / "network.bin").write_bytes(b"something else")
    with pytest.raises(ModelDamaged):
        registry.swap_model(folder=broken)
    assert registry.describe_model().version == "a"
    registry.swap_model(folder=write_model(tmp_path / "b", "b"))
    assert registry.describe_model().version == "b"
    assert registry.roll_back_model().version == "a"
    assert registry.describe_model().version == "a"


def test_past_the_queue_the_answer_is_503_at_once_and_places_are_freed() -> None:
    pool, go = PredictionPool(streams=1, queue=1), threading.Event()
    refused = []

    def call() -> bool:
        try:
            return pool.run(go.wait, caller="ada")
        except Unavailable as busy:
            refused.append(busy.retry_after)
            if len(refused) == 6:
                go.set()
            return False

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: call(), range(8)))
    assert sum(answers) == 2
    assert len(refused) == 6
    assert all(refused)
    assert pool.run(lambda: 7, caller="ada") == 7


def test_when_the_queue_is_full_the_caller_who_has_most_photos_makes_room() -> None:
    """One account with slow pictures kept all others out."""
    pool, go, began = PredictionPool(streams=1, queue=3), threading.Event(), threading.Event()
    refused = []

    def hold() -> bool:
        began.set()
        return go.wait(PATIENCE_S)

    def call(caller: str) -> str | None:
        try:
            pool.run(hold, caller=caller)
        except Unavailable:
            refused.append(caller)
            return None
        return caller

    with ThreadPoolExecutor(8) as crowd:
        first = crowd.submit(call, "mallory")
        assert began.wait(PATIENCE_S)
        others = [crowd.submit(call, "mallory") for _ in range(3)]
        while len(pool) < 4:
            time.sleep(0.001)
        honest = [crowd.submit(call, "ada"), crowd.submit(call, "bert")]
        while len(refused) < 2:
            time.sleep(0.001)
        # With two places each there is nobody who has more than she would have.
        with pytest.raises(Unavailable):
            pool.run(hold, caller="mallory")
        go.set()
        done = [one.result() for one in (first, *others, *honest)]
    assert sorted(filter(None, done)) == ["ada", "bert", "mallory", "mallory"]
    assert refused == ["mallory", "mallory"]
    assert len(pool) == 0


def test_a_failed_prediction_frees_its_place() -> None:
    pool = PredictionPool(streams=1, queue=0)
    for _ in range(3):
        with pytest.raises(Refused):
            pool.run(lambda: prepare_photo(b"no photo"), caller="ada")


def test_without_a_model_the_registry_opens_and_judges_nothing(tmp_path: Path) -> None:
    registry = open_registry(settings_in(tmp_path, model_path=tmp_path / "nowhere"))
    with pytest.raises(NoModel):
        registry.ping()
    with pytest.raises(NoModel):
        registry.classify_photo(content=photo_of("melanoma"), caller="ada")


def test_a_network_that_cannot_be_run_is_damaged(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    (folder / "network.xml").write_text("<net/>")
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="cannot be run"):
        open_warm(folder)


def test_a_label_that_no_condition_has_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    labels = (folder / "labels.json").read_text().replace("melanoma", "measles")
    (folder / "labels.json").write_text(labels)
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="measles"):
        open_warm(folder)


def test_a_model_that_names_a_condition_twice_is_refused_by_its_folder(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    (folder / "labels.json").write_text(json.dumps(["melanocytic_nevus"] * len(COLOURS)))
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match=r"mine cannot judge.*name a condition twice"):
        open_warm(folder)


def test_a_calibration_fitted_to_other_labels_is_refused_before_it_serves(tmp_path: Path) -> None:
    registry = registry_of(write_model(tmp_path / "a", "a"))
    first, *others = COLOURS
    limits = {"0.90": dict.fromkeys(others, 0.1)}
    other = write_model(tmp_path / "other", "other", prediction_sets=limits)
    with pytest.raises(ModelDamaged, match=f"other has a calibration.*{first}"):
        registry.swap_model(folder=other)
    assert registry.describe_model().version == "a"


def test_the_models_setting_is_served_in_the_precision_asked_for(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine", "mine")
    registry = open_registry(settings_in(tmp_path, model_path=folder, model_precision="bf16"))
    registry.ping()
    assert registry.describe_model().version == "mine"
