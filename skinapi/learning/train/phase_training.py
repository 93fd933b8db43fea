"""Trains one phase: cosine schedule with warm-up, moving average of the weights, early stopping,
and a checkpoint after every epoch.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.inputs.batches import Batches
from skinapi.learning.train.phases import Optimizer, Phase

Score = Callable[[keras.Model], dict[str, float]]
# Called after each epoch with the phase's name and the epoch's metrics.
OnEpoch = Callable[[str, dict[str, float]], None]
OPTIMIZERS: Mapping[Optimizer, Callable[..., keras.optimizers.Optimizer]] = {
    "AdamW": keras.optimizers.AdamW,
    "Adam": keras.optimizers.Adam,
    "SGD": partial(keras.optimizers.SGD, momentum=0.9),
    "RMSprop": keras.optimizers.RMSprop,
}
Array = NDArray[np.float32]


@dataclass(slots=True)
class PhaseStatus:
    """How far a phase has come. Written to course.json, beside the weights, after every epoch."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rises linearly to `peak`, then falls as half a cosine to the share `lowest` of it."""

    def __init__(self, peak: float, warmup_steps: int, steps: int, lowest: float) -> None:
        self._peak = peak
        self._warmup = max(1, warmup_steps)
        self._lowest = lowest
        self._falling = max(1, steps - self._warmup)

    def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
        step = keras.ops.cast(step, "float32")
        rising = (step + 1.0) / self._warmup
        done = keras.ops.clip((step - self._warmup) / self._falling, 0.0, 1.0)
        cosine = 0.5 * (1.0 + keras.ops.cos(math.pi * done))
        falling = self._lowest + (1.0 - self._lowest) * cosine
        return self._peak * keras.ops.minimum(rising, falling)


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
        trained, own = _train_epoch(model, batches, status.epoch, progress)
        _validate_epoch(model, score, status, trained, folder)
        # Validation has seen the moving average; training goes on from the weights themselves.
        _assign(model.trainable_variables, own)
        out_of_patience = status.epoch - status.best_epoch >= phase.patience
        status.finished = out_of_patience or status.epoch == phase.epochs
        _checkpoint(folder, model, status)
        on_epoch(phase.name, status.history[-1])
        shown = " ".join(f"{name} {value:.4f}" for name, value in status.history[-1].items())
        report(f"{phase.name} of {phase.epochs}: {shown}")
    model.set_weights(load_arrays(folder / "best.npz"))
    return status


def _compile(model: keras.Model, phase: Phase, *, steps: int) -> None:
    schedule = WarmupCosine(
        phase.learning_rate,
        warmup_steps=round(phase.warmup_epochs * steps),
        steps=phase.epochs * steps,
        lowest=phase.lowest_rate,
    )
    optimizer = OPTIMIZERS[phase.optimizer](
        schedule,
        weight_decay=phase.weight_decay,
        use_ema=True,
        ema_momentum=_momentum(phase, steps),
        global_clipnorm=phase.clip_norm,
    )
    # As usual: decaying biases and normalisations does not regularise.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # Built now, not at the first step: a checkpoint can only be loaded into existing variables.
    optimizer.build(model.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA slows TensorFlow down on CPUs, but JAX needs it.
    jit = keras.backend.backend() == "jax"
    # An object, because it has its variables already. Those of one that is only named are made in
    # the first step, and TensorFlow then traces the step a second time without them.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy], jit_compile=jit)


def _momentum(phase: Phase, steps: int) -> float:
    """Lower than `phase.ema` where the phase is short: else the starting weights would dominate."""
    return min(phase.ema, 1.0 - 1.0 / (1.0 + phase.ema_reach * phase.epochs * steps))


def _train_epoch(
    model: keras.Model, batches: Batches, epoch: int, progress: Progress
) -> tuple[dict[str, float], list[Array]]:
    """The mean loss and accuracy, and the weights to continue with.

    Keras ends every `fit` by overwriting the weights with their moving average. Validation wants
    that average, but training must continue from the weights themselves, hence `own`.
    """
    means: list[dict[str, float]] = []
    own: list[Array] = _values(model.trainable_variables)

    def keep_own(*_: object) -> None:
        own[:] = _values(model.trainable_variables)

    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: progress.advance(note=f", loss {logs['loss']:.4f}"),
        on_epoch_end=keep_own,
    )
    for segment in batches.segments(epoch):
        # Undoes what the previous segment's `fit` has overwritten.
        _assign(model.trainable_variables, own)
        history = model.fit(segment, epochs=1, verbose=0, shuffle=False, callbacks=[callback])
        mean = {name: float(history.history[name][0]) for name in ("loss", "accuracy")}
        means += [mean] * len(segment)
    return {name: float(np.mean([mean[name] for mean in means])) for name in means[0]}, own


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
    partial = folder / "course.partial"
    partial.write_text(json.dumps(asdict(status), indent=1), encoding="utf-8")
    partial.replace(folder / "course.json")
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
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        np.savez(out, *arrays)
    partial.replace(path)


def load_arrays(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]
