import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from skinapi.model.bands import (
    STEP_LOG_ODDS,
    THRESHOLDS,
    RaisedBy,
    band_of_condition,
    choose_band,
    log_odds,
    most_probable,
    most_urgent,
    severity_rank,
    urgency,
)
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Context
from skinapi.model.headline import rank, sum_malignant
from tests.model.fakes import LABELS, NINE_LABELS
from tests.support.size import size

TABLE = conditions_table()
ITEMS = [item.key for item in TABLE.checklist.items]
UNTOLD = Context()
many = settings(max_examples=size(60, 3000), deadline=None)

# For a model with or without an output for squamous cell carcinoma.
shares = st.lists(st.floats(0, 1), min_size=8, max_size=9).filter(lambda s: sum(s) > 0.1)
probabilities = shares.map(
    lambda drawn: dict(
        zip(
            LABELS if len(drawn) == 8 else NINE_LABELS,
            [share / math.fsum(drawn) for share in drawn],
            strict=True,
        )
    )
)
checklists = st.none() | st.lists(st.sampled_from(ITEMS), unique=True).map(tuple)
contexts = st.builds(Context, checklist=checklists)
BY_THRESHOLD = {
    "melanoma": Band.URGENT_REFERRAL,
    "squamous_cell_carcinoma": Band.URGENT_REFERRAL,
    "basal_cell_carcinoma": Band.REFERRAL,
    "actinic_keratosis": Band.REFERRAL,
}
thresholds = st.fixed_dictionaries({}, optional=dict.fromkeys(THRESHOLDS, st.floats(0, 1)))


def choose(
    given_: dict[str, float],
    context: Context = UNTOLD,
    *,
    limits: dict[str, float] | None = None,
    named: str | None = None,
    **doubts: bool,
) -> tuple[Band, tuple[RaisedBy, ...]]:
    untold = {"uncertain": False, "little_tested": False, "untested_skin": False}
    return choose_band(
        probabilities=given_,
        named=named or max(given_, key=lambda key: given_[key]),
        thresholds=limits or {},
        checklist_score=context.checklist_score,
        **untold | doubts,
    )


def band_of(
    given_: dict[str, float], context: Context = UNTOLD, *, uncertain: bool = False
) -> Band:
    return choose(given_, context, uncertain=uncertain)[0]


def surely(key: str) -> dict[str, float]:
    return {label: 1.0 if label == key else 0.0 for label in LABELS}


@many
@given(probabilities, contexts, thresholds, st.booleans(), st.booleans(), st.sampled_from(LABELS))
def test_the_most_urgent_wins(
    p: dict[str, float],
    context: Context,
    limits: dict[str, float],
    uncertain: bool,
    little_tested: bool,
    named: str,
) -> None:
    band, raised_by = choose(
        p, context, limits=limits, named=named, uncertain=uncertain, little_tested=little_tested
    )
    limits = {name: each.cautious for name, each in THRESHOLDS.items()} | limits
    floors = [band_of_condition(key, p) for key in (most_probable(p), named)]
    floors += [band for name, band in BY_THRESHOLD.items() if p.get(name, -1) >= limits[name]]
    floors += [Band.DOCTOR_REVIEW] * (uncertain or little_tested)
    floors += [Band.URGENT_REFERRAL] * ((context.checklist_score or 0) >= 3)
    assert all(urgency(band) <= urgency(floor) for floor in floors)
    assert raised_by


def test_each_doubt_alone_sends_a_harmless_mole_to_a_doctor() -> None:
    mole, unreachable = surely("melanocytic_nevus"), dict.fromkeys(THRESHOLDS, 1.1)
    assert choose(mole, limits=unreachable)[0] is Band.SELF_MONITORING
    for doubt in ("uncertain", "little_tested", "untested_skin"):
        alone: dict[str, Any] = {doubt: True}
        asked = choose(mole, limits=unreachable, **alone)
        assert asked == (Band.DOCTOR_REVIEW, (RaisedBy(doubt),))
    referred = Context(checklist=("change_in_size", "oozing"))
    assert choose(mole, referred, limits=unreachable)[0] is Band.URGENT_REFERRAL


@pytest.mark.parametrize("name", [*BY_THRESHOLD])
def test_a_score_at_its_threshold_asks_for_its_band(name: str) -> None:
    limits = {**dict.fromkeys(THRESHOLDS, 1.1), name: 0.25}
    few = {**surely("melanocytic_nevus"), "melanocytic_nevus": 0.75, name: 0.25}
    assert choose(few, limits=limits) == (BY_THRESHOLD[name], (RaisedBy(name),))


@many
@given(probabilities, contexts, thresholds, st.booleans(), st.booleans())
def test_for_untested_skin_a_doctor_looks_at_it_and_nothing_else_is_lowered(
    p: dict[str, float], context: Context, limits: dict[str, float], doubt: bool, little: bool
) -> None:
    fields: dict[str, Any] = {"limits": limits, "uncertain": doubt, "little_tested": little}
    before, _ = choose(p, context, **fields)
    band, raised_by = choose(p, context, **fields, untested_skin=True)
    assert band is most_urgent(before, Band.DOCTOR_REVIEW)
    assert (RaisedBy.UNTESTED_SKIN in raised_by) == (band is Band.DOCTOR_REVIEW)


@many
@given(probabilities, contexts, st.booleans())
def test_more_melanoma_is_never_less_urgent(
    p: dict[str, float], context: Context, uncertain: bool
) -> None:
    more = {key: share / 2 for key, share in p.items()}
    more["melanoma"] += 0.5
    before, after = (band_of(given_, context, uncertain=uncertain) for given_ in (p, more))
    assert urgency(after) <= urgency(before)


