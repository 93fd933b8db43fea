"""What decides how a network comes out: the hyperparameters, and the data to train on.

The learning rate is each phase's (phases.py), its schedule in optimizers.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from skinapi.learning.data.samples import Sample
from skinapi.learning.data.strengths import Strengths
from skinapi.learning.train.inputs.batches import Floats
from skinapi.learning.train.inputs.teachers import Teachers
from skinapi.learning.train.networks import STRIDE, build_network, precision
from skinapi.learning.train.phases import PHASES, Phase


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every hyperparameter of a training. The card records it, and resuming compares it.

    The field names are keys in card.json and training.json, so they outlive any renaming here.

    - `still`: the batch normalisations keep their statistics and are fused into the convolutions
      while the whole network trains. Half the work, and right for a network that was trained before
    - `compute`: the Keras dtype policy of the training
    - `keep`: share of the starting weights in the final ones (weight averaging)
    - `balanced`: whether a class is drawn by the square root of its pictures, or else as often as
      it occurs
    - `most_normal_skin`: largest share of normal skin among the pictures drawn
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
    balanced: bool = True
    strengths: Strengths = field(default_factory=Strengths)

    def build(self, outputs: int, *, compute: str, side: int | None) -> keras.Model:
        """A network with random weights; `side` None accepts squares of any size."""
        with precision(compute):
            return build_network(
                self.architecture, outputs=outputs, side=side, dropout=self.dropout
            )

    def side_at(self, shrink: float) -> int:
        """The input side at this share of the full one, rounded to whole strides of the network:
        otherwise the border of each feature map would be cut off.
        """
        return max(STRIDE, round(self.side * shrink / STRIDE) * STRIDE) if shrink < 1 else self.side


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
    teachers: Teachers | None = None
    shares: Mapping[str, float | None] = field(default_factory=dict)
    others: Sequence[Sample] = ()

    def targets(self, samples: Sequence[Sample]) -> Floats:
        """One-hot rows."""
        labels = [self.classes.index(sample.label) for sample in samples]
        return np.eye(len(self.classes), dtype=np.float32)[labels]
