"""What decides how a network comes out: the hyperparameters, the learning rate among them, and the
data to train on, with how often each picture is drawn.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from keras.optimizers.schedules import CosineDecay
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.augmentation import AugmentationConfig
from skinapi.learning.data.samples import Sample
from skinapi.learning.train.networks import build_network, precision
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.platform.storage.files import written_durably

Depth = Literal["last-blocks", "whole"]
Optimizer = Literal["AdamW", "Adam", "SGD", "RMSprop"]
Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

RECORD = "training.json"
MAX_NAMED = 8

OPTIMIZERS: Mapping[Optimizer, Callable[..., keras.optimizers.Optimizer]] = {
    "AdamW": keras.optimizers.AdamW,
    "Adam": keras.optimizers.Adam,
    "SGD": partial(keras.optimizers.SGD, momentum=0.9),
    "RMSprop": keras.optimizers.RMSprop,
}
# In a card these describe the network; the others describe its one phase (`Recipe.for_card`).
OF_THE_NETWORK = (
    *("architecture", "side", "dropout", "seed", "still", "compute"),
    *("most_normal_skin", "balanced", "strengths"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every hyperparameter of a training. The card records it, and resuming compares it.

    The field names are keys in card.json and training.json, so they outlive any renaming here.

    - `learning_rate`: the highest; it rises to it over `warmup_epochs`, then falls as half a cosine
      to the share `lowest_rate` of it
    - `depth`: which layers are trained; the others are frozen
    - `epochs`: at most; training ends where `patience` of them bring nothing better
    - `steps`: batches until the next validation and checkpoint, which are called an epoch; 0: as
      many as it takes to draw as many pictures as there are
    - `ema`, `ema_reach`: momentum of the weights' moving average, and the share of the training
      that it spans at most
    - `views`: augmented views per picture that are computed once and cached, for the last blocks
    - `spoiled`: share of degraded views: of worse image quality
    - `marked`: share of the views with a pen ring, a ruler or a dark rim painted on
    - `relit`: share of the views in the colours of another clinic
    - `widened`: share of the views that show the lesion smaller, as from farther away
    - `still`: the batch normalisations keep their statistics and are fused into the convolutions
      while the whole network trains. Half the work, and right for a network that was trained before
    - `compute`: the Keras dtype policy of the training
    - `balanced`: whether a class is drawn by the square root of its pictures, or else as often as
      it occurs
    - `most_normal_skin`: largest share of normal skin among the pictures drawn
    """

    name: str
    learning_rate: float
    depth: Depth
    epochs: int
    patience: int
    optimizer: Optimizer = "AdamW"
    batch: int = 32
    warmup_epochs: float = 1.0
    lowest_rate: float = 0.01
    steps: int = 0
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.998
    ema_reach: float = 0.2
    mixup: float = 0.0
    views: int = 0
    spoiled: float = 0.0
    marked: float = 0.0
    relit: float = 0.0
    widened: float = 0.0
    architecture: str = "ResNet50"
    side: int = 224
    dropout: float = 0.3
    seed: int = 0
    still: bool = True
    compute: str = "mixed_bfloat16"
    most_normal_skin: float = 0.08
    balanced: bool = True
    strengths: AugmentationConfig = field(default_factory=AugmentationConfig)

    def build(self, outputs: int, *, compute: str) -> keras.Model:
        """A network with random weights."""
        with precision(compute):
            return build_network(
                self.architecture, outputs=outputs, side=self.side, dropout=self.dropout
            )

    def for_card(self) -> dict[str, Any]:
        """As cards have it and clients read it: what is no fact of the network is its one phase.

        Weights that were trained elsewhere have none.
        """
        phase = asdict(self)
        network = {name: phase.pop(name) for name in OF_THE_NETWORK}
        return {**network, "phases": [phase] if self.epochs else []}


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # The shipped model's: its last blocks learn from cached views, a few minutes an epoch.
        Recipe(
            name="clinics",
            learning_rate=3e-4,
            depth="last-blocks",
            epochs=14,
            patience=14,
            steps=300,
            mixup=0.2,
            views=3,
            spoiled=0.3,
            marked=0.2,
            relit=0.25,
            widened=0.3,
        ),
        # The lab's: every layer learns, from new views of each picture in each epoch.
        Recipe(name="whole", learning_rate=5e-5, depth="whole", epochs=8, patience=5),
    )
}


