from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from skinapi.learning.data.samples import Sample, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.model.bands import (
    THRESHOLDS,
    OperatingPoint,
    most_probable,
)
from skinapi.model.calibration import Calibration
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality

# The share of the malignant lesions of each source that an operating point sends to a doctor.
SENT: Mapping[OperatingPoint, float] = {
    OperatingPoint.CAUTIOUS: 0.99,
    OperatingPoint.STANDARD: 0.98,
    OperatingPoint.SELECTIVE: 0.95,
}
# So much less of them must be sent of a source of malignant lesions alone, where nothing tells how
# many benign ones its lowest score would send, and of one whose patients' facts were not learned.
LESS_ELSEWHERE = 0.02
# Sources with fewer malignant pictures are fitted together.
MIN_POSITIVE = 20
# The cautious point counts this side of the 95 % interval against a source.
BY_CHANCE = 0.025
# The largest share of the benign lesions that may be told "this week", and how many more of a
# source may be for the sake of the melanomas of another.
URGENT_BENIGN: Mapping[Modality, float] = {Modality.DERMOSCOPIC: 0.20, Modality.CLINICAL: 0.33}
MORE_URGENT = 0.03
# The thresholds of the other cancers: this share of their own lesions reaches them, unless more of
# the benign ones would than this part of URGENT_BENIGN. Melanoma, which kills more, has the rest.
OWN_SENSITIVITY = 0.95
OTHERS_PART = 0.25

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def is_malignant(sample: Sample) -> bool:
    return sample.label in conditions_table().malignant_keys


@dataclass(frozen=True, slots=True)
class BandRows:
    """Validation pictures of one modality. `named` has for each the conditions that a finding would
    name: the most probable one, and that of the naming rule.
    """

    probabilities: Mapping[str, Floats]
    labels: NDArray[np.str_]
    sources: NDArray[np.str_]
    malignant: Rows
    named: Sequence[frozenset[str]]

    @classmethod
    def from_outputs(
        cls,
        outputs: ModelOutputs,
        labels: Sequence[str],
        calibration: Calibration,
        probabilities: Floats | None = None,
    ) -> "BandRows":
        if probabilities is None:
            probabilities = calibration.probabilities(outputs.logits)
        each = [dict(zip(labels, row, strict=True)) for row in probabilities.tolist()]
        name = calibration.naming.name if calibration.naming else most_probable
        return cls(
            probabilities={key: probabilities[:, index] for index, key in enumerate(labels)},
            labels=np.array([sample.label for sample in outputs.samples]),
            sources=np.array([source_of(sample) for sample in outputs.samples]),
            malignant=np.array([is_malignant(sample) for sample in outputs.samples], bool),
            named=[frozenset({most_probable(item), name(item)}) for item in each],
        )

    @property
    def malignant_score(self) -> Floats:
        keys = conditions_table().malignant_keys
        each = [p for key, p in self.probabilities.items() if key in keys]
        return np.asarray(np.sum(each, axis=0))

    def urgent(self, thresholds: Mapping[str, float]) -> Rows:
        urgent = np.zeros(len(self.labels), bool)
        for key, threshold in THRESHOLDS.items():
            if threshold.band is Band.URGENT_REFERRAL and key in thresholds:
                urgent |= (self.probabilities[key] >= thresholds[key]) | self.names(key)
        return urgent

    def names(self, key: str) -> Rows:
        return np.array([key in named for named in self.named], bool)


def fit_bands(
    lesions: ModelOutputs,
    labels: Sequence[str],
    calibration: Calibration,
    modality: Modality,
) -> Calibration:
    rows = BandRows.from_outputs(lesions, labels, calibration)
    # A share of benign lesions, not of their pictures: a source may have many of one.
    one_each = BandRows.from_outputs(lesions.one_per_lesion(), labels, calibration)
    return calibration.model_copy(
        update={"thresholds": fit_soon(one_each, modality), "sent": fit_sent(rows)}
    )


