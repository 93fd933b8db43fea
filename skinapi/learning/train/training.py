"""Trains a network phase by phase. Each phase starts from the best weights so far."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from skinapi.errors import BadNetwork
from skinapi.learning.progress import Report
from skinapi.learning.train.inputs.batches import Batches, Fetch, FetchSwitch
from skinapi.learning.train.inputs.network_inputs import NetworkInputs
from skinapi.learning.train.inputs.sampling import Sampler, balance_samples
from skinapi.learning.train.inputs.views import ViewCache, Views
from skinapi.learning.train.networks import (
    ARCHITECTURES,
    STRIDE,
    build_tail,
    build_trunk,
    freeze_below,
)
from skinapi.learning.train.phase_training import OnEpoch, PhaseStatus, read_status, run_phase
from skinapi.learning.train.phases import Phase
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.resuming import refuse_other_settings
from skinapi.learning.train.scoring import LoadInput, require_scorable, score_network
from skinapi.learning.train.weights.batch_norm import fuse, unfuse


@dataclass(frozen=True, slots=True)
class _Job:
    """What all phases of a training have in common."""

    recipe: Recipe
    data: TrainingData
    folder: Path
    report: Report
    on_epoch: OnEpoch


def train_network(
    *,
    recipe: Recipe,
    data: TrainingData,
    initialise: Callable[[keras.Model], None],
    folder: Path,
    report: Report,
    on_epoch: OnEpoch = lambda _, __: None,
) -> tuple[keras.Model, dict[str, PhaseStatus]]:
    """Trains a network and returns it in float32 with the best validated weights of all phases.

    Called again with the same `folder`, it resumes after the last finished epoch; with another
    recipe or other data it raises BadDataset. Part of the starting weights is averaged in where
    `recipe.keep` says so.
    """
    _require_feasible(recipe, data)
    keras.utils.set_random_seed(recipe.seed)
    network = recipe.build(len(data.classes), compute=recipe.compute, side=recipe.side)
    initialise(network)
    _refuse_other_training(folder, recipe, data, network)
    statuses: dict[str, PhaseStatus] = {}
    start = best_weights = network.get_weights()
    best = -np.inf
    job = _Job(recipe, data, folder, report, on_epoch)
    for phase in recipe.phases:
        status = _run(phase, network, job)
        statuses[phase.name] = status
        if status.best > best:
            best, best_weights = status.best, network.get_weights()
        else:
            report(f"{phase.name}: no better than {best:.4f} on validation, weights discarded")
            network.set_weights(best_weights)
    network.set_weights(
        [
            (1.0 - recipe.keep) * new + recipe.keep * old
            for new, old in zip(best_weights, start, strict=True)
        ]
    )
    return _as_float32(network, recipe, data), statuses


def _require_feasible(recipe: Recipe, data: TrainingData) -> None:
    """Raises now what would otherwise fail after hours."""
    require_scorable(data.validation)
    _make_sampler(recipe, data)
    growing = [phase.name for phase in recipe.phases if phase.grows]
    if growing and recipe.side % STRIDE:
        raise BadNetwork(
            f"In the phase {growing[0]} pictures grow, so the side must be a multiple of {STRIDE}; "
            f"it is {recipe.side}"
        )


def _make_sampler(recipe: Recipe, data: TrainingData) -> Sampler:
    return balance_samples(
        data.train,
        shares=data.shares,
        most_normal_skin=recipe.most_normal_skin,
        balanced=recipe.balanced,
    )


def _refuse_other_training(
    folder: Path, recipe: Recipe, data: TrainingData, network: keras.Model
) -> None:
    """Refuses to mix two trainings in one folder: recipe, data and starting weights must agree."""
    start = hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights()))
    pictures = [[s.image_id, s.label, s.source, s.box] for s in (*data.train, *data.validation)]
    settings = {
        "recipe": asdict(recipe),
        "classes": data.classes,
        "pictures": hashlib.sha256(json.dumps(pictures).encode()).hexdigest(),
        "shares": dict(sorted(data.shares.items())),
        "teachers": data.teachers.versions if data.teachers else [],
        "trust": data.teachers.trust if data.teachers else None,
        "start": start.hexdigest(),
    }
    refuse_other_settings(folder, settings)


def _run(phase: Phase, network: keras.Model, job: _Job) -> PhaseStatus:
    """Runs one phase and leaves the network with the best weights of this phase."""
    recipe, data, folder = job.recipe, job.data, job.folder / phase.name
    # Each phase seeds anew, so that a resumed training builds and trains exactly as before.
    keras.utils.set_random_seed(recipe.seed)
    cut = ARCHITECTURES[recipe.architecture].cuts.get(phase.depth)
    whole = cut is None
    freeze_below(network, cut)
    model = _copy_for_phase(phase, recipe, network) if whole else network
    if phase.views and cut is not None:
        model = build_tail(network, cut)
    inputs = _make_inputs(phase, network, job)

    def score(trained: keras.Model) -> dict[str, float]:
        """At the full size and unfused, as the network is served."""
        if whole:
            _copy_weights_back(trained, network, recipe)
        return score_network(
            network if whole else trained,
            inputs.load_validation,
            samples=data.validation,
            classes=data.classes,
        )

    batches = Batches(
        fetch=inputs.fetch,
        switch=inputs.switch,
        sampler=_make_sampler(recipe, data),
        batch=phase.batch,
        mixup=phase.mixup,
        seed=recipe.seed,
        steps=phase.steps,
    )
    status = run_phase(
        phase=phase,
        model=model,
        batches=batches,
        score=score,
        folder=folder,
        report=job.report,
        on_epoch=job.on_epoch,
    )
    if whole:
        _copy_weights_back(model, network, recipe)
    shutil.rmtree(_cache_folder(folder), ignore_errors=True)
    return status


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Where a phase gets its training batches and its validation rows from."""

    fetch: Fetch
    load_validation: LoadInput
    switch: FetchSwitch | None = None


