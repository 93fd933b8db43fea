"""Finds a picture's modality from its features and from what its sender told.

Where the model recognises modalities, as the shipped one does, the sender's word never lowers a
risk band: it can add a calibration, and takes none away. A model that recognises none has only the
sender's word: then it chooses the calibration, and without it both are used.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from skinapi.stored_record import StoredRecord
from skinapi.vision.calibration.linear_classifier import Features, LinearClassifier
from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Modality

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

    def recognise(self, probability: float) -> Modality:
        if probability >= self.sure:
            return Modality.DERMOSCOPIC
        return Modality.CLINICAL if 1 - probability >= self.sure else Modality.UNKNOWN


class ModalityFinding(StoredRecord):
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
        """The picture alone does not show its modality, so that both calibrations were used."""
        return len(self.used) > 1 and not self.contradicted


def settle_modality(
    told: Modality, pooled: Features, detector: ModalityDetector | None
) -> ModalityFinding:
    """Combine what the sender told with what the picture shows. Both modalities are used if the
    picture shows neither, or another than was told. A model that recognises no modality uses the
    one that was told.
    """
    if detector is None:
        probability, recognised, shown = None, Modality.UNKNOWN, told
    else:
        probability = detector.probability(pooled)
        recognised = shown = detector.recognise(probability)
    claimed = {shown, told} if shown in KNOWN else {*KNOWN}
    used = tuple(modality for modality in KNOWN if modality in claimed)
    return ModalityFinding(
        told=told, recognised=recognised, dermoscopic_probability=probability, used=used
    )
