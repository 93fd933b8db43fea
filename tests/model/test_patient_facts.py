import random
from collections.abc import Iterator

import pytest

from skinapi.model.assessment import Assessment, assess
from skinapi.model.bands import urgency
from skinapi.model.calibration import ModelCalibration
from skinapi.model.classification import join_assessments
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from tests.model.random_outputs import (
    LABELS,
    random_context,
    random_features,
    random_logits,
    shipped_calibration,
    with_tables,
)
from tests.support.size import size

SETS = size(120, 500)
SHIPPED = shipped_calibration()
UNTOLD = dict.fromkeys(("age", "age_band", "sex", "body_site", "checklist"))


def judged(
    calibration: ModelCalibration, seed: int, context: Context
) -> tuple[Assessment, Assessment]:
    """Judge one picture, and it together with another; the same seed gives the same pictures."""
    draw = random.Random(seed)
    one, other = (
        assess(
            calibration,
            labels=LABELS,
            logits=random_logits(draw),
            pooled=random_features(draw),
            context=context,
        )
        for _ in range(2)
    )
    return one, join_assessments(calibration, [one, other])


def draw_sets(weights: str) -> Iterator[tuple[int, ModelCalibration, Context]]:
    for seed in range(SETS):
        draw = random.Random(-seed - 1)
        drawn = with_tables(SHIPPED, draw, spread=draw.choice([0.5, 1, 3]))
        yield seed, drawn if weights == "drawn" else SHIPPED, random_context(draw)


@pytest.mark.parametrize("weights", ["shipped", "drawn"])
def test_facts_lower_a_band_by_one_step_and_never_what_the_picture_calls_urgent(
    weights: str,
) -> None:
    lowered = raised = 0
    for seed, calibration, context in draw_sets(weights):
        pictured = judged(calibration, seed, context.model_copy(update=UNTOLD))
        told = judged(calibration, seed, context)
        for by_picture, found in zip(pictured, told, strict=True):
            assert found.not_ruled_out == by_picture.not_ruled_out, seed
            steps = urgency(found.band) - urgency(by_picture.band)
            assert steps <= (0 if by_picture.band is Band.URGENT_REFERRAL else 1), seed
            if found.reasons or context.checklist:
                assert urgency(found.band) <= urgency(Band.DOCTOR_REVIEW), seed
            lowered, raised = lowered + (steps > 0), raised + (steps < 0)
    assert raised
    assert lowered or weights == "shipped"


@pytest.mark.parametrize("weights", ["shipped", "drawn"])
def test_without_facts_a_finding_is_that_of_a_model_without_a_table(weights: str) -> None:
    for seed, calibration, context in draw_sets(weights):
        untold = context.model_copy(update=UNTOLD)
        without = judged(with_tables(calibration, None), seed, untold)
        assert repr(judged(calibration, seed, untold)) == repr(without), seed
