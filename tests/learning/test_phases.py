"""One phase on a toy network: resuming gives the same weights, and early stopping ends it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from skinapi.learning.train import optimizers, phase_training
from skinapi.learning.train.inputs.batches import Batches, FetchSwitch, Floats
from skinapi.learning.train.inputs.sampling import Rows, Sampler
from skinapi.learning.train.optimizers import learning_rate
from skinapi.learning.train.phase_training import OnEpoch, PhaseStatus, run_phase
from skinapi.learning.train.phases import Optimizer, Phase
from tests.support.size import in_drill, size

PHASE = Phase("toy", "head", epochs=4, learning_rate=1e-2, batch=8, patience=9)
RANDOM = np.random.default_rng(0)
LABELS = [row % 3 for row in range(48)]
ANSWERS = np.eye(3, dtype=np.float32)[LABELS]
ALIKE = Sampler(np.ones(48), np.asarray(LABELS))
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


def run_toy(
    folder: Path,
    phase: Phase = PHASE,
    scores: Iterator[float] | None = None,
    later: FetchSwitch | None = None,
    on_epoch: OnEpoch = lambda _, __: None,
) -> PhaseStatus:
    model = toy_network()

    def score(trained: keras.Model) -> dict[str, float]:
        logits = trained.predict_on_batch(INPUTS)
        return {"macro_auc": next(scores) if scores else float((logits.argmax(1) == LABELS).mean())}

    batches = Batches(
        fetch=fetch,
        sampler=ALIKE,
        batch=phase.batch,
        mixup=phase.mixup,
        seed=0,
        switch=later,
    )
    return run_phase(
        phase=phase,
        model=model,
        batches=batches,
        score=score,
        folder=folder,
        report=lambda _: None,
        on_epoch=on_epoch,
    )


@dataclass(frozen=True)
class Unharmed:
    """PHASE from its beginning to its end in one go."""

    folder: Path
    status: PhaseStatus


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Unharmed:
    folder = tmp_path_factory.mktemp("unharmed")
    return Unharmed(folder, run_toy(folder))


def test_interrupted_it_ends_with_the_very_same_weights(
    unharmed: Unharmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    checkpoint = phase_training._checkpoint

    def interrupt(folder: Path, model: keras.Model, course: PhaseStatus) -> None:
        checkpoint(folder, model, course)
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(phase_training, "_checkpoint", interrupt)
        for _ in range(size(1, 2)):
            with pytest.raises(Interrupted):
                run_toy(tmp_path / "harmed")
    assert run_toy(tmp_path / "harmed") == unharmed.status
    for left, right in zip(
        phase_training.load_arrays(tmp_path / "harmed" / "best.npz"),
        phase_training.load_arrays(unharmed.folder / "best.npz"),
        strict=True,
    ):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("optimizer", ["SGD", *in_drill("Adam", "RMSprop", "AdamW")])
def test_every_optimizer_trains_and_tells_each_epoch_again_where_it_resumes(
    tmp_path: Path, optimizer: Optimizer
) -> None:
    phase = replace(PHASE, optimizer=optimizer, epochs=1)
    for _ in range(2):
        told: list[tuple[str, dict[str, float]]] = []
        run_toy(tmp_path, phase, on_epoch=lambda name, row: told.append((name, row)))  # noqa: B023
        ((name, row),) = told
        assert name == phase.name
        assert row["epoch"] == 1
        assert np.isfinite(row["loss"])
        assert 0 <= row["accuracy"] <= 1


def test_the_average_is_what_validation_sees_and_not_where_training_goes_on(
    unharmed: Unharmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizers, "_momentum", lambda *_: 0.0)
    run_toy(tmp_path, scores=iter([0.1, 0.2, 0.3, 0.4]))
    folders = (unharmed.folder, tmp_path)
    averaged, plain = (phase_training.load_arrays(folder / "state-4.npz")[:2] for folder in folders)
    for left, right in zip(averaged, plain, strict=True):
        np.testing.assert_array_equal(left, right)
    best, last = (phase_training.load_arrays(folder / "best.npz")[:2] for folder in folders)
    np.testing.assert_array_equal(last[0], plain[0])
    assert not np.allclose(best[0], last[0])


def test_a_phase_trains_the_network(unharmed: Unharmed) -> None:
    assert unharmed.status.history[-1]["loss"] < 0.9 * unharmed.status.history[0]["loss"]


def test_it_stops_when_nothing_improves_and_keeps_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_weights(model: keras.Model, *_: object) -> tuple[dict[str, float], list[Floats]]:
        return {"loss": 0.0, "accuracy": 0.0}, [np.asarray(v) for v in model.trainable_variables]

    monkeypatch.setattr(phase_training, "_train_epoch", leave_weights)
    scores = iter([0.5, 0.9, 0.8, 0.7])
    course = run_toy(tmp_path, replace(PHASE, epochs=9, patience=2), scores)
    assert (course.epoch, course.best_epoch, course.best) == (4, 2, 0.9)


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    phase = replace(PHASE, epochs=11, learning_rate=1.0)
    schedule = learning_rate(phase, steps=10)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 4, 9, 60, 110)]
    np.testing.assert_allclose(rates, [0.1, 0.5, 1.0, 0.4973, 0.01], atol=1e-4)
    at_once = learning_rate(replace(phase, warmup_epochs=0), steps=10)
    assert float(keras.ops.convert_to_numpy(at_once(0))) == pytest.approx(1.0)


def test_a_phase_sets_the_last_rate_the_clipped_norm_and_the_reach_of_the_average() -> None:
    model = toy_network()
    phase = replace(PHASE, lowest_rate=0.5, clip_norm=0.25, ema_reach=0.1, ema=0.99)
    phase_training._compile(model, phase, steps=10)
    end = model.optimizer._learning_rate(phase.epochs * 10)
    assert float(keras.ops.convert_to_numpy(end)) == pytest.approx(0.5 * phase.learning_rate)
    assert model.optimizer.global_clipnorm == 0.25
    assert model.optimizer.ema_momentum == pytest.approx(0.8)


def test_mixed_labels_still_sum_to_one() -> None:
    batches = Batches(fetch=fetch, sampler=ALIKE, batch=8, mixup=0.4, seed=3)
    _, mixed = batches.load(0, 0)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-6)
    assert ((mixed > 0).sum(axis=1) == 2).any()
    _, again = batches.load(0, 0)
    np.testing.assert_array_equal(mixed, again)


def test_what_is_fetched_changes_within_an_epoch_and_no_picture_is_lost() -> None:
    def fetch_later(rows: Rows, _: np.random.Generator) -> tuple[Floats, Floats]:
        return -INPUTS[rows], ANSWERS[rows]

    later = FetchSwitch(epochs=1.5, fetch=fetch_later)
    whole, changing = (
        Batches(fetch=fetch, sampler=ALIKE, batch=8, mixup=0.0, seed=3, switch=change)
        for change in (None, later)
    )
    assert [[len(part) for part in changing.segments(epoch)] for epoch in range(4)] == [
        *([6], [3, 3]),
        *([6], [6]),
    ]
    for epoch, sign in enumerate([[1] * 6, [1] * 3 + [-1] * 3, [-1] * 6]):
        plain, seen = (
            [part[index][0] for part in batches.segments(epoch) for index in range(len(part))]
            for batches in (whole, changing)
        )
        for one, other, way in zip(plain, seen, sign, strict=True):
            np.testing.assert_array_equal(one * way, other)


def test_an_epoch_in_two_parts_trains_as_one_epoch_does(unharmed: Unharmed, tmp_path: Path) -> None:
    """Keras puts averages in the place of the weights after each part; training goes on without."""
    cut = run_toy(tmp_path, later=FetchSwitch(epochs=1.5, fetch=fetch))
    for one, other in zip(unharmed.status.history, cut.history, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    folders = (unharmed.folder, tmp_path)
    states = [phase_training.load_arrays(folder / "state-4.npz") for folder in folders]
    for left, right in zip(*states, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


@pytest.mark.parametrize("odd", [{"depth": "head"}, {"depth": "whole", "views": 2}])
def test_only_live_pictures_of_a_whole_network_grow(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="can grow"):
        Phase("odd", epochs=1, learning_rate=1.0, shrink=0.5, shrink_until=0.5, **odd)


def test_an_epoch_may_be_shorter_than_the_data_and_each_one_is_another_part_of_it() -> None:
    def fetch_rows(rows: Rows, _: np.random.Generator) -> tuple[Floats, Floats]:
        return rows.astype(np.float32), rows.astype(np.float32)

    batches = Batches(fetch=fetch_rows, sampler=ALIKE, batch=2, mixup=0.0, seed=3, steps=2)
    assert len(batches) == 2
    assert [len(part) for part in batches.segments(0)] == [2]
    drawn = [
        {float(row) for index in range(2) for row in batches.load(epoch, index)[0]}
        for epoch in range(8)
    ]
    assert all(len(rows) == 4 for rows in drawn)
    assert len({frozenset(rows) for rows in drawn}) > 4


def test_an_epoch_may_be_longer_than_the_data_and_every_batch_is_full() -> None:
    def fetch_rows(rows: Rows, _: np.random.Generator) -> tuple[Floats, Floats]:
        return rows.astype(np.float32), rows.astype(np.float32)

    batches = Batches(fetch=fetch_rows, sampler=ALIKE, batch=10, mixup=0.0, seed=3, steps=12)
    times = Counter(float(row) for index in range(12) for row in batches.load(0, index)[0])
    assert set(times.values()) == {2, 3}
    assert times.total() == 120
