"""The whole recipe: one phase after another, each starting from the best that validation has seen
so far.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from skinapi.errors import BadNetwork
from skinapi.learning.data.samples import Sample
from skinapi.learning.progress import Report
from skinapi.learning.train.batch_norm import fuse, unfuse
from skinapi.learning.train.batches import Batches, Fetch, FetchSwitch, Floats
from skinapi.learning.train.fitting import Phase, PhaseStatus, read_status, run_phase
from skinapi.learning.train.inputs import NetworkInputs
from skinapi.learning.train.networks import (
    ARCHITECTURES,
    STRIDE,
    build_network,
    build_tail,
    build_trunk,
    freeze_below,
    precision,
)
from skinapi.learning.train.resuming import check_resume
from skinapi.learning.train.sampling import Sampler, balance_samples
from skinapi.learning.train.scoring import LoadInput, require_scorable, score_network
from skinapi.learning.train.strengths import Strengths
from skinapi.learning.train.teachers import Teachers
from skinapi.learning.train.views import ViewCache, Views

PHASES: Mapping[str, Phase] = {
    phase.name: phase
    for phase in (
        Phase("head", "head", epochs=8, learning_rate=1e-3, mixup=0.0, views=1),
        Phase("last-blocks", "last-blocks", epochs=6, learning_rate=4e-4, views=4),
        Phase("deeper-blocks", "deeper-blocks", epochs=7, learning_rate=3e-4, mixup=0.2, views=3),
        Phase(
            "coarse",
            "whole",
            epochs=14,
            learning_rate=5e-5,
            mixup=0.2,
            patience=14,
            shrink=5 / 7,
        ),
        Phase(
            "taught",
            "whole",
            epochs=8,
            learning_rate=5e-5,
            warmup_epochs=0.5,
            mixup=0.0,
            views=6,
            spoiled=0.5,
            shrink=6 / 7,
        ),
        Phase("whole", "whole", epochs=8, learning_rate=5e-5, mixup=0.0, patience=5),
        Phase(
            "all-sources",
            "whole",
            epochs=7,
            learning_rate=1.2e-4,
            warmup_epochs=0.6,
            mixup=0.15,
            patience=7,
            spoiled=0.4,
            marked=0.3,
            shrink=5 / 7,
            shrink_until=0.78,
        ),
    )
}


def default_phases(sources: int) -> tuple[str, ...]:
    """The names of the phases for pictures of so many sources, where nobody asks for others."""
    return ("all-sources",) if sources > 1 else ("last-blocks", "whole")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The pictures to learn from and to watch; the classes stand in the order of the outputs.
    `shares` gives a source's share of the lesions drawn in training; None, or no entry, leaves it
    to the source's size.
    """

    classes: tuple[str, ...]
    train: Sequence[Sample]
    validation: Sequence[Sample]
    teachers: Teachers | None = None
    shares: Mapping[str, float | None] = field(default_factory=dict)

    def answers(self, samples: Sequence[Sample]) -> Floats:
        labels = [self.classes.index(sample.label) for sample in samples]
        return np.eye(len(self.classes), dtype=np.float32)[labels]


@dataclass(frozen=True, slots=True)
class Recipe:
    """`still` keeps the batch statistics as they are while the whole network learns: half the work,
    and right for a network that has learned before. `keep` is the share that the starting
    weights have in what comes out. Normal skin is at most the share `most_normal_skin` of what is
    drawn. `strengths` say how the pictures are changed.
    """

    architecture: str = "ResNet50"
    phases: tuple[Phase, ...] = (PHASES["head"], PHASES["last-blocks"], PHASES["whole"])
    side: int = 224
    dropout: float = 0.3
    seed: int = 0
    still: bool = True
    compute: str = "mixed_bfloat16"
    keep: float = 0.0
    most_normal_skin: float = 0.08
    strengths: Strengths = field(default_factory=Strengths)

    def build(self, outputs: int, *, compute: str, side: int | None) -> keras.Model:
        with precision(compute):
            return build_network(
                self.architecture, outputs=outputs, side=side, dropout=self.dropout
            )

    def side_at(self, shrink: float) -> int:
        """Whole strides of the network, so that no feature map is cut."""
        return max(STRIDE, round(self.side * shrink / STRIDE) * STRIDE) if shrink < 1 else self.side


def train_network(
    *,
    recipe: Recipe,
    lessons: TrainingData,
    initialise: Callable[[keras.Model], None],
    folder: Path,
    report: Report,
) -> tuple[keras.Model, dict[str, PhaseStatus]]:
    """A float32 network with the best weights of all phases, and what is kept of its start.

    Called again on the same folder, it goes on where it was interrupted. Epochs that are finished
    are not repeated.
    """
    _check_feasible(recipe, lessons)
    keras.utils.set_random_seed(recipe.seed)
    network = recipe.build(len(lessons.classes), compute=recipe.compute, side=recipe.side)
    initialise(network)
    _check_resume(folder, recipe, lessons, network)
    courses: dict[str, PhaseStatus] = {}
    start = kept = network.get_weights()
    best = -np.inf
    for phase in recipe.phases:
        course = _run(phase, recipe, lessons, network, folder, report)
        courses[phase.name] = course
        if course.best > best:
            best, kept = course.best, network.get_weights()
        else:
            report(f"{phase.name}: no better than {best:.4f} on validation, so not kept")
            network.set_weights(kept)
    network.set_weights(
        [
            (1.0 - recipe.keep) * new + recipe.keep * old
            for new, old in zip(kept, start, strict=True)
        ]
    )
    return _as_float32(network, recipe, lessons), courses


