"""One answer from the assessments of several pictures of one lesion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skinapi.vision.bands import all_thresholds, choose_band, most_probable, most_urgent
from skinapi.vision.calibration.joining import EQUAL
from skinapi.vision.calibration.model_calibration import ModelCalibration
from skinapi.vision.conditions import Band
from skinapi.vision.finding.assessment import Assessment


@dataclass(frozen=True, slots=True)
class JoinedAnswer:
    probabilities: Mapping[str, float]
    band: Band


def join_assessments(calibration: ModelCalibration, pictures: Sequence[Assessment]) -> JoinedAnswer:
    """The joined probabilities, and a band that is never milder than that of any picture alone.

    The joined scores are compared with the lowest of the thresholds of the pictures. Raises
    ValueError for no picture, and for more than MOST_PICTURES.
    """
    rule = calibration.joining or EQUAL
    probabilities = rule.join([(one.calibrated_as, one.probabilities) for one in pictures])
    used = [all_thresholds(calibration.of(one.calibrated_as).thresholds) for one in pictures]
    asked, _ = choose_band(
        probabilities=probabilities,
        named=most_probable(probabilities),
        thresholds={name: min(limits[name] for limits in used) for name in used[0]},
        checklist_score=None,
        uncertain=False,
        little_tested=False,
        untested_skin=False,
    )
    return JoinedAnswer(probabilities, most_urgent(asked, *(one.band for one in pictures)))
