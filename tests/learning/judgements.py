"""Answers of a model that need no model: as good as they are told to be."""

from pathlib import Path

import numpy as np

from skinapi.learning.answers import Judged
from skinapi.learning.datasets import Sample
from skinapi.vision.calibration import softmax

CLASSES = ("basal_cell_carcinoma", "melanoma", "melanocytic_nevus")
LABELS = np.random.default_rng(2).integers(3, size=240)


def judged(*, skill: float, seed: int = 0, name: str = "picture") -> Judged:
    """Answers whose logits know the truth as well as `skill` says; two pictures a lesion."""
    noise = np.random.default_rng(seed).normal(size=(LABELS.size, 3))
    probabilities = softmax(noise + skill * np.eye(3)[LABELS])
    return Judged(
        classes=CLASSES,
        probabilities=probabilities,
        uncalibrated=probabilities,
        labels=LABELS,
        samples=[
            Sample(f"{name}{row}", Path("x"), CLASSES[label], f"lesion{row // 2}")
            for row, label in enumerate(LABELS)
        ],
        refused=np.zeros(LABELS.size, bool),
    )
