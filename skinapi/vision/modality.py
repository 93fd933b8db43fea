"""Finds a picture's modality: told by its sender, recognised from its features, or in doubt."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Modality
from skinapi.vision.linear import Features, LinearClassifier

KNOWN = (Modality.DERMOSCOPIC, Modality.CLINICAL)


class ModalityDetector(Frozen):
    """Tells dermoscope pictures from ordinary photographs by the network's own features.

    An answer is used if its probability is at least `sure`.
    """

    dermoscopic: LinearClassifier
    sure: float = Field(gt=0.5, le=1)

    def probability(self, pooled: Features) -> float:
        """The probability that a picture was taken through a dermoscope. `pooled` is its row of
        features.
        """
        return float(self.dermoscopic.probability(np.atleast_2d(pooled))[0])


class ModalityFinding(Frozen):
    """The modality that the sender told, and the one that was recognised. `used` holds the
    modalities whose calibration was used: both if there was a doubt.
    """

    told: Modality
    recognised: Modality
    dermoscopic_probability: float | None = Field(default=None, ge=0, le=1)
    used: tuple[Modality, ...]

    @model_validator(mode="after")
    def _used_are_known(self) -> Self:
        if not self.used or not set(self.used) <= set(KNOWN):
            raise ValueError("what is used is dermoscopic, clinical or both")
        return self

    @property
    def contradicted(self) -> bool:
        """The sender says one thing and the picture another."""
        return {self.told, self.recognised} == set(KNOWN)

    @property
    def unsure(self) -> bool:
        """Neither told nor recognised."""
        return {self.told, self.recognised} == {Modality.UNKNOWN}


def find_modality(
    told: Modality, pooled: Features, detector: ModalityDetector | None
) -> ModalityFinding:
    """Combine what the sender told with what the picture shows. What was told is used unless the
    picture contradicts it. If the two contradict each other, or neither is known, both modalities
    are used.
    """
    probability = detector.probability(pooled) if detector else None
    recognised = _recognise(probability, detector)
    claimed = {modality for modality in (told, recognised) if modality is not Modality.UNKNOWN}
    used = tuple(modality for modality in KNOWN if modality in claimed) or KNOWN
    return ModalityFinding(
        told=told, recognised=recognised, dermoscopic_probability=probability, used=used
    )


def _recognise(probability: float | None, detector: ModalityDetector | None) -> Modality:
    if probability is None or detector is None:
        return Modality.UNKNOWN
    if probability >= detector.sure:
        return Modality.DERMOSCOPIC
    return Modality.CLINICAL if 1 - probability >= detector.sure else Modality.UNKNOWN
