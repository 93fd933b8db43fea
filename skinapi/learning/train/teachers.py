"""Trained models whose answer to a view is learned beside its label: it tells which mistakes are
close ones, and where a label is in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.errors import BadNetwork
from skinapi.learning.train.batches import Floats
from skinapi.vision.calibration import Probabilities
from skinapi.vision.model import Model, open_model
from skinapi.vision.tensor import make_whole_tensor

STREAMS = 2


@dataclass(frozen=True, slots=True)
class Teachers:
    """Their mean answer has this `trust`, the label what is left of 1."""

    models: tuple[Model, ...]
    classes: tuple[str, ...]
    trust: float = 0.7

    @property
    def versions(self) -> list[str]:
        return [model.version for model in self.models]

    def correct(self, labels: Floats, views: Sequence[Image.Image]) -> Floats:
        """What is to be learned of these very views."""
        said = np.mean([self._ask(model, views) for model in self.models], axis=0)
        return np.asarray((1.0 - self.trust) * labels + self.trust * said, np.float32)

    def _ask(self, model: Model, views: Sequence[Image.Image]) -> Probabilities:
        side, scaling = model.card.side, model.card.scaling
        tensors = [make_whole_tensor(view, side=side, scaling=scaling) for view in views]
        logits = model.engine.infer(np.stack(tensors)).logits
        order = [model.labels.index(name) for name in self.classes]
        return model.calibration.dermoscopic.probabilities(logits[:, order])


def open_teachers(folders: Sequence[Path], *, classes: tuple[str, ...]) -> Teachers | None:
    """Refuses a model that cannot say something of every class."""
    models = tuple(open_model(folder, streams=STREAMS) for folder in folders)
    for model in models:
        unknown = [name for name in classes if name not in model.labels]
        if unknown:
            raise BadNetwork(f"{model.version} cannot teach what it does not know: {unknown[0]}")
    return Teachers(models=models, classes=classes) if models else None
