from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.predictions import ModelOutputs, Predictions
from skinapi.model.calibration import Calibration, ModelCalibration, softmax
from skinapi.model.context import Modality
from skinapi.model.detectors import LinearClassifier, ModalityDetector, SkinDetector
from skinapi.model.network.engine import Engine, EngineOutput
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import Model
from skinapi.model.network.picture import Tensor
from tests.support.cards import model_card

CLASSES = ("basal_cell_carcinoma", "melanoma", "melanocytic_nevus")
LABELS = np.random.default_rng(2).integers(3, size=240)
ALL = (*CLASSES, "actinic_keratosis", "normal_skin")
DERMOSCOPIC, CLINICAL = Modality.DERMOSCOPIC, Modality.CLINICAL
SIDE = 64


def judged(*, skill: float, seed: int = 0, name: str = "picture") -> Predictions:
    """Answers whose logits are right as often as `skill` says, with two pictures a lesion."""
    noise = np.random.default_rng(seed).normal(size=(LABELS.size, 3))
    probabilities = softmax(noise + skill * np.eye(3)[LABELS])
    chosen = probabilities.argmax(axis=1)
    return Predictions(
        classes=CLASSES,
        probabilities=probabilities,
        labels=LABELS,
        samples=[
            Sample(f"{name}{row}", Path("x"), CLASSES[label], f"lesion{row // 2}")
            for row, label in enumerate(LABELS)
        ],
        refused=np.zeros(LABELS.size, bool),
        named=chosen,
        stated=chosen,
        calibrated_as=np.array([DERMOSCOPIC] * LABELS.size, np.str_),
    )


class MeanColour(Engine):
    """Pools a picture to its mean colour; red is a melanoma, green a nevus."""

    def infer(self, batch: Tensor) -> EngineOutput:
        pooled = batch.mean(axis=(1, 2)).astype(np.float32)
        red, green, _ = (pooled / 64).T
        nothing = np.zeros_like(red)
        logits = np.stack([nothing, red, green, nothing, nothing], axis=1)
        return EngineOutput(logits=logits, feature_map=pooled[:, None, None], pooled=pooled)


def toy_model(calibration: ModelCalibration | None = None) -> Model:
    head = Head(np.zeros((3, len(ALL)), np.float32))
    return Model(model_card(side=SIDE), ALL, calibration or told_calibration(), head, MeanColour())


def told_calibration(**of_dermoscopic: Any) -> ModelCalibration:
    """The three features of a toy picture: dermoscopic if positive, skin if positive, and unused.
    Thresholds are high, so that certainty decides.
    """
    high = dict.fromkeys(
        ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "malignant"), 0.4
    )
    return ModelCalibration(
        dermoscopic=Calibration(thresholds=high, **of_dermoscopic),
        clinical=Calibration(thresholds=high, temperature=2.0),
        modality=ModalityDetector(
            dermoscopic=LinearClassifier.from_weights(np.array([1.0, 0, 0], np.float32), 0.0),
            sure=0.9,
        ),
        skin=SkinDetector(
            not_skin=LinearClassifier.from_weights(np.array([0, -1.0, 0], np.float32), 0.0),
            limit=0.9,
            sure=0.99,
        ),
    )


SEEN_AS: Mapping[str, float] = {"dermoscopic": 10.0, "clinical": -10.0, "unsure": 0.0}


def answer(
    truth: str,
    said: str | Mapping[str, float],
    *,
    lesion: str,
    seen_as: str = "dermoscopic",
    skin: bool = True,
    **of_sample: Any,
) -> tuple[Sample, NDArray[np.float32], NDArray[np.float32]]:
    """One toy picture: its truth, the class that the network is certain of (or its probabilities),
    and its features.
    """
    shares = dict.fromkeys(ALL, 0.002) | ({said: 0.99} if isinstance(said, str) else dict(said))
    values = np.array([shares[key] for key in ALL])
    sample = Sample(lesion, Path(f"{lesion}.png"), truth, lesion, modality=DERMOSCOPIC)
    logits = np.log(values / values.sum()).astype(np.float32)
    pooled = np.array([SEEN_AS[seen_as], 10.0 if skin else -10.0, 0.0], np.float32)
    return replace(sample, **of_sample), logits, pooled


def answers_of(
    rows: Sequence[tuple[Sample, NDArray[np.float32], NDArray[np.float32]]], **more: Any
) -> ModelOutputs:
    samples, logits, pooled = zip(*rows, strict=True)
    return ModelOutputs(list(samples), np.stack(logits), np.stack(pooled), **more)