@many
@given(probabilities)
def test_the_malignant_score_goes_by_label_not_by_rank(p: dict[str, float]) -> None:
    malignant = ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "squamous_cell_carcinoma")
    expected = sum(p.get(key, 0.0) for key in malignant)
    assert math.isclose(sum_malignant(rank(p)), expected, abs_tol=1e-9)


@pytest.mark.parametrize(("key", "band"), [(c.key, c.urgency) for c in TABLE.conditions], ids=str)
def test_a_sure_answer_has_its_conditions_own_urgency(key: str, band: Band) -> None:
    assert band_of({**dict.fromkeys(NINE_LABELS, 0.0), key: 1.0}) is band


@many
@given(probabilities, st.lists(st.sampled_from(ITEMS), unique=True, min_size=1))
def test_a_told_sign_is_a_reason_to_see_a_doctor(p: dict[str, float], ticked: list[str]) -> None:
    unreachable = dict.fromkeys(THRESHOLDS, 1.1)
    band, rules = choose(p, Context(checklist=tuple(ticked)), limits=unreachable)
    assert urgency(band) <= urgency(Band.DOCTOR_REVIEW)
    if band is Band.DOCTOR_REVIEW:
        assert RaisedBy.TOLD_SIGNS in rules


def test_a_checklist_without_a_sign_raises_nothing() -> None:
    mole = surely("melanocytic_nevus")
    unreachable = dict.fromkeys(THRESHOLDS, 1.1)
    assert choose(mole, Context(checklist=()), limits=unreachable)[0] is Band.SELF_MONITORING


def test_a_checklist_is_scored_by_its_weights_and_knows_its_items() -> None:
    assert Context().checklist_score is None
    assert Context(checklist=()).checklist_score == 0
    assert Context(checklist=("oozing", "change_in_size", "oozing")).checklist_score == 3
    with pytest.raises(ValidationError, match="unknown checklist items: itching"):
        Context(checklist=("itching",))


def nevus_but(key: str, odds: float) -> dict[str, float]:
    share = 1 / (1 + math.exp(-odds))
    return {**surely("melanocytic_nevus"), "melanocytic_nevus": 1 - share, key: share}


@pytest.mark.parametrize("key", [key for key in THRESHOLDS if key != "malignant"])
def test_each_step_below_a_threshold_lowers_its_band_by_one(key: str) -> None:
    limits = {**dict.fromkeys(THRESHOLDS, 1.1), key: 0.1}
    at = urgency(THRESHOLDS[key].band)
    for steps in range(1, 6):
        p = nevus_but(key, log_odds(0.1) - (steps - 0.5) * STEP_LOG_ODDS)
        band, raised_by = choose(p, limits=limits)
        assert urgency(band) == min(at + steps, urgency(Band.SELF_MONITORING))
        own = band is Band.SELF_MONITORING
        assert raised_by == (RaisedBy.MOST_PROBABLE if own else RaisedBy.NEAR_THRESHOLD,)


@many
@given(st.sampled_from(LABELS), st.floats(-6, 0), thresholds)
def test_scores_that_move_by_a_step_of_log_odds_move_the_band_by_one(
    key: str, odds: float, limits: dict[str, float]
) -> None:
    first, other = (
        band_of_thresholds(nevus_but(key, shifted), limits)
        for shifted in (odds, odds + 0.999 * STEP_LOG_ODDS)
    )
    assert 0 <= urgency(first) - urgency(other) <= 1


def band_of_thresholds(p: dict[str, float], limits: dict[str, float]) -> Band:
    return choose({**p, "melanocytic_nevus": 1.0}, limits=limits)[0]


def test_actinic_keratosis_is_urgent_only_where_it_holds_squamous_cell_carcinoma() -> None:
    limits = dict.fromkeys(THRESHOLDS, 1.0)
    within = {"actinic_keratosis": 0.9, "melanocytic_nevus": 0.1}
    assert choose(within, limits=limits)[0] is Band.URGENT_REFERRAL
    assert choose({**within, "squamous_cell_carcinoma": 0.0}, limits=limits)[0] is Band.REFERRAL


@pytest.mark.parametrize(
    ("odds", "band"),
    [
        (0.1, Band.URGENT_REFERRAL),
        (-1.9 * STEP_LOG_ODDS, Band.REFERRAL),
        (-2.1 * STEP_LOG_ODDS, Band.DOCTOR_REVIEW),
    ],
)
def test_a_condition_that_is_almost_the_most_probable_is_less_urgent_by_steps(
    odds: float, band: Band
) -> None:
    p = {"melanoma": math.exp(odds) / 2, "melanocytic_nevus": 0.5}
    assert choose(p, limits=dict.fromkeys(THRESHOLDS, 1.0))[0] is band


def test_the_graver_of_two_plausible_ones_is_melanoma_then_squamous_then_keratosis() -> None:
    order = ["melanoma", "squamous_cell_carcinoma", "actinic_keratosis", "basal_cell_carcinoma"]
    assert sorted(TABLE.keys, key=severity_rank)[:4] == order


def test_a_model_without_the_output_is_never_said_to_have_reached_its_threshold() -> None:
    limits = dict.fromkeys(THRESHOLDS, 0.0)
    shares = dict.fromkeys(LABELS, 1 / len(LABELS))
    assert "squamous_cell_carcinoma" not in choose(shares, limits=limits)[1]
