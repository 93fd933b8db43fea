from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st

from skinapi.model.calibration import Calibration, HeldOutFigures, ModelCalibration
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.network.engine import Engine, EngineOutput
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import Model
from skinapi.model.network.picture import Tensor
from tests.support.cards import model_card

# For a model without an output for squamous cell carcinoma.
LABELS = tuple(key for key in conditions_table().keys if key != "squamous_cell_carcinoma")
NINE_LABELS = conditions_table().keys
FEATURES = 64
TESTED = HeldOutFigures(
    modality=Modality.DERMOSCOPIC, lesions=1000, malignant=200, sensitivity=0.95
)


def some_shares(least: float = 1e-4) -> st.SearchStrategy[dict[str, float]]:
    """Draw probabilities of LABELS, none of them much below `least`."""
    drawn = st.lists(st.floats(least, 1), min_size=len(LABELS), max_size=len(LABELS)).filter(any)
    return drawn.map(lambda each: {k: p / sum(each) for k, p in zip(LABELS, each, strict=True)})


class FakeEngine(Engine):
    """One-hot feature cells give each class a heat of its own; `passes` counts the calls."""

    def __init__(self, probabilities: Mapping[str, float]) -> None:
        shares = np.array([probabilities.get(label, 0.0) for label in LABELS], np.float64)
        self._logits = np.log(np.maximum(shares, 1e-12)).astype(np.float32)
        self.passes = 0

    def infer(self, batch: Tensor) -> EngineOutput:
        self.passes += 1
        n = len(batch)
        feature_map = np.tile(
            np.random.default_rng(1).random((1, 7, 7, FEATURES), np.float32), (n, 1, 1, 1)
        )
        logits = np.tile(self._logits, (n, 1))
        return EngineOutput(logits, feature_map, feature_map.mean(axis=(1, 2)))


def fake_model(
    probabilities: Mapping[str, float],
    *,
    calibration: Calibration | ModelCalibration | None = None,
) -> Model:
    """A calibration that is given alone is the dermoscopic one, and well tested."""
    if not isinstance(calibration, ModelCalibration):
        tested = (calibration or Calibration()).model_copy(update={"tested": TESTED})
        calibration = ModelCalibration(dermoscopic=tested)
    card = model_card(version="fake-1", architecture="Fake", side=224)
    weights = np.random.default_rng(2).normal(size=(FEATURES, len(LABELS))).astype(np.float32)
    return Model(
        card=card,
        labels=LABELS,
        calibration=calibration,
        head=Head(weights),
        engine=FakeEngine(probabilities),
    )
