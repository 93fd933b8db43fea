"""The figure that decides which epoch is kept: no source outvotes another."""

from pathlib import Path

import numpy as np
import pytest

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.train.scoring import require_scorable, score_logits

CLASSES = ("nevus", "melanoma", "carcinoma", "normal_skin")


def samples_of(source: str, *labels: str) -> list[Sample]:
    return [
        Sample(f"{source}{row}", Path("x"), label, str(row), source=source)
        for row, label in enumerate(labels)
    ]


def answers_to(samples: list[Sample], *, wrong: str = "") -> np.ndarray:
    """Sure of every label, and of another one in the pictures of the source `wrong`."""
    logits = np.zeros((len(samples), len(CLASSES)))
    for row, sample in enumerate(samples):
        place = CLASSES.index(sample.label)
        logits[row, (place + 1) % 2 if sample.source == wrong else place] = 9
    return logits


LARGE = samples_of("large", *["nevus"] * 90, *["melanoma"] * 10)
SMALL = samples_of("small", "nevus", "melanoma")


def test_the_mean_over_sources_decides_whatever_their_size() -> None:
    both = [*LARGE, *SMALL]
    scores = score_logits(answers_to(both, wrong="small"), samples=both, classes=CLASSES)
    assert (scores["macro_auc_large"], scores["macro_auc_small"]) == (1, 0)
    assert scores["macro_auc"] == pytest.approx(0.5)
    assert scores["balanced_accuracy"] == pytest.approx(0.5)


def test_of_one_source_its_own_figures_are_the_score() -> None:
    scores = score_logits(answers_to(LARGE), samples=LARGE, classes=CLASSES)
    assert set(scores) == {"macro_auc", "balanced_accuracy", "val_accuracy", "val_loss"}
    assert scores["macro_auc"] == scores["val_accuracy"] == 1


def test_a_source_is_scored_over_the_classes_that_it_holds() -> None:
    """An output that no picture of the source can have does not count against it."""
    logits = answers_to(SMALL)
    logits[:, CLASSES.index("carcinoma")] = 99
    assert score_logits(logits, samples=SMALL, classes=CLASSES)["balanced_accuracy"] == 1


def test_normal_skin_does_not_decide_but_is_told() -> None:
    skin = samples_of("small", "normal_skin", "normal_skin")
    with_skin = [*SMALL, *skin]
    logits = answers_to(with_skin)
    logits[-1] = logits[0]
    scores = score_logits(logits, samples=with_skin, classes=CLASSES)
    assert scores.pop("normal_skin_recognised") == 0.5
    assert scores == score_logits(logits[:2], samples=SMALL, classes=CLASSES)


def test_a_source_with_one_class_cannot_be_scored_and_is_left_out() -> None:
    both = [*SMALL, *samples_of("nevi", "nevus", "nevus", "normal_skin")]
    scores = score_logits(answers_to(both), samples=both, classes=CLASSES)
    assert "macro_auc_nevi" not in scores
    assert scores["macro_auc"] == 1


def test_a_validation_without_two_classes_in_a_source_is_refused() -> None:
    require_scorable(SMALL)
    odd = [*samples_of("a", "nevus", "normal_skin"), *samples_of("b", "melanoma")]
    with pytest.raises(BadDataset, match="holds melanoma, nevus, normal_skin"):
        require_scorable(odd)
    with pytest.raises(BadDataset, match="holds nothing"):
        require_scorable([])
