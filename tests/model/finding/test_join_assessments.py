"""Several pictures of one lesion, joined into one answer."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skinapi.model.assessment import Assessment, assess
from skinapi.model.bands import (
    RaisedBy,
    demand_of,
    most_probable,
    severity_rank,
    threshold_scores,
    urgency,
)
from skinapi.model.calibration import (
    EQUAL,
    MOST_PICTURES,
    Calibration,
    HeldOutFigures,
    JoiningRule,
    ModelCalibration,
)
from skinapi.model.classification import join_assessments
from skinapi.model.conditions import Band
from skinapi.model.context import Context, Modality
from skinapi.model.finding import Doubt
from tests.model.fakes import LABELS, TESTED, some_shares

DERMOSCOPIC, CLINICAL = Modality.DERMOSCOPIC, Modality.CLINICAL
MODEL = ModelCalibration(
    dermoscopic=Calibration(tested=TESTED, thresholds={"melanoma": 0.3, "malignant": 0.5}),
    clinical=Calibration(
        tested=HeldOutFigures(modality=CLINICAL, lesions=900, malignant=300, sensitivity=0.96),
        thresholds={"melanoma": 0.4, "malignant": 0.4},
    ),
)
weights = st.floats(0.05, 2)
rules = st.builds(JoiningRule, dermoscopic=weights, clinical=weights)
kinds = st.sampled_from([DERMOSCOPIC, CLINICAL])


pictures = st.lists(st.tuples(kinds, some_shares()), min_size=1, max_size=MOST_PICTURES)


def assessed(kind: Modality, picture: dict[str, float]) -> Assessment:
    logits = np.log([picture[label] for label in LABELS])
    context = Context(modality=kind)
    return assess(MODEL, labels=LABELS, logits=logits, pooled=np.zeros(1), context=context)


@given(rules, pictures)
def test_all_together_is_never_milder_than_any_picture_and_no_doubt_or_rule_is_lost(
    rule: JoiningRule, given_: list[tuple[Modality, dict[str, float]]]
) -> None:
    single = [assessed(kind, picture) for kind, picture in given_]
    joined = join_assessments(MODEL.model_copy(update={"joining": rule}), single)
    assert all(urgency(joined.band) <= urgency(one.band) for one in single)
    if threshold_scores(joined.probabilities)["melanoma"] >= 0.4:
        assert joined.band is Band.URGENT_REFERRAL
    assert severity_rank(joined.stated) <= min(severity_rank(one.stated) for one in single)
    asked = {demand_of(one.stated, one.probabilities) for one in single}
    assert Doubt.PICTURES_DISAGREE in joined.reasons or len(asked) == 1
    assert {*joined.reasons} >= {doubt for one in single for doubt in one.reasons}
    by_name = {RaisedBy.MOST_PROBABLE, RaisedBy.NAMED, RaisedBy.NEAR_THRESHOLD}
    raised = {rule for one in single if one.band is joined.band for rule in one.raised_by}
    assert joined.raised_by
    assert {*joined.raised_by} >= raised - by_name
    sets = {entry.level: {*entry.keys} for entry in joined.not_ruled_out}
    assert all({*entry.keys} <= sets[entry.level] for one in single for entry in one.not_ruled_out)


def sure_of(key: str, share: float = 0.93) -> dict[str, float]:
    left = (1 - share) / (len(LABELS) - 1)
    return dict.fromkeys(LABELS, left) | {key: share}


@pytest.mark.parametrize("kind", [DERMOSCOPIC, CLINICAL])
def test_a_carcinoma_that_one_picture_states_is_not_joined_into_a_mole(kind: Modality) -> None:
    carcinoma = assessed(kind, sure_of("basal_cell_carcinoma", 0.67))
    nevus = assessed(DERMOSCOPIC, sure_of("melanocytic_nevus", 0.999))
    joined = join_assessments(MODEL, [nevus, carcinoma])
    assert most_probable(joined.probabilities) == "melanocytic_nevus"
    assert (joined.stated, joined.reasons) == ("basal_cell_carcinoma", (Doubt.PICTURES_DISAGREE,))


def test_pictures_of_two_benign_conditions_do_not_disagree() -> None:
    keratosis = assessed(DERMOSCOPIC, sure_of("benign_keratosis", 0.99))
    nevus, carcinoma = (
        assessed(DERMOSCOPIC, sure_of(key, 0.99))
        for key in ("melanocytic_nevus", "basal_cell_carcinoma")
    )
    assert join_assessments(MODEL, [keratosis, nevus]).reasons == ()
    assert Doubt.PICTURES_DISAGREE in join_assessments(MODEL, [keratosis, carcinoma]).reasons


def test_a_band_that_one_picture_alone_asks_for_is_told_as_such() -> None:
    melanoma = dict.fromkeys(LABELS, 0.01) | {"melanoma": 0.45, "melanocytic_nevus": 0.43}
    melanoma["benign_keratosis"] += 1 - math.fsum(melanoma.values())
    nevus = dict.fromkeys(LABELS, 1e-6) | {"melanocytic_nevus": 1 - 1e-6 * (len(LABELS) - 1)}
    lens, close_up = assessed(DERMOSCOPIC, melanoma), assessed(CLINICAL, nevus)
    joined = join_assessments(MODEL, [lens, close_up])
    assert threshold_scores(joined.probabilities)["melanoma"] < 0.3
    assert (joined.band, joined.raised_by[:1]) == (Band.URGENT_REFERRAL, (RaisedBy.MELANOMA,))
    assert RaisedBy.PICTURE in joined.raised_by
    assert RaisedBy.PICTURE not in join_assessments(MODEL, [lens, lens]).raised_by


@given(rules, pictures)
def test_joined_probabilities_sum_to_one_in_any_order(
    rule: JoiningRule, given_: list[tuple[Modality, dict[str, float]]]
) -> None:
    joined = rule.join(given_)
    assert math.isclose(sum(joined.values()), 1, abs_tol=1e-9)
    assert set(joined) == set(LABELS)
    for order in permutations(given_):
        assert rule.join(order) == joined


def test_without_a_fitted_rule_both_kinds_count_the_same() -> None:
    nevus = dict.fromkeys(LABELS, 0.01) | {"melanocytic_nevus": 0.93}
    melanoma = dict.fromkeys(LABELS, 0.01) | {"melanoma": 0.93}
    one, other = (
        join_assessments(MODEL, [assessed(DERMOSCOPIC, lens), assessed(CLINICAL, close_up)])
        for lens, close_up in ((nevus, melanoma), (melanoma, nevus))
    )
    assert one.probabilities == pytest.approx(other.probabilities)
    assert one.band is other.band is Band.URGENT_REFERRAL


def test_none_and_five_pictures_and_a_rule_of_nothing_are_refused() -> None:
    picture = dict.fromkeys(LABELS, 1 / len(LABELS))
    for count in (0, MOST_PICTURES + 1):
        with pytest.raises(ValueError, match="one to 4"):
            EQUAL.join([(CLINICAL, picture)] * count)
    for dermoscopic, clinical in ((0, 0), (3, 1), (-1, 1), (math.nan, 1)):
        with pytest.raises(ValidationError):
            JoiningRule(dermoscopic=dermoscopic, clinical=clinical)
