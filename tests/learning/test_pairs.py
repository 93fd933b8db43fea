import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from skinapi.learning.measure.evaluation import list_pairs, measure_answers
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.train.card import describe_figures
from skinapi.learning.train.fit_calibration import ENOUGH_PAIRS, fit_joining
from skinapi.model.context import Modality
from tests.learning.toy_answers import (
    CLINICAL,
    DERMOSCOPIC,
    answer,
    answers_of,
    told_calibration,
    toy_model,
)

NEVUS, MELANOMA = "melanocytic_nevus", "melanoma"
HALF = {NEVUS: 0.49, MELANOMA: 0.51}


def picture(truth: str, said: Any, *, lesion: str, modality: Modality = CLINICAL) -> Any:
    name = f"{lesion}-{modality}"
    return answer(truth, said, lesion=name, lesion_id=lesion, modality=modality, seen_as=modality)


def pairs_of(close_up: Any, lens: Any, *, count: int = 20) -> list[Any]:
    return [
        picture(truth, said[truth], lesion=f"{truth}{number}", modality=modality)
        for number in range(count)
        for truth in (NEVUS, MELANOMA)
        for modality, said in ((CLINICAL, close_up), (DERMOSCOPIC, lens))
    ]


RIGHT = {NEVUS: NEVUS, MELANOMA: MELANOMA}
BLIND = {NEVUS: HALF, MELANOMA: HALF}


def measured(rows: Sequence[Any]) -> dict[str, Any]:
    made = measure_answers(toy_model(), answers_of(rows), lesions_known=True)
    figures: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
    return figures


def test_a_pair_is_a_lesion_with_both_kinds_and_takes_the_first_of_each() -> None:
    rows = [
        picture(NEVUS, NEVUS, lesion="alone"),
        picture(NEVUS, NEVUS, lesion="both", modality=DERMOSCOPIC),
        answer(NEVUS, NEVUS, lesion="z", lesion_id="both", modality=CLINICAL),
        answer(NEVUS, NEVUS, lesion="a", lesion_id="both", modality=CLINICAL),
        answer(NEVUS, NEVUS, lesion="b", lesion_id="alone", modality=Modality.UNKNOWN),
        answer(NEVUS, NEVUS, lesion="c", lesion_id="alone", modality=DERMOSCOPIC, source="other"),
    ]
    assert list_pairs(answers_of(rows).samples) == [{DERMOSCOPIC: 1, CLINICAL: 3}]


def test_the_joined_answer_is_measured_against_each_picture_on_the_same_lesions() -> None:
    figures = measured(pairs_of(BLIND, RIGHT))
    pairs = figures["pairs"]
    assert pairs["n"] == 40
    assert (pairs["clinical"]["macro_auc"], pairs["dermoscopic"]["macro_auc"]) == (0.5, 1.0)
    assert pairs["joined"]["macro_auc"] == 1
    assert pairs["gain_over"]["clinical"]["macro_auc"] == 0.5
    assert pairs["gain_over"]["dermoscopic"]["macro_auc_interval"] == [0, 0]
    assert (pairs["joined"]["malignant"], pairs["joined"]["caught"]) == (20, 1)
    # Never milder than the graver picture, and that is the blind one.
    assert pairs["dermoscopic"]["benign_below"] == 1
    assert pairs["joined"]["benign_below"] == pairs["clinical"]["benign_below"] == 0
    said = describe_figures({"model_version": "toy", "skipped": {}, **figures})
    assert "40 lesions with a close-up and a dermoscope picture" in said
    assert "+0.500 [+0.500 +0.500]" in said


def test_without_pairs_of_two_classes_nothing_is_measured() -> None:
    alone = [picture(truth, truth, lesion=truth) for truth in (NEVUS, MELANOMA)]
    one_class = [*alone, picture(NEVUS, NEVUS, lesion=NEVUS, modality=DERMOSCOPIC)]
    for rows in (alone, one_class):
        assert "pairs" not in measured(rows)


def fitted(rows: Sequence[Any]) -> Any:
    outputs: ModelOutputs = answers_of(rows)
    labels = toy_model().labels
    return fit_joining(told_calibration(), labels, outputs, report=lambda _: None)


def test_the_kind_of_picture_that_knows_more_counts_more() -> None:
    random = np.random.default_rng(3)

    def sure(truth: str, right: float) -> dict[str, float]:
        other = MELANOMA if truth == NEVUS else NEVUS
        said = truth if random.random() < right else other
        return {truth: 0.1, other: 0.1} | {said: 0.8}

    rows = [
        picture(truth, sure(truth, right), lesion=f"{truth}{number}", modality=modality)
        for number in range(100)
        for truth in (NEVUS, MELANOMA)
        for modality, right in ((CLINICAL, 0.65), (DERMOSCOPIC, 0.9))
    ]
    rule = fitted(rows)
    assert rule.dermoscopic > 2 * rule.clinical > 0


@pytest.mark.parametrize("missing", [0, 1])
def test_few_pairs_fit_no_rule(missing: int) -> None:
    rows = pairs_of(BLIND, RIGHT, count=ENOUGH_PAIRS // 2)
    rows = rows[: len(rows) - missing]
    assert (fitted(rows) is None) == bool(missing)
