"""Decides how soon a doctor should see the lesion. Each rule may require a band, and the most
urgent one is chosen.

*Whether* a doctor should look depends on the malignant score and one threshold for each modality
and operating point. *How soon* depends on the named condition, and on the probabilities of single
cancers with thresholds that few benign lesions reach. The thresholds are fitted by `python -m
skinapi calibrate` and stored in the model's calibration.json. A model without its own thresholds
uses `cautious`.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import Field

from skinapi.model.conditions import Band, conditions_table

# A threshold above 1, or NaN, would never be reached.
Limit = Annotated[float, Field(ge=0, le=1)]


class OperatingPoint(StrEnum):
    """How many of the malignant lesions must be sent to a doctor: the fewer, the more benign ones
    are spared a visit. A finding keeps the one under which it was made.
    """

    CAUTIOUS = "cautious"
    STANDARD = "standard"
    SELECTIVE = "selective"


class Threshold(NamedTuple):
    band: Band
    cautious: float


# The cautious ones are low, because a missed cancer costs more than a visit to a doctor.
THRESHOLDS: Mapping[str, Threshold] = {
    "melanoma": Threshold(Band.URGENT_REFERRAL, 0.05),
    "squamous_cell_carcinoma": Threshold(Band.URGENT_REFERRAL, 0.05),
    "basal_cell_carcinoma": Threshold(Band.REFERRAL, 0.05),
    # Includes squamous cell carcinoma if the model has no output for it.
    "actinic_keratosis": Threshold(Band.REFERRAL, 0.05),
    "malignant": Threshold(Band.DOCTOR_REVIEW, 0.10),
}
PLAUSIBLE_SHARE = 1 / 3
_SEVERITIES = ("High", "Medium", "Low", "None")
# Saving a picture once more at quality 95 changes the log odds of a score near its threshold by
# less than this in 99 of 100 cases (measured by `python -m bench.steadiness`).
STEP_LOG_ODDS = 0.225
_URGENCY = {band: place for place, band in enumerate(Band)}


class RaisedBy(StrEnum):
    """Which rules asked for the band that a finding has."""

    MELANOMA = "melanoma"
    BASAL_CELL_CARCINOMA = "basal_cell_carcinoma"
    ACTINIC_KERATOSIS = "actinic_keratosis"
    SQUAMOUS_CELL_CARCINOMA = "squamous_cell_carcinoma"
    MALIGNANT = "malignant"
    NEAR_THRESHOLD = "near_threshold"
    MOST_PROBABLE = "most_probable"
    NAMED = "named"
    CHECKLIST = "checklist"
    # Fewer points than the checklist requires, but one sign is a reason to see a doctor.
    TOLD_SIGNS = "told_signs"
    # Only in findings stored before modalities were recognised.
    NOT_DERMOSCOPIC = "not_dermoscopic"
    NOT_EXAMINED = "not_examined"
    LITTLE_TESTED = "little_tested"
    UNTESTED_SKIN = "untested_skin"
    # One of several pictures requires the band, and the joined probabilities do not.
    PICTURE = "picture"
    # The patient's facts would lower the band by more than the one step that is allowed.
    FROM_PICTURE = "from_picture"
    UNCERTAIN = "uncertain"


class BandRequest(NamedTuple):
    band: Band
    rules: tuple[RaisedBy, ...]


def choose_band(
    *,
    probabilities: Mapping[str, float],
    named: str,
    thresholds: Mapping[str, float],
    checklist_score: int | None,
    uncertain: bool,
    nearly_uncertain: bool = False,
    little_tested: bool,
    untested_skin: bool,
) -> BandRequest:
    """The most urgent required band, and every rule that requires it. `nearly_uncertain` means that
    saving the picture again could make it unlike the training pictures.
    """
    asked = _asked_by_probabilities(probabilities, thresholds, named)
    if nearly_uncertain:
        near = asked.get(RaisedBy.NEAR_THRESHOLD, Band.ROUTINE)
        asked[RaisedBy.NEAR_THRESHOLD] = most_urgent(near, Band.ROUTINE)
    checklist = conditions_table().checklist
    if (checklist_score or 0) >= checklist.threshold:
        asked[RaisedBy.CHECKLIST] = checklist.band
    elif checklist_score:
        asked[RaisedBy.TOLD_SIGNS] = Band.DOCTOR_REVIEW
    if little_tested:
        asked[RaisedBy.LITTLE_TESTED] = Band.DOCTOR_REVIEW
    if untested_skin:
        asked[RaisedBy.UNTESTED_SKIN] = Band.DOCTOR_REVIEW
    if uncertain:
        asked[RaisedBy.UNCERTAIN] = Band.DOCTOR_REVIEW
    band = most_urgent(*asked.values())
    return BandRequest(band, tell_rules(rule for rule in RaisedBy if asked.get(rule) is band))


def choose_for_person(*, picture: BandRequest, person: BandRequest, may_lower: bool) -> BandRequest:
    """The band if the patient's facts require another one than the picture alone. Facts may raise
    it by any number of steps but lower it by only one, and never if the picture alone is urgent.
    """
    if urgency(person.band) <= urgency(picture.band):
        same = person.band is picture.band
        return BandRequest(
            person.band, tell_rules({*person.rules, *(picture.rules if same else ())})
        )
    if picture.band is Band.URGENT_REFERRAL or not may_lower:
        return picture
    one_step = list(Band)[urgency(picture.band) + 1]
    return person if person.band is one_step else BandRequest(one_step, (RaisedBy.FROM_PICTURE,))


def tell_rules(asked: Iterable[RaisedBy]) -> tuple[RaisedBy, ...]:
    """Sort the rules. A score near its threshold is only reported if no other rule requires the
    band.
    """
    rules = set(asked)
    if len(rules) > 1:
        rules.discard(RaisedBy.NEAR_THRESHOLD)
    return tuple(rule for rule in RaisedBy if rule in rules)


def most_probable(probabilities: Mapping[str, float]) -> str:
    return min(probabilities, key=lambda key: (-probabilities[key], key))


def threshold_scores(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {
        name: sum(probabilities.get(key, 0.0) for key in keys_of_threshold(name))
        for name in THRESHOLDS
        if name == "malignant" or name in probabilities
    }


def keys_of_threshold(name: str) -> Collection[str]:
    return conditions_table().malignant_keys if name == "malignant" else {name}


def all_thresholds(fitted: Mapping[str, float]) -> dict[str, float]:
    return {name: each.cautious for name, each in THRESHOLDS.items()} | dict(fitted)


def _asked_by_probabilities(
    probabilities: Mapping[str, float], thresholds: Mapping[str, float], named: str
) -> dict[RaisedBy, Band]:
    limits = all_thresholds(thresholds)
    asked = {
        RaisedBy(name): THRESHOLDS[name].band
        for name, score in threshold_scores(probabilities).items()
        if score >= limits[name]
    }
    near = _asked_by_nearness(probabilities, limits)
    if near is not Band.SELF_MONITORING:
        asked[RaisedBy.NEAR_THRESHOLD] = near
    first = most_probable(probabilities)
    asked[RaisedBy.MOST_PROBABLE] = band_of_condition(first, probabilities)
    if named != first:
        asked[RaisedBy.NAMED] = band_of_condition(named, probabilities)
    return asked


def band_of_condition(key: str, outputs: Collection[str]) -> Band:
    """The band of the most serious condition that this output may stand for: actinic keratosis is
    as urgent as squamous cell carcinoma if the model has no output for the latter.
    """
    return _band_beside(key, _told_apart(key, outputs))


def _told_apart(key: str, outputs: Collection[str]) -> tuple[str, ...]:
    others = conditions_table().counted_as_this(key)
    return tuple(other for other in others if other in outputs) if others else ()


# A finding needs the band and rank of a condition two hundred times.
@cache
def _band_beside(key: str, told_apart: tuple[str, ...]) -> Band:
    table = conditions_table()
    within = [other for other in table.counted_as_this(key) if other not in told_apart]
    return most_urgent(*(table.label(each).urgency for each in (key, *within)))


def demand_of(key: str, outputs: Collection[str]) -> Band | None:
    malignant = conditions_table().by_key(key).malignant
    return band_of_condition(key, outputs) if malignant else None


def _asked_by_nearness(probabilities: Mapping[str, float], limits: Mapping[str, float]) -> Band:
    """The most urgent band required by a score below its threshold: less urgent than the
    threshold's by one step for each STEP_LOG_ODDS below it, rounded up. A condition does the same
    by its distance from the most probable one, with steps twice as long because both may change. So
    saving a picture again moves this band by one step at most.
    """
    bands = list(Band)
    below = [
        (THRESHOLDS[name].band, log_odds(limits[name]) - log_odds(score))
        for name, score in threshold_scores(probabilities).items()
        if score < limits[name]
    ]
    first = most_probable(probabilities)
    highest = max(probabilities[first], 1e-9)
    below += [
        (band_of_condition(key, probabilities), math.log(highest / max(p, 1e-9)) / 2)
        for key, p in probabilities.items()
        if key != first
    ]
    steps = [urgency(band) + max(1, math.ceil(gap / STEP_LOG_ODDS)) for band, gap in below]
    return bands[min([*steps, len(bands) - 1])]


def log_odds(share: float) -> float:
    within = min(max(share, 1e-9), 1 - 1e-9)
    return math.log(within / (1 - within))


def most_urgent(*bands: Band) -> Band:
    return min(bands, key=urgency)


def is_sent(band: Band) -> bool:
    return urgency(band) <= urgency(Band.DOCTOR_REVIEW)


def is_raised(band: Band, *, named: str, outputs: Collection[str]) -> bool:
    return urgency(band) < urgency(band_of_condition(named, outputs))


def most_severe_plausible(probabilities: Mapping[str, float], *, also: Collection[str] = ()) -> str:
    least = PLAUSIBLE_SHARE * max(probabilities.values())
    return min(
        (key for key, p in probabilities.items() if p >= least or key in also),
        key=lambda key: (*severity_rank(key), -probabilities[key], key),
    )


def severity_rank(key: str, outputs: Collection[str] = ()) -> tuple[int, int, int]:
    """A sort key: the more severe, the smaller. If two are equal, a condition that is counted as
    another when its output is missing (squamous cell carcinoma) is more serious. If the model has
    outputs for both, the other one is the mildest of its equals.
    """
    return _rank_beside(key, _told_apart(key, outputs))


@cache
def _rank_beside(key: str, told_apart: tuple[str, ...]) -> tuple[int, int, int]:
    condition = conditions_table().by_key(key)
    rank = _SEVERITIES.index(condition.severity), urgency(_band_beside(key, told_apart))
    return *rank, 1 - bool(condition.counted_as) + bool(told_apart)


def urgency(band: Band) -> int:
    return _URGENCY[band]
