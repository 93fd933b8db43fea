from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.train.fit_bands import (
    LESS_ELSEWHERE,
    MORE_URGENT,
    SENT,
    URGENT_BENIGN,
    fit_bands,
)
from skinapi.model.bands import THRESHOLDS, OperatingPoint
from skinapi.model.calibration import Calibration
from skinapi.model.context import Modality

LABELS = ("melanoma", "basal_cell_carcinoma", "melanocytic_nevus")
CAUTIOUS, STANDARD, SELECTIVE = OperatingPoint
LENS = Modality.DERMOSCOPIC


def lesion(name: str, label: str, source: str, *, pictures: int = 1) -> list[Sample]:
    return [
        Sample(f"{name}-{n}", Path("none"), label, name, source=source, modality=LENS)
        for n in range(pictures)
    ]


def answered(rows: Sequence[tuple[Sample, float, float]]) -> ModelOutputs:
    shares = np.array([[melanoma, other, 1 - melanoma - other] for _, melanoma, other in rows])
    logits = np.log(shares).astype(np.float32)
    pooled = np.zeros((len(rows), 1), np.float32)
    return ModelOutputs([sample for sample, *_ in rows], logits, pooled)


def source_of_lesions(source: str, *, lowest: float, melanomas: int = 100) -> ModelOutputs:
    """Make melanomas between `lowest` and 0.9, and as many nevi between 0.005 and 0.4."""
    rows = [
        (sample, float(p), 0.001)
        for n, p in enumerate(np.linspace(lowest, 0.9, melanomas))
        for sample in lesion(f"{source}m{n}", "melanoma", source)
    ]
    rows += [
        (sample, float(p), 0.001)
        for n, p in enumerate(np.linspace(0.005, 0.4, 100))
        for sample in lesion(f"{source}n{n}", "melanocytic_nevus", source)
    ]
    return answered(rows)


def together(*each: ModelOutputs) -> ModelOutputs:
    samples = [sample for item in each for sample in item.samples]
    return ModelOutputs(
        samples,
        np.concatenate([item.logits for item in each]),
        np.concatenate([item.pooled for item in each]),
    )


def fitted(lesions: ModelOutputs) -> Calibration:
    return fit_bands(lesions, LABELS, Calibration(), LENS)


def malignant_scores(lesions: ModelOutputs) -> NDArray[np.float64]:
    shares = Calibration().probabilities(lesions.logits)[:, :2].sum(axis=1)
    return np.asarray(shares[[sample.label == "melanoma" for sample in lesions.samples]])


@pytest.mark.parametrize("point", OperatingPoint)
def test_of_every_source_the_share_of_the_point_is_sent(point: OperatingPoint) -> None:
    easy, hard = source_of_lesions("easy", lowest=0.3), source_of_lesions("hard", lowest=0.02)
    limit = fitted(together(easy, hard)).sent[point]
    share = (malignant_scores(hard) >= limit).mean()
    assert SENT[point] <= share <= SENT[point] + 0.01, "the largest threshold that does"
    assert (malignant_scores(easy) >= limit).mean() == 1


def test_a_small_source_is_no_reason_to_send_everybody() -> None:
    large = source_of_lesions("large", lowest=0.2)
    small = [source_of_lesions(f"small{n}", lowest=0.01, melanomas=3) for n in range(2)]
    limits = fitted(together(large, *small)).sent
    assert limits[SELECTIVE] == pytest.approx(malignant_scores(small[0]).min(), abs=1e-3)
    assert limits[SELECTIVE] < fitted(large).sent[SELECTIVE]


def test_a_few_easy_lesions_more_of_a_source_do_not_raise_the_cautious_threshold() -> None:
    hard = source_of_lesions("phones", lowest=0.3, melanomas=87)
    lowest = answered([(sample, 0.03, 0.001) for sample in lesion("l", "melanoma", "phones")])
    easy = [
        (sample, 0.8, 0.001) for n in range(58) for sample in lesion(f"e{n}", "melanoma", "phones")
    ]
    few, more = together(hard, lowest), together(hard, lowest, answered(easy))
    assert (
        fitted(few).sent[CAUTIOUS] == fitted(more).sent[CAUTIOUS] == pytest.approx(0.031, abs=2e-4)
    )
    assert fitted(more).sent[STANDARD] > 0.3, "whoever chooses another point knows the own results"