def make_optimizer(
    recipe: Recipe, variables: Sequence[keras.Variable], *, steps: int
) -> keras.optimizers.Optimizer:
    """The optimizer of these variables, with the moving average of them; `steps` in each epoch."""
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
    """The learning rate of each step; `steps` in each epoch."""
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
    """The samples for training and validation, and the classes in the order of the outputs.

    `shares` is each source's share of the lesions drawn; without an entry, or with None, the
    source's size decides. `others` are pictures of diseases that no model names, of both parts: the
    network learns nothing from them, and the calibration a doubt.
    """

    classes: tuple[str, ...]
    train: Sequence[Sample]
    validation: Sequence[Sample]
    shares: Mapping[str, float | None] = field(default_factory=dict)
    others: Sequence[Sample] = ()

    def targets(self, samples: Sequence[Sample]) -> Floats:
        """One-hot rows."""
        labels = [self.classes.index(sample.label) for sample in samples]
        return np.eye(len(self.classes), dtype=np.float32)[labels]


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws rows by weight. Weights are 1 on average.

    Systematic sampling: in each draw a picture, and each group of pictures, comes as often as its
    weight says, give or take one. Independent draws would vary more, most of all in rare classes.
    """

    weights: NDArray[np.float64]
    groups: Rows

    def __len__(self) -> int:
        return self.weights.size

    def draw(self, random: np.random.Generator, many: int) -> Rows:
        """So many rows, in random order."""
        rows = random.permutation(len(self))
        # Sorted by group, so that the cumulative weights of a group are one interval: that bounds
        # how often the group as a whole is drawn. The stable sort keeps the order within it random.
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        expected = np.cumsum(self.weights[rows])
        upto = np.floor(expected / expected[-1] * many + random.random())
        times = np.diff(upto, prepend=0).astype(int)
        return random.permutation(np.repeat(rows, times))


def make_sampler(recipe: Recipe, data: TrainingData) -> Sampler:
    """The sampler of the training part. Raises BadDataset as `share_sources` does."""
    return balance_samples(
        data.train,
        shares=data.shares,
        most_normal_skin=recipe.most_normal_skin,
        balanced=recipe.balanced,
    )


def balance_samples(
    samples: Sequence[Sample],
    *,
    shares: Mapping[str, float | None],
    most_normal_skin: float,
    balanced: bool = True,
) -> Sampler:
    """A sampler that balances sources, and classes within a source.

    - `shares`: a source's share of the lesions drawn. What is left goes to the other sources by the
      square root of their number of lesion pictures
    - within a source a class is drawn by the square root of its number of pictures: between the
      clinical frequencies and equal classes. If not `balanced`: as often as it occurs
    - normal skin is one more class over all sources, with at most the share `most_normal_skin` of
      everything drawn
    """
    sources = np.array([sample.source for sample in samples])
    labels = np.array([sample.label for sample in samples])
    skin = labels == NORMAL_SKIN
    weights = np.zeros(len(samples))
    for source, share in share_sources(Counter(sources[~skin].tolist()), shares).items():
        rows = ~skin & (sources == source)
        weights[rows] = share * (weigh_by_root(labels[rows]) if balanced else 1.0 / rows.sum())
    if skin.any():
        roots = {name: math.sqrt(n) for name, n in Counter(labels.tolist()).items()}
        normal = min(most_normal_skin, roots[NORMAL_SKIN] / sum(roots.values()))
        weights *= 1.0 - normal
        weights[skin] = normal * weigh_by_root(sources[skin])
    _, groups = np.unique(np.stack([sources, labels]), axis=1, return_inverse=True)
    return Sampler(weights * len(samples), groups.reshape(-1))


def share_sources(counts: Mapping[str, int], given: Mapping[str, float | None]) -> dict[str, float]:
    """Each source's share of the draws; they sum to 1.

    Raises BadDataset where the `given` shares leave nothing for a source, or name a source without
    a picture to draw.
    """
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


def refuse_other_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Records the settings of a training in its folder, or compares them with the recorded ones.

    Raises BadDataset with the name of every setting that differs.
    """
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
    differences = list_differences(before, json.loads(text))
    if differences:
        more = len(differences) - MAX_NAMED
        named = ", ".join(differences[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise BadDataset(
            f"{folder} holds another training, which differs in {named}. "
            "Resume it with what it began with, or name another folder to start this one."
        )


def list_differences(before: Any, now: Any) -> list[str]:
    """Each setting that differs, such as `recipe.mixup (0.2, now 0.1)`."""
    old, new = dict(_flatten(before)), dict(_flatten(now))
    return [
        f"{name} ({old.get(name, 'not recorded')}, now {new.get(name, 'not recorded')})"
        for name in {**new, **old}
        if name not in old or name not in new or old[name] != new[name]
    ]


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names and values."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value
