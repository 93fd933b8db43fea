"""The phases of training: what is trained, how hard, and on which pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skinapi.learning.train.networks import Depth

Optimizer = Literal["AdamW", "Adam", "SGD", "RMSprop"]


@dataclass(frozen=True, slots=True)
class Phase:
    """The hyperparameters of one phase. Early stopping may end it before `epochs`.

    The field names are keys in card.json and training.json, so they outlive any renaming here.

    - `depth`: which layers are trained; the others are frozen
    - `lowest_rate`: where the cosine schedule ends, as a share of `learning_rate`
    - `ema_reach`: the moving average of the weights spans at most this share of the phase
    - `views`: augmented views per picture that are computed once and cached; 0 augments live
    - `spoiled`: share of degraded views: of worse image quality
    - `marked`: share of the views with a pen ring, a ruler or a dark rim painted on
    - `relit`: share of the views in the colours of another clinic
    - `widened`: share of the views that show the lesion smaller, as from farther away
    - `shrink`: input size as a share of the served one; half the side is a quarter of the work
    - `shrink_until`: after this share of the phase the input has its full size (progressive
      resizing); schedule and moving average go on unchanged
    - `steps`: batches until the next validation and checkpoint, which are then called an epoch; 0:
      as many as it takes to draw as many pictures as there are
    """

    name: str
    depth: Depth
    epochs: int
    learning_rate: float
    optimizer: Optimizer = "AdamW"
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
    relit: float = 0.0
    widened: float = 0.0
    shrink: float = 1.0
    shrink_until: float = 1.0
    steps: int = 0

    def __post_init__(self) -> None:
        if self.grows and (self.views or self.depth != "whole"):
            raise ValueError(f"{self.name}: only live pictures of a whole network can grow")

    @property
    def grows(self) -> bool:
        return self.shrink < 1.0 and self.shrink_until < 1.0


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
        Phase(
            "clinics",
            "last-blocks",
            epochs=14,
            learning_rate=3e-4,
            mixup=0.2,
            patience=14,
            views=3,
            spoiled=0.3,
            marked=0.2,
            relit=0.25,
            widened=0.3,
            steps=300,
        ),
    )
}


def default_phases(sources: int) -> tuple[str, ...]:
    """The phases that suit this number of sources, where the user names none."""
    return ("all-sources",) if sources > 1 else ("last-blocks", "whole")
