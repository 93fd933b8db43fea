"""Findings for a test, made without a network."""

from typing import Any

from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding import Doubt, Finding, Timings, rank, sum_malignant
from skinapi.vision.quality import Quality


def finding_of(
    key: str = "melanoma",
    *,
    probability: float = 0.9,
    band: Band = Band.URGENT_REFERRAL,
    raised_by: tuple[RaisedBy, ...] = (RaisedBy.MOST_PROBABLE,),
    reasons: tuple[Doubt, ...] = (),
    **fields: Any,
) -> Finding:
    """One where this condition is stated, and the others share what is left."""
    others = [other for other in conditions_table().keys if other != key]
    shares = dict.fromkeys(others, (1 - probability) / len(others))
    ranked = rank({**shares, key: probability})
    values: dict[str, Any] = {
        "ranked": ranked,
        "stated": key,
        "malignant_score": sum_malignant(ranked),
        "band": band,
        "raised_by": raised_by,
        "uncertain": bool(reasons),
        "reasons": reasons,
        "quality": Quality(
            width=300, height=225, brightness=120, highlights=0.0, sharpness=5, reasons=()
        ),
        "not_dermoscopic": True,
        "checklist_score": None,
        "heat": ((0.0, 1.0), (0.5, 0.0)),
        "model_version": "made-1",
        "timings": Timings(decode=1, engine=2, total=4),
    }
    return Finding.model_validate({**values, **fields})
