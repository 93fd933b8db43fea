import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinapi.learning.data.datasets import load_dataset, load_sources
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.evaluation import measure_other_diseases
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.train.card import describe_figures
from skinapi.learning.train.fit_detectors import FEWEST_LESIONS, KNOWN_IN_DOUBT, fit_other_diseases
from skinapi.model.calibration import ModelCalibration
from skinapi.model.dataset_labels import label_spellings
from skinapi.model.detectors import LinearClassifier, OtherDiseaseDetector
from skinapi.model.network.model import open_model
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import write_source
from tests.learning.test_figures import MELANOMA, NEVUS, toy_figures, toy_rows
from tests.learning.toy_answers import answer, answers_of, told_calibration, toy_model

FEATURES = 6


def silent(line: str) -> None:
    pass


def outputs_of(label: str, count: int, *, seed: int, shift: float = 0.0) -> ModelOutputs:
    pooled = np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)
    pooled[:, -1] += shift
    names = [f"{label}{seed}-{row}" for row in range(count)]
    samples = [
        Sample(name, Path("x"), label, f"{label}{seed}-{row // 2}", source="clinic")
        for row, name in enumerate(names)
    ]
    return ModelOutputs(samples, np.zeros((count, 2), np.float32), pooled)


def test_they_are_read_apart_from_the_pictures_to_train_on(tmp_path: Path) -> None:
    rows = ["a,l1,,nv,clinical", "b,l2,,Inflammatory,clinical", "c,l2,,other malignant,clinical"]
    folder = write_source(tmp_path / "clinic", *rows)
    dataset = load_dataset(folder, labels=label_spellings())
    assert [sample.image_id for sample in dataset.samples] == ["a"]
    assert [(s.image_id, s.label) for s in dataset.others] == [
        ("b", "inflammatory"),
        ("c", "other_malignant"),
    ]
    assert not dataset.skipped
    assert "for the doubt alone, inflammatory: 1" in dataset.describe()
    sources = load_sources([str(folder)])
    assert [sample.image_id for sample in sources.samples] == ["a"]
    assert [sample.image_id for sample in sources.dataset.others] == ["b", "c"]


def test_the_doubt_finds_others_and_three_in_a_hundred_known_lesions() -> None:
    train, watched = (outputs_of(NEVUS, 400, seed=seed) for seed in (1, 2))
    detector = fit_other_diseases(
        train, watched, outputs_of("inflammatory", 60, seed=3, shift=3.0), report=silent
    )
    assert detector is not None
    assert detector.pictures == 60
    assert detector.finds(watched.pooled).mean() == pytest.approx(KNOWN_IN_DOUBT, abs=0.005)
    unseen = outputs_of("other_benign", 60, seed=4, shift=3.0)
    assert detector.finds(unseen.pooled).mean() > 0.6


@pytest.mark.parametrize(
    ("count", "shift", "said"),
    [(2 * FEWEST_LESIONS - 2, 3.0, "19 lesions are too few"), (60, 0.0, "of 30 lesions")],
)
def test_no_doubt_is_kept_that_was_not_shown_to_find_them(
    count: int, shift: float, said: str
) -> None:
    """There are too few pictures, or they do not differ from what the model knows."""
    heard: list[str] = []
    train, watched = (outputs_of(NEVUS, 400, seed=seed) for seed in (1, 2))
    others = outputs_of("inflammatory", count, seed=3, shift=shift)
    assert fit_other_diseases(train, watched, others, report=heard.append) is None
    assert said in heard[0]


def found_by_third_feature() -> ModelCalibration:
    detector = OtherDiseaseDetector(
        other=LinearClassifier.from_weights(np.array([0, 0, 1.0], np.float32), 0.0),
        limit=0.9,
        pictures=7,
    )
    return told_calibration().model_copy(update={"other_diseases": detector})


def other(label: str, said: Any, *, lesion: str, unlike: bool) -> Any:
    sample, logits, pooled = answer(label, said, lesion=lesion, source="scopes")
    pooled[2] = 10.0 if unlike else 0.0
    return sample, logits, pooled


def test_the_figures_say_what_is_found_of_each_and_who_is_sent_to_a_doctor() -> None:
    model = toy_model(found_by_third_feature())
    others = answers_of(
        [
            other("inflammatory", NEVUS, lesion="a", unlike=True),
            other("inflammatory", NEVUS, lesion="b", unlike=False),
            other("other_malignant", MELANOMA, lesion="c", unlike=False),
        ]
    )
    figures = measure_other_diseases(model, answers_of(toy_rows()), others)
    assert (figures["n"], figures["unlike"], figures["fitted_on"]) == (3, pytest.approx(1 / 3), 7)
    assert figures["by_class"]["inflammatory"]["sent"] == 0.5, "the doubt sends it"
    assert figures["by_class"]["other_malignant"]["sent"] == 1
    assert figures["known"]["unlike"] == 0
    assert figures["auroc"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    run = {"model_version": "toy", "skipped": {}, "other_diseases": figures}
    shown = describe_figures(toy_figures() | run)
    assert "fitted on 7 pictures; AUROC 0.667" in shown
    assert re.search(r"\n  inflammatory +2 +2 +0\.500 ", shown)


def test_calibrate_fits_it_and_keeps_some_pictures_to_measure_it_on(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [f"k{n},,,{('nv', 'mel')[n % 2]},dermoscopic" for n in range(4)]
    rows = [f"o{n},,,inflammatory,dermoscopic" for n in range(40)]
    clinic = write_source(tmp_path / "clinic", *known, *rows, seed=7)
    folder = shutil.copytree(small.model, tmp_path / "model")
    fitted: list[ModelOutputs] = []

    def note(*parts: ModelOutputs, **_: Any) -> OtherDiseaseDetector:
        fitted.append(parts[-1])
        weights = LinearClassifier.from_weights(
            np.zeros(parts[-1].pooled.shape[1], np.float32), 0.0
        )
        return OtherDiseaseDetector(other=weights, limit=0.9, pictures=len(parts[-1].samples))

    monkeypatch.setattr("skinapi.learning.train.fit_calibration.fit_other_diseases", note)
    words = ["calibrate", folder, "--data", small.third(tmp_path), clinic]
    assert run_command(words, tmp_path) == 0
    split = json.loads((folder / "split.json").read_text())
    held_out = {name for name in split["test"] if name.startswith("o")}
    assert len(held_out) == 8
    assert {s.image_id for s in fitted[0].samples} == {f"o{n}" for n in range(40)} - held_out
    assert open_model(folder).calibration.other_diseases is not None
    assert {s.label for s in fitted[0].samples} == {"inflammatory"}
    assert open_model(small.model).calibration.other_diseases is None
