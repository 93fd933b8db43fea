"""One phase of the recipe: warm-up and cosine, averaged weights, early stopping; stopped anywhere,
it goes on.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.batches import Batches
from skinapi.learning.train.networks import Depth

Score = Callable[[keras.Model], dict[str, float]]
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Phase:
    """What is trained and how hard. Epochs are an upper bound: patience ends what no longer
    improves.

    `views` counts the augmented views that are computed beforehand; 0 augments live. Of what is
    shown, the share `marked` bears a pen ring, a ruler or a dark rim, and the share `spoiled` is
    worse than what is asked about. `shrink` is the share of the served side that pictures are shown
    at: half the side is a quarter of the work. After the share `shrink_until` of the phase they
    grow to the full side, under the same learning rate schedule and average. The rate ends at its
    share `lowest_rate`; the averaged weights never reach back over more than the share `ema_reach`
    of the phase.
    """

    name: str
    depth: Depth
    epochs: int
    learning_rate: float
    batch: int = 32
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    lowest_rate: float = 0.01
    clip_norm: float = 1.0
    ema: float = 0.998
    ema_reach: float = 0.2
    mixup: float = 0.4
    patience: int = 5
    views: int = 0
    spoiled: float = 0.0
    marked: float = 0.0
    shrink: float = 1.0
    shrink_until: float = 1.0

    def __post_init__(self) -> None:
        if self.grows and (self.views or self.depth != "whole"):
            raise ValueError(f"{self.name}: only live pictures of a whole network can grow")

    @property
    def grows(self) -> bool:
        return self.shrink < 1.0 and self.shrink_until < 1.0


@dataclass(slots=True)
class PhaseStatus:
    """Where a phase stands; written beside its weights after every epoch."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A straight line up, then half a cosine down to the share `lowest` of the peak."""

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
) -> PhaseStatus:
    """Trains the model in place and leaves it with the best averaged weights that validation saw.

    `score` answers figures whose `macro_auc` decides. Interrupted anywhere, the next call goes on
    after the last finished epoch with the same schedule, the same batches and the same averages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _compile(model, phase, steps=len(batches))
    course = read_status(folder)
    if course.epoch:
        _assign(_state_of(model), load_arrays(folder / f"state-{course.epoch}.npz"))
    progress = Progress(phase.name, (phase.epochs - course.epoch) * len(batches), report)
    while not course.finished:
        loss, own = _train_epoch(model, batches, course.epoch, progress)
        _validate_epoch(model, score, course, loss, folder)
        _assign(model.trainable_variables, own)
        tired = course.epoch - course.best_epoch >= phase.patience
        course.finished = tired or course.epoch == phase.epochs
        _checkpoint(folder, model, course)
        shown = " ".join(f"{name} {value:.4f}" for name, value in course.history[-1].items())
        report(f"{phase.name} of {phase.epochs}: {shown}")
    model.set_weights(load_arrays(folder / "best.npz"))
    return course


def _compile(model: keras.Model, phase: Phase, *, steps: int) -> None:
    schedule = WarmupCosine(
        phase.learning_rate,
        warmup_steps=round(phase.warmup_epochs * steps),
        steps=phase.epochs * steps,
        lowest=phase.lowest_rate,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=phase.weight_decay,
        use_ema=True,
        ema_momentum=_momentum(phase, steps),
        global_clipnorm=phase.clip_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(model.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA makes TensorFlow slower on processors; JAX is nothing without it.
    model.compile(optimizer=optimizer, loss=loss, jit_compile=keras.backend.backend() == "jax")


def _momentum(phase: Phase, steps: int) -> float:
    """Lower than asked for where the phase is short."""
    return min(phase.ema, 1.0 - 1.0 / (1.0 + phase.ema_reach * phase.epochs * steps))


def _train_epoch(
    model: keras.Model, batches: Batches, epoch: int, progress: Progress
) -> tuple[float, list[Array]]:
    """The loss, and the weights to go on from: Keras ends every `fit` with their average in their
    place.
    """
    losses: list[float] = []
    own: list[Array] = _values(model.trainable_variables)

    def keep_own(*_: object) -> None:
        own[:] = _values(model.trainable_variables)

    told = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: progress.advance(note=f", loss {logs['loss']:.4f}"),
        on_epoch_end=keep_own,
    )
    for part in batches.parts(epoch):
        _assign(model.trainable_variables, own)
        history = model.fit(part, epochs=1, verbose=0, shuffle=False, callbacks=[told])
        losses += [float(history.history["loss"][0])] * len(part)
    return float(np.mean(losses)), own


def _validate_epoch(
    model: keras.Model, score: Score, course: PhaseStatus, loss: float, folder: Path
) -> None:
    """Validation sees the averaged weights."""
    scores = score(model)
    course.epoch += 1
    course.history.append({"epoch": course.epoch, "loss": loss, **scores})
    if scores["macro_auc"] > course.best:
        course.best, course.best_epoch = scores["macro_auc"], course.epoch
        save_arrays(folder / "best.npz", model.get_weights())


def _checkpoint(folder: Path, model: keras.Model, course: PhaseStatus) -> None:
    state = folder / f"state-{course.epoch}.npz"
    save_arrays(state, _values(_state_of(model)))
    partial = folder / "course.partial"
    partial.write_text(json.dumps(asdict(course), indent=1), encoding="utf-8")
    partial.replace(folder / "course.json")
    for old in folder.glob("state-*.npz"):
        if old != state:
            old.unlink()


def read_status(folder: Path) -> PhaseStatus:
    """How far the phase in this folder has come; a new one where there is none."""
    written = folder / "course.json"
    if not written.exists():
        return PhaseStatus()
    return PhaseStatus(**json.loads(written.read_text(encoding="utf-8")))


def _state_of(model: keras.Model) -> list[keras.Variable]:
    """Weights, the dropout's random state, and the optimizer with its averages and its step."""
    measured = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in measured]
    return [*own, *model.optimizer.variables]


def _values(variables: Sequence[keras.Variable]) -> list[Array]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Sequence[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save_arrays(path: Path, arrays: Sequence[Array]) -> None:
    """All or nothing: a full disk leaves the earlier file as it was."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        np.savez(out, *arrays)
    partial.replace(path)


def load_arrays(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]