def _make_inputs(phase: Phase, network: keras.Model, job: _Job) -> _Inputs:
    """Live augmentation, cached views, or cached features of a frozen trunk, as the phase says."""
    recipe, data, folder = job.recipe, job.data, job.folder / phase.name
    architecture = ARCHITECTURES[recipe.architecture]
    validation = NetworkInputs(data.validation, recipe.side, architecture.scaling)
    views = _make_views(phase, recipe, data, side=recipe.side_at(phase.shrink))
    # A finished phase draws no batch: filling its cache again would take hours for nothing.
    if not phase.views or read_status(folder).finished:
        full_size = _make_views(phase, recipe, data, side=recipe.side).live
        switch = FetchSwitch(phase.shrink_until * phase.epochs, full_size) if phase.grows else None
        return _Inputs(views.live, validation.load, switch)
    cache = ViewCache(views, phase.views, recipe.seed, _cache_folder(folder), job.report)
    cut = architecture.cuts.get(phase.depth)
    if cut is None:
        return _Inputs(cache.pictures(), validation.load)
    trunk = build_trunk(_as_float32(network, recipe, data), cut)
    return _Inputs(cache.features(trunk), cache.unaugmented(trunk, validation).__getitem__)


def _cache_folder(phase_folder: Path) -> Path:
    return phase_folder / "features"


def _make_views(phase: Phase, recipe: Recipe, data: TrainingData, *, side: int) -> Views:
    return Views(
        NetworkInputs(data.train, side, ARCHITECTURES[recipe.architecture].scaling),
        data.targets(data.train),
        data.teachers,
        degraded=phase.spoiled,
        marked=phase.marked,
        relit=phase.relit,
        widened=phase.widened,
        strengths=recipe.strengths,
    )


def _copy_for_phase(phase: Phase, recipe: Recipe, network: keras.Model) -> keras.Model:
    """A copy of the network for this phase's input size (any size where it changes), with its
    batch normalisations fused where the recipe says so.
    """
    side = None if phase.grows else recipe.side_at(phase.shrink)
    copy = recipe.build(network.output.shape[-1], compute=recipe.compute, side=side)
    copy.set_weights(network.get_weights())
    return fuse(copy) if recipe.still else copy


def _copy_weights_back(copy: keras.Model, network: keras.Model, recipe: Recipe) -> None:
    if recipe.still:
        unfuse(copy, network)
    else:
        network.set_weights(copy.get_weights())


def _as_float32(network: keras.Model, recipe: Recipe, data: TrainingData) -> keras.Model:
    copy = recipe.build(len(data.classes), compute="float32", side=recipe.side)
    copy.set_weights(network.get_weights())
    return copy
