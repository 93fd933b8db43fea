from datetime import UTC, datetime
from typing import Any

from skinapi.findings.records.stored_finding import JudgedVersion
from skinapi.model.bands import RaisedBy
from skinapi.model.calibration import HeldOutFigures, restate
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.detectors import KNOWN, ModalityFinding
from skinapi.model.finding import Doubt, Finding, Timings
from skinapi.model.headline import (
    NotRuledOut,
    RestatedProbabilities,
    as_mapping,
    rank,
    sum_malignant,
)
from skinapi.model.network.picture import Quality

UNSURE = ModalityFinding(told=Modality.UNKNOWN, recognised=Modality.UNKNOWN, used=KNOWN)
CONTRADICTED = ModalityFinding(
    told=Modality.DERMOSCOPIC,
    recognised=Modality.CLINICAL,
    dermoscopic_probability=0.02,
    used=KNOWN,
)
# For a model without an output for squamous cell carcinoma.
EIGHT = tuple(key for key in conditions_table().keys if key != "squamous_cell_carcinoma")
# Enough malignant lesions of the one kind of picture, too few of the other.
TESTED = HeldOutFigures(
    modality=Modality.DERMOSCOPIC, lesions=1000, malignant=200, sensitivity=0.95
)
LITTLE_TESTED = HeldOutFigures(
    modality=Modality.CLINICAL, lesions=345, malignant=90, sensitivity=0.912
)


def judged(
    band: Band, at: datetime = datetime(2026, 1, 1, tzinfo=UTC), version: int = 1
) -> JudgedVersion:
    return JudgedVersion(version=version, band=band, judged_at=at)


def finding_of(
    key: str = "melanoma",
    *,
    probability: float = 0.9,
    band: Band = Band.URGENT_REFERRAL,
    raised_by: tuple[RaisedBy, ...] = (RaisedBy.MOST_PROBABLE,),
    reasons: tuple[Doubt, ...] = (),
    **fields: Any,
) -> Finding:
    others = [other for other in EIGHT if other != key]
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
        "modality": UNSURE,
        "tested": (TESTED,),
    }
    return Finding.model_validate({**values, **fields})


def restated_finding(*, own: float, prevalence: float = 0.02, calibrated: float = 1 / 3) -> Finding:
    """A melanoma with this probability from the model, as a clinic of this prevalence shows it."""
    finding = finding_of(probability=own)
    shown = restate(as_mapping(finding.ranked), calibrated=calibrated, prevalence=prevalence)
    told = {
        "restated": RestatedProbabilities.from_probabilities(shown, None, prevalence),
        "calibrated_on": calibrated,
    }
    return finding.model_copy(update=told)


def told_finding(key: str = "melanoma", **fields: Any) -> Finding:
    """A finding with everything: shifted by reported facts, with two prediction sets, and sent as
    another kind of picture than it looks like.
    """
    untested = ("dermatofibroma",)
    open_ = tuple(k for k in EIGHT if k not in (NORMAL_SKIN, *untested))
    others = [other for other in EIGHT if other != key]
    pictured = rank({**dict.fromkeys(others, 0.69 / len(others)), key: 0.31})
    values: dict[str, Any] = {
        "probability": 0.44,
        "checklist_score": 4,
        "modality": CONTRADICTED,
        "tested": (TESTED, LITTLE_TESTED),
        "from_picture": pictured,
        "not_ruled_out": (
            NotRuledOut(level="0.90", keys=("melanoma",), too_few=()),
            NotRuledOut(level="0.95", keys=open_, too_few=untested),
        ),
    }
    return finding_of(key, **{**values, **fields})


def named_finding(key: str = "melanoma", *, most_probable: str, **fields: Any) -> Finding:
    """The naming rule names `key`, though another condition is more probable."""
    others = [other for other in EIGHT if other not in (key, most_probable)]
    shares = dict.fromkeys(others, 0.25 / len(others))
    ranked = rank({**shares, key: 0.3, most_probable: 0.45})
    values: dict[str, Any] = {
        "ranked": ranked,
        "malignant_score": sum_malignant(ranked),
        "band": conditions_table().by_key(key).urgency,
        "raised_by": (RaisedBy.NAMED,),
    }
    return told_finding(key, **{**values, **fields})
