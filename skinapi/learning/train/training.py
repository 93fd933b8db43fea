"""Trains a network with a checkpoint and validation metrics after each epoch, so that an
interrupted training resumes exactly.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.metrics import balanced_accuracy, log_loss, macro_auc
from skinapi.learning.progress import Progress, Report, StageLine
from skinapi.learning.train.recipe import (
    Batches,
    EpochBatches,
    Fetch,
    Recipe,
    TrainingData,
    Views,
    load_tensor,
    make_optimizer,
    make_sampler,
)
from skinapi.learning.train.weights import Array, assign, load_arrays, save_arrays, state_of, values
from skinapi.model.calibration import softmax
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.platform.storage.files import written_durably

SCORED_AT_ONCE = 32
RECORD = "training.json"

Logits = NDArray[np.floating]
Score = Callable[[keras.Model], dict[str, float]]
# Called after each epoch with its metrics, and whether it was the last. One that this call has
# trained has the `seconds` that it took.
OnEpoch = Callable[[dict[str, float], bool], None]


@dataclass(slots=True)
class TrainingStatus:
    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TrainingRun:
    recipe: Recipe
    data: TrainingData
    folder: Path
    report: Report
    on_epoch: OnEpoch = lambda *_: None


def train_network(
    run: TrainingRun, initialise: Callable[[keras.Model], object]
) -> tuple[keras.Model, TrainingStatus]:
    """Return the network in float32 with the best validated weights.

    Called again with the same folder, it resumes after the last finished epoch, and refuses another
    recipe or other data. With no epochs it returns the starting weights.
    """
    recipe, data = run.recipe, run.data
    # What would otherwise fail after hours.
    require_scorable(data.validation)
    make_sampler(recipe, data)
    run.report(StageLine("Building the network"))
    keras.utils.set_random_seed(recipe.seed)
    network = recipe.build(len(data.classes), compute=recipe.compute)
    initialise(network)
    _refuse_other_training(run, network)
    status = TrainingStatus(finished=True)
    if recipe.epochs:
        # Again, for the starting weights may have drawn some.
        keras.utils.set_random_seed(recipe.seed)
        status = _train(run, network)
    plain = recipe.build(network.output.shape[-1], compute="float32")
    plain.set_weights(network.get_weights())
    return plain, status


def _train(run: TrainingRun, network: keras.Model) -> TrainingStatus:
    if run.recipe.still:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
    return run_epochs(
        run,
        network,
        Views(run.data, run.recipe).fetch,
        lambda model: score_network(model, run),
    )


def run_epochs(run: TrainingRun, model: keras.Model, fetch: Fetch, score: Score) -> TrainingStatus:
    """Train the model in place, and leave it with the averaged weights of its best epoch. The next
    call with the same folder resumes after the last finished epoch, and repeats `on_epoch` for the
    earlier ones.
    """
    recipe, folder = run.recipe, run.folder
    folder.mkdir(parents=True, exist_ok=True)
    batches = Batches(fetch, make_sampler(recipe, run.data), recipe.batch, recipe.seed)
    _compile(model, recipe, steps=len(batches))
    status = read_status(folder)
    if status.epoch:
        assign(state_of(model), load_arrays(folder / f"state-{status.epoch}.npz"))
    for finished in status.history:
        run.on_epoch(finished, status.finished and finished is status.history[-1])
    steps = len(batches)
    progress = Progress("step", recipe.epochs * steps, run.report, done=status.epoch * steps)
    # Keras traces the network in the first step, which takes as long as many steps.
    run.report(StageLine("Compiling the network"))
    while not status.finished:
        began = time.monotonic()
        trained, weights = _train_epoch(model, EpochBatches(batches, status.epoch), progress)
        scores = score(model)
        status.epoch += 1
        status.history.append({"epoch": status.epoch, **trained, **scores})
        if scores["macro_auc"] > status.best:
            status.best, status.best_epoch = scores["macro_auc"], status.epoch
            save_arrays(folder / "best.npz", model.get_weights())
        # Validation has seen the moving average; training goes on from the weights themselves.
        assign(model.trainable_variables, weights)
        out_of_patience = status.epoch - status.best_epoch >= recipe.patience
        status.finished = out_of_patience or status.epoch == recipe.epochs
        _checkpoint(folder, model, status)
        run.on_epoch(
            {**status.history[-1], "seconds": round(time.monotonic() - began, 1)}, status.finished
        )
        shown = " ".join(f"{name} {value:.4f}" for name, value in (trained | scores).items())
        run.report(f"epoch {status.epoch}/{recipe.epochs}: {shown}")
    model.set_weights(load_arrays(folder / "best.npz"))
    return status


def _compile(model: keras.Model, recipe: Recipe, *, steps: int) -> None:
    optimizer = make_optimizer(recipe, model.trainable_variables, steps=steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA slows TensorFlow down on CPUs, but JAX needs it.
    jit = keras.backend.backend() == "jax"
    # An object, because it has its variables already. Those of one that is only named are made in
    # the first step, and TensorFlow then traces the step a second time without them.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy], jit_compile=jit)


def _train_epoch(
    model: keras.Model, batches: EpochBatches, progress: Progress
) -> tuple[dict[str, float], list[Array]]:
    """The mean loss and accuracy, and the weights to continue with.

    Keras ends every `fit` by replacing the weights with their moving average: validation uses that
    average, but training must continue from the weights.
    """
    weights: list[Array] = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: progress.advance(note=f", loss {logs['loss']:.4f}"),
        on_epoch_end=lambda *_: weights.extend(values(model.trainable_variables)),
    )
    history = model.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[callback]).history
    return {name: float(history[name][0]) for name in ("loss", "accuracy")}, weights


def _checkpoint(folder: Path, model: keras.Model, status: TrainingStatus) -> None:
    state = folder / f"state-{status.epoch}.npz"
    save_arrays(state, values(state_of(model)))
    # The status names the state file, so it is written last and replaced at once: interrupted
    # anywhere, the folder still holds one complete checkpoint.
    with written_durably(folder / "course.json") as draft:
        draft.write_text(json.dumps(asdict(status), indent=1), encoding="utf-8")
    for old in folder.glob("state-*.npz"):
        if old != state:
            old.unlink()


def read_status(folder: Path) -> TrainingStatus:
    written = folder / "course.json"
    if not written.exists():
        return TrainingStatus()
    return TrainingStatus(**json.loads(written.read_text(encoding="utf-8")))


def _refuse_other_training(run: TrainingRun, network: keras.Model) -> None:
    """Refuse to mix two trainings in one folder: recipe, data and starting weights must agree."""
    data = run.data
    start = hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights()))
    pictures = [[s.image_id, s.label, s.source, s.box] for s in (*data.train, *data.validation)]
    settings = {
        "recipe": asdict(run.recipe),
        "classes": data.classes,
        "pictures": hashlib.sha256(json.dumps(pictures).encode()).hexdigest(),
        "shares": dict(sorted(data.shares.items())),
        "start": start.hexdigest(),
    }
    refuse_other_settings(run.folder, settings)


def refuse_other_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    # Through JSON on both sides: tuples become lists, as in the recorded file.
    text = json.dumps(settings, indent=1)
    written = folder / RECORD
    if not written.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with written_durably(written) as draft:
            draft.write_text(text, encoding="utf-8")
        return
    try:
        before = json.loads(written.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise BadDataset(f"{written} cannot be read; name another folder to start anew") from broken
    now = json.loads(text)
    if differing := [name for name in {**now, **before} if before.get(name) != now.get(name)]:
        raise BadDataset(
            f"{folder} holds another training, which differs in {', '.join(differing)}. "
            "Resume it with what it began with, or name another folder to start this one."
        )


def score_network(network: keras.Model, run: TrainingRun) -> dict[str, float]:
    """Works batch by batch, so a large folder fits into memory."""
    samples, logits = run.data.validation, []
    run.report(StageLine("Validating the epoch"))
    for start in range(0, len(samples), SCORED_AT_ONCE):
        batch = [load_tensor(each, run.recipe) for each in samples[start : start + SCORED_AT_ONCE]]
        logits.append(keras.ops.convert_to_numpy(network.predict_on_batch(np.stack(batch))))
    return score_logits(np.concatenate(logits), samples=samples, classes=run.data.classes)


def score_logits(
    logits: Logits, *, samples: Sequence[Sample], classes: Sequence[str]
) -> dict[str, float]:
    """Metrics averaged over the sources, for lesion classes only. `macro_auc` selects the epoch."""
    labels = np.array([list(classes).index(sample.label) for sample in samples])
    sources = {
        source: _score(logits[rows], labels[rows])
        for source, rows in scorable_sources(samples).items()
    }
    # The mean over sources, not over pictures: the largest source would decide alone otherwise.
    names = next(iter(sources.values()))
    scores = {
        name: float(np.mean([figures[name] for figures in sources.values()])) for name in names
    }
    if len(sources) > 1:
        scores |= {f"macro_auc_{name}": figures["macro_auc"] for name, figures in sources.items()}
    skin = np.array([sample.label == NORMAL_SKIN for sample in samples])
    if skin.any():
        recognised = logits[skin].argmax(axis=1) == labels[skin]
        scores["normal_skin_recognised"] = float(recognised.mean())
    return scores


def scorable_sources(samples: Sequence[Sample]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        if sample.label != NORMAL_SKIN:
            rows.setdefault(sample.source, []).append(row)
    return {
        source: mine
        for source, mine in sorted(rows.items())
        if len({samples[row].label for row in mine}) > 1
    }


def require_scorable(samples: Sequence[Sample]) -> None:
    if not scorable_sources(samples):
        held = ", ".join(sorted({sample.label for sample in samples})) or "nothing"
        raise BadDataset(f"Validation needs two classes of lesion from one source; it holds {held}")


def _score(logits: Logits, labels: NDArray[np.integer]) -> dict[str, float]:
    """Over the classes that occur: the other outputs are removed before the softmax."""
    present, found = np.unique(labels, return_inverse=True)
    probabilities = softmax(logits[:, present])
    return {
        "macro_auc": macro_auc(probabilities, found),
        "balanced_accuracy": balanced_accuracy(probabilities, found),
        "val_accuracy": float((probabilities.argmax(axis=1) == found).mean()),
        "val_loss": log_loss(probabilities, found),
    }