def fit_sent(rows: BandRows) -> dict[OperatingPoint, float]:
    """For each operating point the largest threshold of the malignant score that sends its share of
    the malignant lesions of every source, and slightly less of a source without benign lesions.

    The cautious point uses the lower end of the interval for a source with benign lesions, so that
    no few pictures raise it. With few malignant pictures in total it is at most the cautious
    default. Empty without any.
    """
    if not rows.malignant.any():
        return {}
    without_benign = ~np.isin(rows.sources, rows.sources[~rows.malignant])
    groups = [
        (rows.malignant_score[group], LESS_ELSEWHERE if without_benign[group].all() else 0.0)
        for group in _malignant_by_source(rows)
    ]
    few = rows.malignant.sum() < MIN_POSITIVE
    fitted = {}
    for point, share in SENT.items():
        careful = point is OperatingPoint.CAUTIOUS
        limits = [
            _asked_by(share, scores) if careful and not less else _reached_by(share - less, scores)
            for scores, less in groups
        ]
        fitted[point] = min(*limits, THRESHOLDS["malignant"].cautious if few else 1.0)
    return fitted


def _malignant_by_source(rows: BandRows) -> list[Rows]:
    own = [rows.malignant & (rows.sources == source) for source in np.unique(rows.sources)]
    large = [group for group in own if group.sum() >= MIN_POSITIVE]
    small = [group for group in own if 0 < group.sum() < MIN_POSITIVE]
    return [*large, *([np.any(small, axis=0)] if small else [])]


def fit_soon(rows: BandRows, modality: Modality, *, urgent: Rows | None = None) -> dict[str, float]:
    """The thresholds of single cancers for an urgent finding or a referral.

    That of melanoma is the lowest with which at most URGENT_BENIGN of the benign lesions are told
    "this week" by any rule, even if a source is omitted, and no source has MORE_URGENT more of
    them. `urgent` lesions are urgent already.
    """
    cap = URGENT_BENIGN[modality]
    thresholds = {
        key: _own_threshold(rows, key, most_benign=cap * OTHERS_PART)
        for key in THRESHOLDS
        if key in rows.probabilities and key != "melanoma" and (rows.labels == key).any()
    }
    if "melanoma" in rows.probabilities:
        already = rows.urgent(thresholds) if urgent is None else rows.urgent(thresholds) | urgent
        thresholds["melanoma"] = _melanoma_threshold(rows, already, cap)
    return thresholds


def _own_threshold(rows: BandRows, key: str, *, most_benign: float) -> float:
    score, own = rows.probabilities[key], rows.labels == key
    wanted = _reached_by(OWN_SENSITIVITY, score[own])
    limit = max(wanted, _passed_by(most_benign, score[~rows.malignant]))
    few = own.sum() < MIN_POSITIVE
    return min(limit, THRESHOLDS[key].cautious if few else 1.0)


def _melanoma_threshold(rows: BandRows, urgent: Rows, cap: float) -> float:
    if (rows.labels == "melanoma").sum() < MIN_POSITIVE:
        return THRESHOLDS["melanoma"].cautious
    urgent = urgent | rows.names("melanoma")
    score, benign = rows.probabilities["melanoma"], ~rows.malignant

    def lowest(own: Rows, most: float) -> float:
        waiting = own & ~urgent
        left = most * own.sum() - (own & urgent).sum()
        return _passed_by(max(left, 0.0) / max(waiting.sum(), 1), score[waiting])

    fitted = lowest(benign, cap)
    sources = np.unique(rows.sources[benign])
    without = [lowest(benign & (rows.sources != source), cap) for source in sources]
    told = urgent | (score >= fitted)
    most = [
        lowest(own, told[own].mean() + MORE_URGENT)
        for own in (benign & (rows.sources == source) for source in sources)
    ]
    return max(min(fitted, *without), *most) if len(sources) > 1 else fitted


def _reached_by(share: float, scores: Floats) -> float:
    wanted = metrics.threshold_at_sensitivity(scores, np.ones(len(scores), bool), share)
    # Rounded down: rounded up, the threshold would miss the picture that it was fitted to catch.
    return float(np.floor(wanted * 1e4) / 1e4)


def _asked_by(share: float, scores: Floats) -> float:
    count = len(scores)
    missed = (scores < _reached_by(share, scores)).sum()
    by_chance = binom.sf(missed, count, np.arange(1, count + 1) / count) >= BY_CHANCE
    return _reached_by(1.0, np.sort(scores)[by_chance])


def _passed_by(share: float, scores: Floats) -> float:
    if not len(scores):
        return 0.0
    allowed = int(share * len(scores))
    highest = np.sort(scores)[::-1]
    if allowed >= len(highest):
        return 0.0
    return float(min(np.floor(highest[allowed] * 1e4 + 1) / 1e4, 1.0))