def test_a_little_less_is_sent_of_a_source_that_has_no_benign_lesion() -> None:
    home, hard = source_of_lesions("home", lowest=0.2), source_of_lesions("hard", lowest=0.01)
    melanomas = hard.where(lambda sample: sample.label == "melanoma")
    for point in OperatingPoint:
        limit = fitted(together(home, melanomas)).sent[point]
        assert (malignant_scores(melanomas) >= limit).mean() == pytest.approx(
            SENT[point] - LESS_ELSEWHERE
        )


def test_at_most_a_fifth_of_benign_lesions_is_told_this_week() -> None:
    lesions = source_of_lesions("clinic", lowest=0.02)
    limit = fitted(lesions).thresholds["melanoma"]
    shares = Calibration().probabilities(lesions.logits)[:, 0]
    benign = shares[[sample.label != "melanoma" for sample in lesions.samples]]
    told = (benign >= limit).mean()
    assert URGENT_BENIGN[LENS] - 0.01 <= told <= URGENT_BENIGN[LENS]


def test_a_source_of_harmless_nevi_alone_does_not_decide_what_is_told_this_week() -> None:
    """Without the clinic whose benign lesions look worst, a lower threshold would do, at the price
    of a few more benign lesions of each source.
    """
    mild, worse = (source_of_lesions(name, lowest=0.02) for name in ("mild", "worse"))
    nevi = [
        (sample, float(p), 0.001)
        for n, p in enumerate(np.linspace(0.3, 0.49, 40))
        for sample in lesion(f"x{n}", "melanocytic_nevus", "worse")
    ]
    lesions = together(mild, worse, answered(nevi))
    limit = fitted(lesions).thresholds["melanoma"]
    shares = Calibration().probabilities(lesions.logits)[:, 0]
    benign = np.array([sample.label != "melanoma" for sample in lesions.samples])
    pooled = np.quantile(shares[benign], 1 - URGENT_BENIGN[LENS])
    assert limit < pooled
    for source in ("mild", "worse"):
        own = shares[benign & [sample.source == source for sample in lesions.samples]]
        assert (own >= limit).mean() <= (own >= pooled).mean() + MORE_URGENT + 0.01


def test_benign_lesions_are_counted_once_whatever_their_pictures() -> None:
    lesions = source_of_lesions("clinic", lowest=0.02)
    often = [
        (sample, 0.45, 0.001)
        for sample in lesion("often", "melanocytic_nevus", "clinic", pictures=50)
    ]
    once = together(lesions, answered(often[:1]))
    assert fitted(together(lesions, answered(often))).thresholds == fitted(once).thresholds


def test_a_nevus_that_is_named_melanoma_is_counted_among_those_told_this_week() -> None:
    named = [
        (sample, 0.6, 0.001)
        for n in range(15)
        for sample in lesion(f"x{n}", "melanocytic_nevus", "clinic")
    ]
    lesions = source_of_lesions("clinic", lowest=0.02)
    more = fitted(together(lesions, answered(named))).thresholds["melanoma"]
    assert more > fitted(lesions).thresholds["melanoma"]


def test_few_malignant_lesions_give_no_threshold_above_the_cautious_one() -> None:
    few = fitted(source_of_lesions("clinic", lowest=0.5, melanomas=5))
    assert few.thresholds["melanoma"] == THRESHOLDS["melanoma"].cautious
    assert set(few.sent.values()) == {THRESHOLDS["malignant"].cautious}


def test_without_a_malignant_lesion_nothing_is_fitted() -> None:
    none = fitted(source_of_lesions("clinic", lowest=0.5, melanomas=0))
    assert none.sent == {}
