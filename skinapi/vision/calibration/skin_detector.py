"""Doubts that a picture shows skin, and finds those that surely show something else.

The sender answers the doubt. Only a picture that is surely something else may be refused, and never
one that may show a malignant lesion.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from skinapi.vision.calibration.linear_classifier import Features, LinearClassifier
from skinapi.vision.conditions import Frozen


class SkinDetector(Frozen):
    """A classifier for "not skin" on the network's own features, trained on lesions, normal skin
    and ordinary photographs.

    From a probability of `limit` on a picture is doubted to show skin, from `sure` on it surely
    shows something else. Without `sure`, as in calibrations of older code, no picture does.
    """

    not_skin: LinearClassifier
    limit: float = Field(gt=0, le=1)
    sure: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _sure_is_stricter(self) -> Self:
        if self.sure is not None and self.sure < self.limit:
            raise ValueError("what is surely something else is doubted to show skin")
        return self

    def probability(self, pooled: Features) -> float:
        """The probability that a picture shows no skin. `pooled` is its row of features."""
        return float(self.not_skin.probability(np.atleast_2d(pooled))[0])

    def doubts(self, pooled: Features) -> bool:
        return self.probability(pooled) >= self.limit

    def finds_something_else(
        self, pooled: Features, *, scores: Mapping[str, float], thresholds: Mapping[str, float]
    ) -> bool:
        """Whether a picture surely shows something else than skin. `scores` are the probabilities
        that are compared with the thresholds of the bands.

        The scores were computed as if the picture showed skin: 29 of 30 ordinary photographs have a
        malignant score above 0.15. So each is multiplied by the probability that it does, and if
        one still reaches its threshold, the picture is not surely something else.
        """
        not_skin = self.probability(pooled)
        if self.sure is None or not_skin < self.sure:
            return False
        return all((1 - not_skin) * score < thresholds[name] for name, score in scores.items())
