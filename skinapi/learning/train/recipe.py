import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal

import keras
import numpy as np
from keras.optimizers.schedules import CosineDecay
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.augmentation import (
    augment_picture,
    degrade_picture,
    mark_picture,
    relight,
    widen,
)
from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.train.networks import ARCHITECTURES, build_network, precision
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.network.picture import Tensor, make_tensor, make_whole_tensor

Optimizer = Literal["AdamW", "Adam", "SGD", "RMSprop"]
Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Fetch = Callable[[Rows, np.random.Generator], tuple[Floats, Floats]]

OPTIMIZERS: Mapping[Optimizer, Callable[..., keras.optimizers.Optimizer]] = {
    "AdamW": keras.optimizers.AdamW,
    "Adam": keras.optimizers.Adam,
    "SGD": partial(keras.optimizers.SGD, momentum=0.9),
    "RMSprop": keras.optimizers.RMSprop,
}
NAME = "whole"
# In a card these describe the network; the others describe its one phase (`Recipe.for_card`).
OF_THE_NETWORK = (
    *("architecture", "side", "dropout", "seed", "still", "compute"),
    *("most_normal_skin", "balanced"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The hyperparameters of a training, recorded in the card and compared when resuming. Every
    layer is trained, on new views of each picture in each epoch.

    The field names are keys in card.json and training.json, so they must not be renamed.

    - `learning_rate`: the maximum, reached after `warmup_epochs`. It then falls as half a cosine to
      the share `lowest_rate` of it
    - `epochs`: the maximum; training ends after `patience` epochs without improvement
    - `ema`, `ema_reach`: momentum of the weights' moving average, and the largest share of the
      training that it spans
    - `spoiled`: share of the views with lower image quality
    - `marked`: share of the views with a painted pen ring, ruler or dark rim
    - `relit`: share of the views in the colours of another clinic
    - `widened`: share of the views with a smaller lesion, as from farther away
    - `still`: batch normalisations are not trained, for a network that was trained before
    - `compute`: the Keras dtype policy of the training
    - `balanced`: whether a class is drawn by the square root of its pictures, or else as often as
      it occurs
    - `most_normal_skin`: largest share of normal skin among the pictures drawn
    """

    learning_rate: float = 5e-5
    epochs: int = 8
    patience: int = 5
    optimizer: Optimizer = "AdamW"
    batch: int = 32
    warmup_epochs: float = 1.0
    lowest_rate: float = 0.01
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.998
    ema_reach: float = 0.2
    spoiled: float = 0.3
    marked: float = 0.2
    relit: float = 0.25
    widened: float = 0.3
    architecture: str = "ResNet50"
    side: int = 224
    dropout: float = 0.3
    seed: int = 0
    still: bool = True
    compute: str = "mixed_bfloat16"
    most_normal_skin: float = 0.08
    balanced: bool = True

    def build(self, outputs: int, *, compute: str) -> keras.Model:
        with precision(compute):
            return build_network(
                self.architecture, outputs=outputs, side=self.side, dropout=self.dropout
            )

    def for_card(self) -> dict[str, Any]:
        """Clients read all but the facts of the network as its only phase, if any."""
        phase = {"name": NAME, **asdict(self)}
        network = {name: phase.pop(name) for name in OF_THE_NETWORK}
        return {**network, "phases": [phase] if self.epochs else []}


def make_optimizer(
    recipe: Recipe, variables: list[keras.Variable], *, steps: int
) -> keras.optimizers.Optimizer:
    # A long average of a short training would be the starting weights.
    longest = 1.0 - 1.0 / (1.0 + recipe.ema_reach * recipe.epochs * steps)
    optimizer = OPTIMIZERS[recipe.optimizer](
        learning_rate(recipe, steps=steps),
        weight_decay=recipe.weight_decay,
        use_ema=True,
        ema_momentum=min(recipe.ema, longest),
        global_clipnorm=recipe.clip_norm,
    )
    # As usual: decaying biases and normalisations does not regularise.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # Built now, not at the first step: a checkpoint can only be loaded into existing variables.
    optimizer.build(variables)
    return optimizer


def learning_rate(recipe: Recipe, *, steps: int) -> CosineDecay:
    peak, rising = recipe.learning_rate, max(1, round(recipe.warmup_epochs * steps))
    falling = max(1, recipe.epochs * steps - rising + 1)
    if rising == 1:  # without a warm-up Keras wants no target for one
        return CosineDecay(peak, falling, alpha=recipe.lowest_rate)
    return CosineDecay(
        peak / rising,
        falling,
        alpha=recipe.lowest_rate,
        warmup_target=peak,
        warmup_steps=rising - 1,
    )


@dataclass(frozen=True, slots=True)
class TrainingData:
    """`shares` is each source's share of the lesions drawn; without one it depends on the size.
    `others` are pictures of diseases that no model names, for the doubt in the calibration.
    """

    classes: tuple[str, ...]
    train: Sequence[Sample]
    validation: Sequence[Sample]
    shares: Mapping[str, float | None] = field(default_factory=dict)
    others: Sequence[Sample] = ()


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws rows by weight, 1 on average.

    Systematic sampling: the count of a picture, or of a group, is its weight plus or minus one.
    Independent draws would vary more, most of all in rare classes.
    """

    weights: NDArray[np.float64]
    groups: Rows

    def __len__(self) -> int:
        return self.weights.size

    def draw(self, random: np.random.Generator) -> Rows:
        rows = random.permutation(len(self))
        # Sorted by group, so that the cumulative weights of a group are one interval: that bounds
        # how often the group as a whole is drawn. The stable sort keeps the order within it random.
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        expected = np.cumsum(self.weights[rows])
        upto = np.floor(expected / expected[-1] * len(self) + random.random())
        times = np.diff(upto, prepend=0).astype(int)
        return random.permutation(np.repeat(rows, times))


def make_sampler(recipe: Recipe, data: TrainingData) -> Sampler:
    """Balance sources, and classes within a source, by the square root of their size. Normal skin
    is one more class over all sources, with at most `most_normal_skin` of the draws.
    """
    samples = data.train
    sources = np.array([sample.source for sample in samples])
    labels = np.array([sample.label for sample in samples])
    skin = labels == NORMAL_SKIN
    weights = np.zeros(len(samples))
    for source, share in share_sources(Counter(sources[~skin].tolist()), data.shares).items():
        rows = ~skin & (sources == source)
        own = weigh_by_root(labels[rows]) if recipe.balanced else 1.0 / rows.sum()
        weights[rows] = share * own
    if skin.any():
        roots = {name: math.sqrt(n) for name, n in Counter(labels.tolist()).items()}
        normal = min(recipe.most_normal_skin, roots[NORMAL_SKIN] / sum(roots.values()))
        weights *= 1.0 - normal
        weights[skin] = normal * weigh_by_root(sources[skin])
    _, groups = np.unique(np.stack([sources, labels]), axis=1, return_inverse=True)
    return Sampler(weights * len(samples), groups.reshape(-1))


def share_sources(counts: Mapping[str, int], given: Mapping[str, float | None]) -> dict[str, float]:
    fixed = {source: share for source, share in given.items() if share is not None}
    for source, share in fixed.items():
        if source not in counts:
            raise BadDataset(f"{source} was given a share, but no lesion of it is in training")
        if not 0.0 < share <= 1.0:
            raise BadDataset(f"The share of {source} is {share:g}; it must be above 0, at most 1")
    unshared = {source: math.sqrt(n) for source, n in counts.items() if source not in fixed}
    left = 1.0 - sum(fixed.values())
    if unshared and left <= 0.0:
        raise BadDataset(f"The given shares leave nothing to draw of {', '.join(unshared)}")
    rest = {source: left * n / sum(unshared.values()) for source, n in unshared.items()}
    shares = {**fixed, **rest}
    return {source: shares[source] / sum(shares.values()) for source in sorted(counts)}


def weigh_by_root(names: NDArray[np.str_]) -> NDArray[np.float64]:
    """Row weights that sum to 1 and draw each name by the square root of its frequency."""
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(counts[place])
    return np.asarray(weights / weights.sum(), np.float64)


def load_tensor(sample: Sample, recipe: Recipe) -> Tensor:
    scaling = ARCHITECTURES[recipe.architecture].scaling
    return make_tensor(open_sample(sample), side=recipe.side, scaling=scaling)


@dataclass(frozen=True, slots=True)
class Views:
    data: TrainingData
    recipe: Recipe

    def fetch(self, rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        samples = [self.data.train[row] for row in rows.tolist()]
        shown = [self._show(sample, random) for sample in samples]
        labels = [self.data.classes.index(sample.label) for sample in samples]
        return np.stack(shown), np.eye(len(self.data.classes), dtype=np.float32)[labels]

    def _show(self, sample: Sample, random: np.random.Generator) -> Tensor:
        """A marking is painted before the view is taken, so it is rotated and cropped too."""
        view, recipe = open_sample(sample), self.recipe
        for share, change in (
            (recipe.relit, relight),
            (recipe.widened, widen),
            (recipe.marked, mark_picture),
            (1.0, augment_picture),
            (recipe.spoiled, degrade_picture),
        ):
            if random.random() < share:
                view = change(view, random)
        scaling = ARCHITECTURES[recipe.architecture].scaling
        return make_whole_tensor(view, side=recipe.side, scaling=scaling)


@dataclass(frozen=True, slots=True)
class Batches:
    """A batch depends only on seed, epoch and index, so a resumed training repeats it."""

    # Classes are balanced by the sampler. Weights in the loss would aim at the same, but spend two
    # thirds of the work on the most frequent class.

    fetch: Fetch
    sampler: Sampler
    batch: int
    seed: int

    def __len__(self) -> int:
        return max(1, len(self.sampler) // self.batch)

    def load(self, epoch: int, index: int) -> tuple[Floats, Floats]:
        # Drawn again for each batch, so that threads share no state. It takes milliseconds.
        order = self.sampler.draw(np.random.default_rng((self.seed, epoch)))
        chosen = order[index * self.batch : (index + 1) * self.batch]
        return self.fetch(chosen, np.random.default_rng((self.seed, epoch, index)))


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(self, batches: Batches, epoch: int) -> None:
        # Threads, not processes: Pillow and numpy release the GIL, and a copy of all samples in
        # each process would cost memory.
        super().__init__(workers=2, max_queue_size=8)
        self._batches, self._epoch = batches, epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        return self._batches.load(self._epoch, index)
