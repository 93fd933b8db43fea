from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.train.recipe import Floats, Recipe, Rows, Sampler, TrainingData, learning_rate
from skinapi.learning.train.training import (
    OnEpoch,
    TrainingRun,
    TrainingStatus,
    require_scorable,
    run_epochs,
    score_logits,
)
from skinapi.learning.train.weights import load_arrays
from tests.support.size import size

TOY = Recipe(learning_rate=1e-2, epochs=4, batch=8, patience=9)
RANDOM = np.random.default_rng(0)
LABELS = [row % 3 for row in range(48)]
ANSWERS = np.eye(3, dtype=np.float32)[LABELS]
ALIKE = Sampler(np.ones(48), np.asarray(LABELS))
INPUTS = RANDOM.normal(size=(48, 5)).astype(np.float32) + np.eye(3, 5, dtype=np.float32)[LABELS]
DATA = TrainingData(
    ("a", "b", "c"),
    train=[Sample(f"{row}", Path("x"), "abc"[label], f"{row}") for row, label in enumerate(LABELS)],
    validation=[],
)


class Interrupted(BaseException):
    pass


def fetch(rows: Rows, _: np.random.Generator) -> tuple[Floats, Floats]:
    return INPUTS[rows], ANSWERS[rows]


def toy_network() -> keras.Model:
    keras.utils.set_random_seed(1)
    it = keras.layers
    layers = [it.Dense(16), it.BatchNormalization(), it.ReLU(), it.Dropout(0.3), it.Dense(3)]
    return keras.Sequential([keras.Input((5,)), *layers])


def run_toy(
    folder: Path,
    recipe: Recipe = TOY,
    scores: Iterator[float] | None = None,
    on_epoch: OnEpoch = lambda *_: None,
) -> TrainingStatus:
    def score(trained: keras.Model) -> dict[str, float]:
        logits = trained.predict_on_batch(INPUTS)
        return {"macro_auc": next(scores) if scores else float((logits.argmax(1) == LABELS).mean())}

    run = TrainingRun(recipe, DATA, folder, lambda _: None, on_epoch)
    return run_epochs(run, toy_network(), fetch, score)


@dataclass(frozen=True)
class Unharmed:
    folder: Path
    status: TrainingStatus


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Unharmed:
    folder = tmp_path_factory.mktemp("unharmed")
    return Unharmed(folder, run_toy(folder))


def test_interrupted_it_ends_with_the_very_same_weights(unharmed: Unharmed, tmp_path: Path) -> None:
    ends = list(range(1, size(1, 2) + 1))

    def interrupt(row: dict[str, float], _last: bool) -> None:
        if ends and row["epoch"] == ends[0]:
            raise Interrupted

    while ends:
        with pytest.raises(Interrupted):
            run_toy(tmp_path, on_epoch=interrupt)
        ends.pop(0)
    assert run_toy(tmp_path) == unharmed.status
    for left, right in zip(
        *(load_arrays(folder / "best.npz") for folder in (tmp_path, unharmed.folder)), strict=True
    ):
        np.testing.assert_array_equal(left, right)


def test_it_learns_and_tells_each_epoch_again_where_it_resumes(unharmed: Unharmed) -> None:
    epochs: list[tuple[dict[str, float], bool]] = []
    assert run_toy(unharmed.folder, on_epoch=lambda *epoch: epochs.append(epoch)) == unharmed.status
    told = [row for row, _ in epochs]
    assert told == unharmed.status.history
    assert [last for _, last in epochs] == [False, False, False, True]
    assert [row["epoch"] for row in told] == [1, 2, 3, 4]
    assert told[-1]["loss"] < 0.9 * told[0]["loss"]
    assert all(0 <= row["accuracy"] <= 1 for row in told)


def test_the_average_is_what_validation_sees_and_not_where_training_goes_on(
    unharmed: Unharmed, tmp_path: Path
) -> None:
    run_toy(tmp_path, replace(TOY, ema=0.0), scores=iter([0.1, 0.2, 0.3, 0.4]))
    folders = (unharmed.folder, tmp_path)
    averaged, plain = (load_arrays(folder / "state-4.npz")[:2] for folder in folders)
    for left, right in zip(averaged, plain, strict=True):
        np.testing.assert_array_equal(left, right)
    best, last = (load_arrays(folder / "best.npz")[:2] for folder in folders)
    np.testing.assert_array_equal(last[0], plain[0])
    assert not np.allclose(best[0], last[0])


def test_it_stops_when_nothing_improves_and_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.5, 0.9, 0.8, 0.7])
    status = run_toy(tmp_path, replace(TOY, epochs=9, patience=2, optimizer="SGD"), scores)
    assert (status.epoch, status.best_epoch, status.best) == (4, 2, 0.9)


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    recipe = replace(TOY, epochs=11, learning_rate=1.0)
    schedule = learning_rate(recipe, steps=10)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 4, 9, 60, 110)]
    np.testing.assert_allclose(rates, [0.1, 0.5, 1.0, 0.4973, 0.01], atol=1e-4)
    at_once = learning_rate(replace(recipe, warmup_epochs=0), steps=10)
    assert float(keras.ops.convert_to_numpy(at_once(0))) == pytest.approx(1.0)


CLASSES = ("nevus", "melanoma", "carcinoma", "normal_skin")


def samples_of(source: str, *labels: str) -> list[Sample]:
    return [
        Sample(f"{source}{row}", Path("x"), label, str(row), source=source)
        for row, label in enumerate(labels)
    ]


def answers_to(samples: list[Sample], *, wrong: str = "") -> np.ndarray:
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
