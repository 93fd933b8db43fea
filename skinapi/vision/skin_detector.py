"""Refuses what is plainly not skin. A picture that may show a malignant lesion is never refused."""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from skinapi.vision.conditions import Frozen
from skinapi.vision.linear import Features, LinearClassifier


class SkinDetector(Frozen):
    """Learned from lesions, normal skin and ordinary photographs, on the network's own features.

    A picture is refused from the probability `limit` on.
    """

    not_skin: LinearClassifier
    limit: float = Field(gt=0, le=1)

    def probability(self, pooled: Features) -> float:
        """That one picture shows no skin; `pooled` is its row of features."""
        return float(self.not_skin.probability(np.atleast_2d(pooled))[0])

    def refuses(
        self, pooled: Features, *, scores: Mapping[str, float], thresholds: Mapping[str, float]
    ) -> bool:
        """`scores` are the probabilities that the thresholds of the risk bands cut.

        They were computed as if the picture showed skin. Multiplied by the probability that it
        does, none may reach its threshold.
        """
        not_skin = self.probability(pooled)
        if not_skin < self.limit:
            return False
        return all((1 - not_skin) * score < thresholds[name] for name, score in scores.items())
