from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinapi.learning.commands.train import FEWEST_SQUAMOUS, choose_outputs
from skinapi.learning.data.samples import Sample, label_for
from skinapi.learning.measure.evaluation import measure_answers
from skinapi.learning.measure.predictions import ModelOutputs, lesion_classes, predict
from skinapi.learning.train.card import (
    README,
    describe_figures,
    describe_limits,
    describe_missing_labels,
)
from skinapi.model.calibration import Calibration, ModelCalibration, softmax
from skinapi.model.classification import classify_photo
from skinapi.model.context import Modality
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import Model, open_model
from tests.learning.conftest import Joined
from tests.learning.toy_answers import MeanColour, toy_model
from tests.support.cards import model_card
from tests.support.photos import photo_of

SQUAMOUS, KERATOSIS, NEVUS = "squamous_cell_carcinoma", "actinic_keratosis", "melanocytic_nevus"
NINE = (*lesion_classes(), SQUAMOUS, "normal_skin")
EIGHT = (*lesion_classes(), "normal_skin")
WRITTEN = {SQUAMOUS: "scc", KERATOSIS: "akiec"}


def sample(number: int, label: str) -> Sample:
    written = {"dx": WRITTEN.get(label, label)}
    name = f"{label}{number}"
    return Sample(name, Path(name), label, name, written, modality=Modality.DERMOSCOPIC)


def model_of(labels: tuple[str, ...]) -> Model:
    head = Head(np.zeros((3, len(labels)), np.float32))
    calibration = ModelCalibration(dermoscopic=Calibration())
    return Model(model_card(side=64), labels, calibration, head, MeanColour())


def outputs_of(labels: tuple[str, ...], rows: list[tuple[str, dict[str, float]]]) -> ModelOutputs:
    samples = [sample(number, truth) for number, (truth, _) in enumerate(rows)]
    shares = np.array([[said.get(key, 0.005) for key in labels] for _, said in rows])
    pooled = np.zeros((len(rows), 3), np.float32)
    return ModelOutputs(label_for(samples, labels), np.log(shares).astype(np.float32), pooled)


ROWS = [
    *[(SQUAMOUS, {SQUAMOUS: 0.5, KERATOSIS: 0.3, NEVUS: 0.1})] * 3,
    (SQUAMOUS, {NEVUS: 0.9}),
    *[(KERATOSIS, {KERATOSIS: 0.6, SQUAMOUS: 0.3})] * 3,
    *[(NEVUS, {NEVUS: 0.9})] * 6,
]


def figures_of(labels: tuple[str, ...]) -> dict[str, Any]:
    return measure_answers(model_of(labels), outputs_of(labels, ROWS), lesions_known=True)


def printed(figures: dict[str, Any]) -> str:
    return describe_figures({"model_version": "toy-1", "skipped": {}, **figures})


@pytest.mark.parametrize(("few", "wanted"), [(1, EIGHT), (0, NINE)])
def test_it_is_an_output_where_the_training_part_has_enough_of_it(
    few: int, wanted: tuple[str, ...]
) -> None:
    train = [sample(n, SQUAMOUS) for n in range(FEWEST_SQUAMOUS - few)]
    assert choose_outputs([*train, sample(0, NEVUS)]) == wanted


def test_the_primary_figures_are_over_the_seven_classes_whatever_the_outputs() -> None:
    model, outputs = model_of(NINE), outputs_of(NINE, ROWS)
    seven = predict(model, outputs)
    assert seven.classes == (KERATOSIS, NEVUS)
    assert seven.labels.tolist() == [0] * 7 + [1] * 6
    places = [NINE.index(key) for key in (KERATOSIS, SQUAMOUS, NEVUS)]
    own = softmax(outputs.logits[:, places])
    np.testing.assert_allclose(seven.probabilities[:, 0], own[:, 0] + own[:, 1])
    assert seven.stated.tolist() == [0, 0, 0, 1, 0, 0, 0, *[1] * 6]
    figures = figures_of(NINE)
    assert set(figures["per_class"]) == {"akiec", "nv"}
    assert figures["per_class"]["akiec"]["sensitivity"] == pytest.approx(6 / 7)


def test_it_has_its_own_row_of_figures_where_it_is_an_output() -> None:
    figures = figures_of(NINE)
    own = figures["scc"]["output"]
    assert (own["n"], own["sensitivity"], own["specificity"]) == (4, 0.75, 1.0)
    assert figures["scc"]["n"] == 4
    assert figures["bands"][SQUAMOUS]["sensitivity"] == 0.75
    assert "squamous cell carcinoma (an output of its own): of 4" in printed(figures)


def test_without_the_output_it_is_measured_as_before() -> None:
    figures = figures_of(EIGHT)
    assert "output" not in figures["scc"]
    assert figures["scc"]["n"] == 4
    assert set(figures["per_class"]) == {"akiec", "nv"}
    assert SQUAMOUS not in figures["bands"]
    assert "(trained as actinic keratosis): of 4" in printed(figures)


def test_the_card_says_what_it_is_counted_as() -> None:
    pictures = [sample(0, key) for key in NINE]
    nine, eight = (" ".join(describe_limits(label_for(pictures, to))) for to in (NINE, EIGHT))
    assert "It knows eight classes of lesions" in nine
    assert "is counted as actinic keratosis" not in nine
    assert "It knows seven classes of lesions" in eight
    assert "Squamous cell carcinoma is counted as actinic keratosis" in eight
    assert describe_missing_labels(EIGHT) == describe_missing_labels(NINE) == ()
    assert describe_missing_labels(toy_model().labels) == ()


def test_a_training_from_a_model_without_the_output_makes_one_with_it(joined: Joined) -> None:
    model = open_model(joined.model)
    assert model.labels == NINE
    assert SQUAMOUS in model.calibration.for_modality(Modality.CLINICAL).thresholds
    figures = model.card.figures["test"]
    assert figures["scc"]["output"]["condition"] == SQUAMOUS
    assert figures["other_diseases"]["n"] == 2, "held out; the others are in no training"
    assert "inflammatory" not in model.card.model_dump()["training"]["pictures"]["train"]
    assert "diseases that the model does not name" in (joined.model / README).read_text()
    assert set(figures["by_modality"]["clinical"]["per_class"]) == {"akiec", "nv"}
    finding = classify_photo(model, photo_of("actinic_keratosis"))
    assert {entry.key for entry in finding.ranked} == {*NINE}
    assert {entry.key for entry in finding.within_known_classes().ranked} == {*EIGHT}
