"""Refuses pictures that clearly show no skin. A picture that may show a malignant lesion is never
refused.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from skinapi.vision.calibration.linear_classifier import Features, LinearClassifier
from skinapi.vision.conditions import Frozen


class SkinDetector(Frozen):
    """A classifier for "not skin" on the network's own features, trained on lesions, normal skin
    and ordinary photographs.

    A picture may be refused if its probability is at least `limit`.
    """

    not_skin: LinearClassifier
    limit: float = Field(gt=0, le=1)

    def probability(self, pooled: Features) -> float:
        """The probability that a picture shows no skin. `pooled` is its row of features."""
        return float(self.not_skin.probability(np.atleast_2d(pooled))[0])

    def refuses(
        self, pooled: Features, *, scores: Mapping[str, float], thresholds: Mapping[str, float]
    ) -> bool:
        """Whether to refuse a picture as not skin. `scores` are the probabilities that are compared
        with the thresholds of the bands.

        The scores were computed as if the picture showed skin. So each is multiplied by the
        probability that it does, and if one still reaches its threshold, the picture is not
        refused.
        """
        not_skin = self.probability(pooled)
        if not_skin < self.limit:
            return False
        return all((1 - not_skin) * score < thresholds[name] for name, score in scores.items())
