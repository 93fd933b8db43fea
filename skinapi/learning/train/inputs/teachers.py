"""Knowledge distillation: targets that mix a label with the predictions of trained models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.errors import BadNetwork
from skinapi.learning.measure.predictions import add_columns
from skinapi.learning.train.inputs.batches import Floats
from skinapi.vision.calibration.model_calibration import Probabilities
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model import Model, open_model
from skinapi.vision.network.tensor import make_whole_tensor

# Views are made in two threads, and both ask the teachers.
STREAMS = 2


@dataclass(frozen=True, slots=True)
class Teachers:
    """Models to distil from. In the targets their mean prediction has the weight `trust`, the label
    has the rest.
    """

    models: tuple[Model, ...]
    classes: tuple[str, ...]
    trust: float = 0.7

    @property
    def versions(self) -> list[str]:
        return [model.version for model in self.models]

    def soft_targets(self, labels: Floats, views: Sequence[Image.Image]) -> Floats:
        """The labels mixed with what the models predict for these very views."""
        predicted = np.mean([self._predict(model, views) for model in self.models], axis=0)
        return np.asarray((1.0 - self.trust) * labels + self.trust * predicted, np.float32)

    def _predict(self, model: Model, views: Sequence[Image.Image]) -> Probabilities:
        side, scaling = model.card.side, model.card.scaling
        # Not model.read, which would crop the view once more.
        tensors = [make_whole_tensor(view, side=side, scaling=scaling) for view in views]
        logits = model.engine.infer(np.stack(tensors)).logits
        # The student's classes alone: a teacher with more outputs must still sum to 1 over them.
        # Squamous cell carcinoma is actinic keratosis to a student without an output for it.
        table = conditions_table()
        counted = [table.counted_as(key, self.classes) for key in model.labels]
        known = [row for row, key in enumerate(counted) if key in self.classes]
        shares = model.calibration.dermoscopic.probabilities(logits[:, known])
        place = [self.classes.index(counted[row] or "") for row in known]
        return add_columns(shares, place, len(self.classes))


def open_teachers(folders: Sequence[Path], *, classes: tuple[str, ...]) -> Teachers | None:
    """Opens the models of these folders; None without folders.

    Raises BadNetwork where a model lacks an output for one of the classes.
    """
    models = tuple(open_model(folder, streams=STREAMS) for folder in folders)
    for model in models:
        unknown = [name for name in classes if name not in model.labels]
        if unknown:
            raise BadNetwork(f"{model.version} cannot teach what it does not know: {unknown[0]}")
    return Teachers(models=models, classes=classes) if models else None
