"""Restates probabilities for another share of cancers than the calibration's pictures had.

A calibrated probability holds for the mix of lesions that it was fitted to. Where fewer of the
lesions are malignant, as with a family doctor, the same picture means a cancer less often.
"""

import math
from collections.abc import Mapping

from skinapi.vision.conditions import conditions_table

# Beyond it nothing changes: no mix of lesions is that pure, and products would underflow.
PUREST = 1e-9


def restate(
    probabilities: Mapping[str, float], *, calibrated: float, prevalence: float
) -> dict[str, float]:
    """The probabilities where the share `prevalence` of the lesions is malignant, and not the share
    `calibrated`. Each p(k) is multiplied by new(k) / old(k), the shares of its condition in both
    mixes, and all are divided by their sum: https://doi.org/10.1162/089976602753284446 (Saerens).

    Malignant and benign conditions each keep their proportions among themselves, so all malignant
    ones have one factor, and all others another. Normal skin is in neither mix; it has the factor
    of the benign ones, which keeps its odds against those.

    >>> restate({"melanoma": 0.5, "melanocytic_nevus": 0.5}, calibrated=0.5, prevalence=0.02)
    {'melanoma': 0.02, 'melanocytic_nevus': 0.98}
    """
    old, new = (min(max(share, PUREST), 1 - PUREST) for share in (calibrated, prevalence))
    malignant, others = new / old, (1 - new) / (1 - old)
    keys = conditions_table().malignant_keys
    weighted = {key: p * (malignant if key in keys else others) for key, p in probabilities.items()}
    whole = math.fsum(weighted.values())
    return {key: share / whole for key, share in weighted.items()}
