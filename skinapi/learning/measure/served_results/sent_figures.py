"""Who is sent to a doctor, who is told to come this week, and what that word is worth."""

from collections.abc import Sequence
from typing import Any

from skinapi.learning.measure.predictions import (
    ModelOutputs,
    ServedResult,
    calibration_modality,
)
from skinapi.learning.measure.served_results.outcomes import (
    ServedSample,
    measure_each_group,
    measure_share,
    reaches_band,
    select_lesions,
)
from skinapi.vision.calibration.model_calibration import PointFigures
from skinapi.vision.conditions import Band, conditions_table

MELANOMA = "melanoma"


def measure_malignant_caught(
    lesions: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, dict[str, Any]]:
    """`measure_sent` by modality.

    `lesions` holds one picture of each lesion; `results` come from `serve_as_if_tested`.
    """
    return measure_each_group(
        lambda row: calibration_modality(*row).value,
        select_lesions(lesions, results),
        measure_sent,
    )


def measure_sent(rows: Sequence[ServedSample]) -> dict[str, Any]:
    """The counts of `PointFigures`, and their shares with intervals.

    `caught`: of the malignant lesions those sent to a doctor; `benign_below`: of the benign ones
    those not sent; `urgent_right`: of the lesions told to come this week, the malignant ones.
    """
    malignant = [row for row in rows if _is_malignant(row)]
    benign = [row for row in rows if not _is_malignant(row)]
    urgent = [row for row in rows if _is_urgent(row)]
    return {
        "lesions": len(rows),
        **_count(malignant, benign).model_dump(),
        "urgent": len(urgent),
        **measure_share("caught", malignant, _is_sent),
        **measure_share("benign_below", benign, lambda row: not _is_sent(row)),
        **measure_share("benign_told_urgent", benign, _is_urgent),
        **measure_share("melanomas_told_urgent", _melanomas(malignant), _is_urgent),
        **measure_share("urgent_right", urgent, _is_malignant),
    }


def _count(malignant: Sequence[ServedSample], benign: Sequence[ServedSample]) -> PointFigures:
    melanomas = _melanomas(malignant)
    return PointFigures(
        malignant=len(malignant),
        malignant_sent=sum(map(_is_sent, malignant)),
        malignant_urgent=sum(map(_is_urgent, malignant)),
        benign=len(benign),
        benign_sent=sum(map(_is_sent, benign)),
        benign_urgent=sum(map(_is_urgent, benign)),
        melanomas=len(melanomas),
        melanomas_sent=sum(map(_is_sent, melanomas)),
        melanomas_urgent=sum(map(_is_urgent, melanomas)),
    )


def _melanomas(rows: Sequence[ServedSample]) -> list[ServedSample]:
    return [row for row in rows if row[0].label == MELANOMA]


def _is_malignant(row: ServedSample) -> bool:
    return row[0].label in conditions_table().malignant_keys


def _is_sent(row: ServedSample) -> bool:
    """A refused picture is not sent."""
    return reaches_band(row, Band.DOCTOR_REVIEW)


def _is_urgent(row: ServedSample) -> bool:
    return reaches_band(row, Band.URGENT_REFERRAL)