def _check_feasible(recipe: Recipe, lessons: TrainingData) -> None:
    """Whatever would only be found out after hours."""
    require_scorable(lessons.validation)
    _balance(recipe, lessons)
    growing = [phase.name for phase in recipe.phases if phase.grows]
    if growing and recipe.side % STRIDE:
        raise BadNetwork(
            f"In the phase {growing[0]} pictures grow, so the side must be a multiple of {STRIDE}; "
            f"it is {recipe.side}"
        )


def _balance(recipe: Recipe, lessons: TrainingData) -> Sampler:
    return balance_samples(
        lessons.train, shares=lessons.shares, most_normal_skin=recipe.most_normal_skin
    )


def _check_resume(
    folder: Path, recipe: Recipe, lessons: TrainingData, network: keras.Model
) -> None:
    """A folder belongs to one training: the same recipe, lessons and starting weights. Every
    strength is a field of one of them; resuming with another would mix two trainings.
    """
    start = hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights()))
    pictures = [
        [s.image_id, s.label, s.source, s.box] for s in (*lessons.train, *lessons.validation)
    ]
    claim = {
        "recipe": asdict(recipe),
        "classes": lessons.classes,
        "pictures": hashlib.sha256(json.dumps(pictures).encode()).hexdigest(),
        "shares": dict(sorted(lessons.shares.items())),
        "teachers": lessons.teachers.versions if lessons.teachers else [],
        "trust": lessons.teachers.trust if lessons.teachers else None,
        "start": start.hexdigest(),
    }
    check_resume(folder, claim)


def _as_float32(network: keras.Model, recipe: Recipe, lessons: TrainingData) -> keras.Model:
    twin = recipe.build(len(lessons.classes), compute="float32", side=recipe.side)
    twin.set_weights(network.get_weights())
    return twin


def _run(
    phase: Phase,
    recipe: Recipe,
    lessons: TrainingData,
    network: keras.Model,
    folder: Path,
    report: Report,
) -> PhaseStatus:
    keras.utils.set_random_seed(recipe.seed)
    known = ARCHITECTURES[recipe.architecture]
    cut = known.cuts.get(phase.depth)
    watched = NetworkInputs(lessons.validation, recipe.side, known.scaling)
    views = _views(phase, recipe, lessons, side=recipe.side_at(phase.shrink))
    grown = _views(phase, recipe, lessons, side=recipe.side)
    later = FetchSwitch(phase.shrink_until * phase.epochs, grown.live) if phase.grows else None
    fetch: Fetch = views.live
    look: LoadInput = watched.look
    whole = phase.depth == "whole"
    freeze_below(network, cut)
    model = _copy_for_phase(phase, recipe, network) if whole else network
    caches = folder / phase.name / "features"
    finished = read_status(folder / phase.name).finished
    if phase.views and cut is not None:
        model = build_tail(network, cut)
    if phase.views and not finished:
        keeper = ViewCache(views, phase.views, recipe.seed, caches, report)
        if cut is None:
            fetch = keeper.pictures()
        else:
            trunk = build_trunk(_as_float32(network, recipe, lessons), cut)
            fetch, look = keeper.features(trunk), keeper.plain(trunk, watched).__getitem__

    def score(trained: keras.Model) -> dict[str, float]:
        """As it is served, however it was learned."""
        if whole:
            _copy_weights_back(trained, network, recipe)
        return score_network(
            network if whole else trained,
            look,
            samples=lessons.validation,
            classes=lessons.classes,
        )

    course = run_phase(
        phase=phase,
        model=model,
        batches=Batches(
            fetch=fetch,
            later=later,
            sampler=_balance(recipe, lessons),
            batch=phase.batch,
            mixup=phase.mixup,
            seed=recipe.seed,
        ),
        score=score,
        folder=folder / phase.name,
        report=report,
    )
    if whole:
        _copy_weights_back(model, network, recipe)
    shutil.rmtree(caches, ignore_errors=True)
    return course


def _views(phase: Phase, recipe: Recipe, lessons: TrainingData, *, side: int) -> Views:
    return Views(
        NetworkInputs(lessons.train, side, ARCHITECTURES[recipe.architecture].scaling),
        lessons.answers(lessons.train),
        lessons.teachers,
        spoiled=phase.spoiled,
        marked=phase.marked,
        strengths=recipe.strengths,
    )


def _copy_for_phase(phase: Phase, recipe: Recipe, network: keras.Model) -> keras.Model:
    """A copy of the network for pictures as large as this phase shows, or of any size."""
    side = None if phase.grows else recipe.side_at(phase.shrink)
    pupil = recipe.build(network.output.shape[-1], compute=recipe.compute, side=side)
    pupil.set_weights(network.get_weights())
    return fuse(pupil) if recipe.still else pupil


def _copy_weights_back(pupil: keras.Model, network: keras.Model, recipe: Recipe) -> None:
    if recipe.still:
        unfuse(pupil, network)
    else:
        network.set_weights(pupil.get_weights())
