"""How soon a doctor should see it: the most urgent of everything that asks for a band."""

from collections.abc import Mapping
from enum import StrEnum

from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import Context, Modality

# For a model that brings no thresholds of its own: low, because a missed cancer costs more than a
# visit.
CAUTIOUS_THRESHOLDS: Mapping[str, float] = {
    "melanoma": 0.05,
    "basal_cell_carcinoma": 0.05,
    "malignant": 0.10,
}
THRESHOLD_BANDS: Mapping[str, Band] = {
    "melanoma": Band.URGENT_REFERRAL,
    "basal_cell_carcinoma": Band.REFERRAL,
    "malignant": Band.DOCTOR_REVIEW,
}
_URGENCY = {band: place for place, band in enumerate(Band)}


class RaisedBy(StrEnum):
    """Which rules asked for the band that a finding has."""

    MELANOMA = "melanoma"
    BASAL_CELL_CARCINOMA = "basal_cell_carcinoma"
    MALIGNANT = "malignant"
    MOST_PROBABLE = "most_probable"
    CHECKLIST = "checklist"
    NOT_DERMOSCOPIC = "not_dermoscopic"
    UNCERTAIN = "uncertain"


def choose_band(
    *,
    probabilities: Mapping[str, float],
    thresholds: Mapping[str, float],
    context: Context,
    uncertain: bool,
) -> tuple[Band, tuple[RaisedBy, ...]]:
    """The band, and every rule that asked for no less."""
    asked = _asked_by_probabilities(probabilities, {**CAUTIOUS_THRESHOLDS, **thresholds})
    checklist = conditions_table().checklist
    if (context.checklist_score or 0) >= checklist.threshold:
        asked[RaisedBy.CHECKLIST] = checklist.band
    if context.modality is not Modality.DERMOSCOPIC:
        asked[RaisedBy.NOT_DERMOSCOPIC] = Band.DOCTOR_REVIEW
    if uncertain:
        asked[RaisedBy.UNCERTAIN] = Band.DOCTOR_REVIEW
    band = most_urgent(*asked.values())
    return band, tuple(rule for rule in RaisedBy if asked.get(rule) is band)


def _asked_by_probabilities(
    probabilities: Mapping[str, float], thresholds: Mapping[str, float]
) -> dict[RaisedBy, Band]:
    table = conditions_table()
    scores = {
        **probabilities,
        "malignant": sum(probabilities.get(key, 0.0) for key in table.malignant_keys),
    }
    asked = {
        RaisedBy(name): band
        for name, band in THRESHOLD_BANDS.items()
        if scores.get(name, 0.0) >= thresholds[name]
    }
    most_probable = max(probabilities, key=lambda key: probabilities[key])
    return {**asked, RaisedBy.MOST_PROBABLE: table.by_key(most_probable).urgency}


def most_urgent(*bands: Band) -> Band:
    return min(bands, key=urgency)


def urgency(band: Band) -> int:
    """Its place, the most urgent first."""
    return _URGENCY[band]
