"""Trains one phase, with early stopping and a checkpoint after every epoch."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.inputs.batches import Batches
from skinapi.learning.train.optimizers import make_optimizer
from skinapi.learning.train.phases import Phase
from skinapi.storage.files import written_durably

Score = Callable[[keras.Model], dict[str, float]]
# Called after each epoch with the phase's name and the epoch's metrics.
OnEpoch = Callable[[str, dict[str, float]], None]
Array = NDArray[np.float32]


@dataclass(slots=True)
class PhaseStatus:
    """How far a phase has come. Written to course.json, beside the weights, after every epoch."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


def run_phase(
    *,
    phase: Phase,
    model: keras.Model,
    batches: Batches,
    score: Score,
    folder: Path,
    report: Report,
    on_epoch: OnEpoch,
) -> PhaseStatus:
    """Trains the model in place, and leaves it with the averaged weights of its best epoch.

    `score` returns the validation metrics; `macro_auc` decides which epoch is best. The next call
    on the same folder resumes after the last finished epoch, with the same schedule, batches and
    moving averages as if nothing had happened. `on_epoch` is told of those epochs again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _compile(model, phase, steps=len(batches))
    status = read_status(folder)
    if status.epoch:
        _assign(_state_of(model), load_arrays(folder / f"state-{status.epoch}.npz"))
    for finished in status.history:
        on_epoch(phase.name, finished)
    progress = Progress(phase.name, (phase.epochs - status.epoch) * len(batches), report)
    while not status.finished:
        trained, trained_weights = _train_epoch(model, batches, status.epoch, progress)
        _validate_epoch(model, score, status, trained, folder)
        # Validation has seen the moving average; training goes on from the weights themselves.
        _assign(model.trainable_variables, trained_weights)
        out_of_patience = status.epoch - status.best_epoch >= phase.patience
        status.finished = out_of_patience or status.epoch == phase.epochs
        _checkpoint(folder, model, status)
        on_epoch(phase.name, status.history[-1])
        shown = " ".join(f"{name} {value:.4f}" for name, value in status.history[-1].items())
        report(f"{phase.name} of {phase.epochs}: {shown}")
    model.set_weights(load_arrays(folder / "best.npz"))
    return status


def _compile(model: keras.Model, phase: Phase, *, steps: int) -> None:
    optimizer = make_optimizer(phase, model.trainable_variables, steps=steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA slows TensorFlow down on CPUs, but JAX needs it.
    jit = keras.backend.backend() == "jax"
    # An object, because it has its variables already. Those of one that is only named are made in
    # the first step, and TensorFlow then traces the step a second time without them.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy], jit_compile=jit)


def _train_epoch(
    model: keras.Model, batches: Batches, epoch: int, progress: Progress
) -> tuple[dict[str, float], list[Array]]:
    """The mean loss and accuracy, and the weights to continue with.

    Keras ends every `fit` by overwriting the weights with their moving average. Validation wants
    that average, but training must continue from the weights themselves, hence `trained_weights`.
    """
    means: list[dict[str, float]] = []
    trained_weights: list[Array] = _values(model.trainable_variables)

    def keep_trained(*_: object) -> None:
        trained_weights[:] = _values(model.trainable_variables)

    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: progress.advance(note=f", loss {logs['loss']:.4f}"),
        on_epoch_end=keep_trained,
    )
    for segment in batches.segments(epoch):
        # Undoes what the previous segment's `fit` has overwritten.
        _assign(model.trainable_variables, trained_weights)
        history = model.fit(segment, epochs=1, verbose=0, shuffle=False, callbacks=[callback])
        mean = {name: float(history.history[name][0]) for name in ("loss", "accuracy")}
        means += [mean] * len(segment)
    averages = {name: float(np.mean([mean[name] for mean in means])) for name in means[0]}
    return averages, trained_weights


def _validate_epoch(
    model: keras.Model,
    score: Score,
    status: PhaseStatus,
    trained: dict[str, float],
    folder: Path,
) -> None:
    """Scores the averaged weights, which Keras has left in the model, and keeps the best ones."""
    scores = score(model)
    status.epoch += 1
    status.history.append({"epoch": status.epoch, **trained, **scores})
    if scores["macro_auc"] > status.best:
        status.best, status.best_epoch = scores["macro_auc"], status.epoch
        save_arrays(folder / "best.npz", model.get_weights())


def _checkpoint(folder: Path, model: keras.Model, status: PhaseStatus) -> None:
    state = folder / f"state-{status.epoch}.npz"
    save_arrays(state, _values(_state_of(model)))
    # The status names the state file, so it is written last and replaced at once: interrupted
    # anywhere, the folder still holds one complete checkpoint.
    with written_durably(folder / "course.json") as draft:
        draft.write_text(json.dumps(asdict(status), indent=1), encoding="utf-8")
    for old in folder.glob("state-*.npz"):
        if old != state:
            old.unlink()


def read_status(folder: Path) -> PhaseStatus:
    """The status saved in this folder; that of a new phase where nothing was saved."""
    written = folder / "course.json"
    if not written.exists():
        return PhaseStatus()
    return PhaseStatus(**json.loads(written.read_text(encoding="utf-8")))


def _state_of(model: keras.Model) -> list[keras.Variable]:
    """Everything that a checkpoint needs: weights, dropout seeds, optimizer state with the moving
    averages. The metrics are left out: they start anew in each epoch.
    """
    measured = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in measured]
    return [*own, *model.optimizer.variables]


def _values(variables: Sequence[keras.Variable]) -> list[Array]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Sequence[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save_arrays(path: Path, arrays: Sequence[Array]) -> None:
    """Writes the file completely or not at all: a full disk leaves the earlier one untouched."""
    with written_durably(path) as draft, draft.open("wb") as out:
        np.savez(out, *arrays)


def load_arrays(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]
