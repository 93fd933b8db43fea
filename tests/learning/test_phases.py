"""One phase on a toy network: interrupted it ends alike, bored it ends early."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from skinapi.learning import training
from skinapi.learning.batches import Batches, Floats, Rows, deal, weigh_classes
from skinapi.learning.training import Course, Phase, WarmupCosine, run_phase

PHASE = Phase("toy", "head", epochs=4, learning_rate=1e-2, batch=8, patience=9)
RANDOM = np.random.default_rng(0)
LABELS = [row % 3 for row in range(48)]
ANSWERS = np.eye(3, dtype=np.float32)[LABELS]
INPUTS = RANDOM.normal(size=(48, 5)).astype(np.float32) + np.eye(3, 5, dtype=np.float32)[LABELS]


def fetch(rows: Rows, _: np.random.Generator) -> tuple[Floats, Floats]:
    return INPUTS[rows], ANSWERS[rows]


def toy_network() -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Dense(16),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(3),
    ]
    return keras.Sequential([keras.Input((5,)), *layers])


def run_toy(folder: Path, phase: Phase = PHASE, scores: Iterator[float] | None = None) -> Course:
    model = toy_network()

    def score(trained: keras.Model) -> dict[str, float]:
        logits = trained.predict_on_batch(INPUTS)
        return {"macro_auc": next(scores) if scores else float((logits.argmax(1) == LABELS).mean())}

    batches = Batches(
        fetch=fetch,
        labels=LABELS,
        outputs=3,
        batch=phase.batch,
        mixup=phase.mixup,
        seed=0,
    )
    return run_phase(
        phase=phase, model=model, batches=batches, score=score, folder=folder, report=lambda _: None
    )


def test_interrupted_twice_it_ends_with_the_very_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unplugged(BaseException):
        pass

    unharmed = run_toy(tmp_path / "unharmed")
    checkpoint = training._checkpoint

    def pull_the_plug(folder: Path, model: keras.Model, course: Course) -> None:
        checkpoint(folder, model, course)
        raise Unplugged

    with monkeypatch.context() as patched:
        patched.setattr(training, "_checkpoint", pull_the_plug)
        for _ in range(2):
            with pytest.raises(Unplugged):
                run_toy(tmp_path / "harmed")
    assert run_toy(tmp_path / "harmed") == unharmed
    for left, right in zip(
        training.load_arrays(tmp_path / "harmed" / "best.npz"),
        training.load_arrays(tmp_path / "unharmed" / "best.npz"),
        strict=True,
    ):
        np.testing.assert_array_equal(left, right)


def test_the_average_is_what_validation_sees_and_not_where_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_toy(tmp_path / "averaged")
    monkeypatch.setattr(training, "_momentum", lambda *_: 0.0)
    run_toy(tmp_path / "plain", scores=iter([0.1, 0.2, 0.3, 0.4]))
    averaged, plain = (
        training.load_arrays(tmp_path / name / "state-4.npz")[:2] for name in ("averaged", "plain")
    )
    for left, right in zip(averaged, plain, strict=True):
        np.testing.assert_array_equal(left, right)
    best, last = (
        training.load_arrays(tmp_path / name / "best.npz")[:2] for name in ("averaged", "plain")
    )
    np.testing.assert_array_equal(last[0], plain[0])
    assert not np.allclose(best[0], last[0])


def test_it_learns(tmp_path: Path) -> None:
    course = run_toy(tmp_path, replace(PHASE, epochs=12, learning_rate=3e-2, mixup=0.0))
    assert course.best > 0.6
    assert course.history[-1]["loss"] < course.history[0]["loss"]


def test_it_stops_when_nothing_improves_and_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.5, 0.9, 0.8, 0.7])
    course = run_toy(tmp_path, replace(PHASE, epochs=9, patience=2), scores)
    assert (course.epoch, course.best_epoch, course.best) == (4, 2, 0.9)


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    schedule = WarmupCosine(1.0, warmup_steps=10, steps=110)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 9, 10, 60, 110)]
    np.testing.assert_allclose(rates, [0.1, 1.0, 1.0, 0.505, 0.01], atol=1e-6)


def test_rare_classes_weigh_more_by_the_square_root() -> None:
    weights = weigh_classes([0] * 16 + [1] * 4, outputs=3)
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[2] == 0
    assert (weights[0] * 16 + weights[1] * 4) / 20 == pytest.approx(1)


def test_a_rare_class_is_dealt_more_often_and_each_of_its_pictures_alike() -> None:
    labels = np.array([0] * 64 + [1] * 4)
    share = weigh_classes(labels.tolist(), outputs=2)[labels]
    dealt = [np.bincount(deal(share, np.random.default_rng(s)), minlength=68) for s in range(40)]
    assert all(times.sum() == 68 for times in dealt)
    for times in dealt:
        assert (np.abs(times - share) < 1).all()
    assert np.mean([times[64:].sum() for times in dealt]) == pytest.approx(68 / 5, rel=0.05)
    first, second = (deal(share, np.random.default_rng(seed)) for seed in range(2))
    assert not np.array_equal(first, second)


def test_mixed_labels_still_sum_to_one() -> None:
    batches = Batches(fetch=fetch, labels=LABELS, outputs=3, batch=8, mixup=0.4, seed=3)
    _, mixed = batches[0]
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-6)
    assert ((mixed > 0).sum(axis=1) == 2).any()
    _, again = batches[0]
    np.testing.assert_array_equal(mixed, again)
