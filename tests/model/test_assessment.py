from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from skinapi.model.assessment import Assessment, assess
from skinapi.model.bands import (
    THRESHOLDS,
    OperatingPoint,
    RaisedBy,
    band_of_condition,
    severity_rank,
    urgency,
)
from skinapi.model.calibration import (
    Calibration,
    HeldOutFigures,
    ModelCalibration,
    NamingRule,
    TonesTested,
)
from skinapi.model.conditions import Band
from skinapi.model.context import Context, Modality, Sex, SkinTone
from skinapi.model.detectors import LinearClassifier, ModalityDetector, OtherDiseaseDetector
from skinapi.model.finding import Doubt
from skinapi.model.headline import rank
from skinapi.model.patient_facts import Fact, PatientFactsTable, ToldLimits
from tests.model.fakes import LABELS, TESTED, some_shares

DERMOSCOPIC, CLINICAL, UNKNOWN = Modality.DERMOSCOPIC, Modality.CLINICAL, Modality.UNKNOWN
WELL_TESTED = Calibration(tested=TESTED)
PHONE_TESTED = Calibration(
    tested=HeldOutFigures(modality=CLINICAL, lesions=900, malignant=300, sensitivity=0.96)
)
NEVUS = {"melanocytic_nevus": 0.95, "benign_keratosis": 0.04, "melanoma": 0.01}
# One feature: positive through a dermoscope, negative from a phone, near zero in doubt.
DETECTOR = ModalityDetector(
    dermoscopic=LinearClassifier.from_weights(np.array([1.0]), 0.0), sure=0.9
)
LENS, PHONE, DOUBTFUL = 5.0, -5.0, 0.5


def assessed(
    probabilities: dict[str, float],
    calibration: ModelCalibration,
    *,
    context: Context | None = None,
    feature: float = DOUBTFUL,
) -> Assessment:
    logits = np.log([max(probabilities.get(label, 0.0), 1e-12) for label in LABELS])
    return assess(
        calibration,
        labels=LABELS,
        logits=logits,
        pooled=np.array([feature]),
        context=context or Context(modality=DERMOSCOPIC),
    )


def both(dermoscopic: Calibration, clinical: Calibration) -> ModelCalibration:
    return ModelCalibration(dermoscopic=dermoscopic, clinical=clinical, modality=DETECTOR)


@pytest.mark.parametrize(
    ("told", "feature", "recognised", "used"),
    [
        (UNKNOWN, LENS, DERMOSCOPIC, (DERMOSCOPIC,)),
        (UNKNOWN, PHONE, CLINICAL, (CLINICAL,)),
        (UNKNOWN, DOUBTFUL, UNKNOWN, (DERMOSCOPIC, CLINICAL)),
        (DERMOSCOPIC, DOUBTFUL, UNKNOWN, (DERMOSCOPIC, CLINICAL)),
        (CLINICAL, DOUBTFUL, UNKNOWN, (DERMOSCOPIC, CLINICAL)),
        (DERMOSCOPIC, PHONE, CLINICAL, (DERMOSCOPIC, CLINICAL)),
        (CLINICAL, LENS, DERMOSCOPIC, (DERMOSCOPIC, CLINICAL)),
        (CLINICAL, PHONE, CLINICAL, (CLINICAL,)),
    ],
)
def test_one_modality_is_used_only_if_the_picture_shows_it_and_nothing_else_was_told(
    told: Modality, feature: float, recognised: Modality, used: tuple[Modality, ...]
) -> None:
    found = assessed(
        NEVUS, both(WELL_TESTED, PHONE_TESTED), context=Context(modality=told), feature=feature
    ).modality
    assert (found.told, found.recognised, found.used) == (told, recognised, used)
    assert found.contradicted == (len(used) == 2 and UNKNOWN not in (told, recognised))
    assert found.unsure == (recognised is UNKNOWN)


def test_a_model_that_recognises_no_modality_uses_what_was_told() -> None:
    blind = ModelCalibration(dermoscopic=WELL_TESTED, clinical=PHONE_TESTED)
    for told, used in ((CLINICAL, (CLINICAL,)), (UNKNOWN, (DERMOSCOPIC, CLINICAL))):
        assert assessed(NEVUS, blind, context=Context(modality=told)).modality.used == used


def test_with_an_unknown_modality_the_more_cautious_calibration_counts() -> None:
    cautious = PHONE_TESTED.model_copy(update={"thresholds": {"melanoma": 0.005}})
    relaxed = WELL_TESTED.model_copy(update={"thresholds": {"melanoma": 0.5, "malignant": 0.5}})
    for calibration in (both(relaxed, cautious), both(cautious, relaxed)):
        found = assessed(NEVUS, calibration, context=Context())
        assert found.band is Band.URGENT_REFERRAL
        assert RaisedBy.MELANOMA in found.raised_by


def test_of_two_calibrations_with_one_band_every_rule_that_asked_for_it_is_told() -> None:
    little_tested = Calibration(
        tested=TESTED.model_copy(update={"malignant": 99}),
        thresholds={"melanoma": 0.9, "malignant": 0.9},
    )
    # Its lower temperature gives a lower malignant score, so the other one is used.
    passed = PHONE_TESTED.model_copy(
        update={"thresholds": {"melanoma": 0.9, "malignant": 0.05}, "temperature": 0.8}
    )
    picture = {"normal_skin": 0.85, "melanoma": 0.14, "melanocytic_nevus": 0.01}
    found = assessed(picture, both(little_tested, passed), context=Context())
    assert found.band is Band.DOCTOR_REVIEW
    assert found.raised_by == (RaisedBy.MALIGNANT, RaisedBy.LITTLE_TESTED)


def test_of_two_calibrations_with_one_band_the_more_severe_condition_is_stated() -> None:
    picture = {"actinic_keratosis": 0.6, "melanoma": 0.3, "melanocytic_nevus": 0.1}
    milder = WELL_TESTED.model_copy(update={"temperature": 0.8})
    rule = NamingRule(tau=1.0, prior={"actinic_keratosis": 0.9, "melanoma": 0.1})
    severer = PHONE_TESTED.model_copy(update={"naming": rule})
    scores = [assessed(picture, both(item, item)).malignant_score for item in (milder, severer)]
    assert scores[0] > scores[1]
    for calibration in (both(milder, severer), both(severer, milder)):
        found = assessed(picture, calibration, context=Context())
        assert (found.stated, found.band) == ("melanoma", Band.URGENT_REFERRAL)


def test_a_modality_with_few_malignant_tests_always_sends_to_a_doctor() -> None:
    few = TESTED.model_copy(update={"malignant": 99})
    found = assessed(NEVUS, ModelCalibration(dermoscopic=Calibration(tested=few)))
    assert (found.band, found.raised_by) == (Band.DOCTOR_REVIEW, (RaisedBy.LITTLE_TESTED,))
    enough = ModelCalibration(dermoscopic=WELL_TESTED)
    assert assessed(NEVUS, enough).band is Band.SELF_MONITORING
    photograph = assessed(NEVUS, enough, context=Context(modality=CLINICAL))
    assert RaisedBy.LITTLE_TESTED in photograph.raised_by


def naming(tau: float, **prior: float) -> ModelCalibration:
    rule = NamingRule(tau=tau, prior=prior)
    return ModelCalibration(dermoscopic=WELL_TESTED.model_copy(update={"naming": rule}))


def test_the_rule_never_names_less_than_a_most_probable_cancer() -> None:
    p = {"melanoma": 0.6, "dermatofibroma": 0.4}
    found = assessed(p, naming(1.0, melanoma=0.99, dermatofibroma=0.01))
    assert found.stated == "melanoma"


def test_what_the_rule_names_may_raise_the_band_and_says_so() -> None:
    p = {"melanocytic_nevus": 0.58, "vascular_lesion": 0.42}
    found = assessed(p, naming(1.0, melanocytic_nevus=0.9, vascular_lesion=0.1))
    assert (found.stated, found.band) == ("vascular_lesion", Band.ROUTINE)
    assert found.raised_by == (RaisedBy.NAMED,)


def test_a_doubt_takes_back_no_cancer_that_the_rule_has_named() -> None:
    p = {"melanocytic_nevus": 0.8, "melanoma": 0.2}
    rule = NamingRule(tau=1.0, prior={"melanocytic_nevus": 0.9, "melanoma": 0.1})
    sure = WELL_TESTED.model_copy(update={"naming": rule, "thresholds": {"melanoma": 0.9}})
    for unlike_training in (None, 1e9):
        calibration = sure.model_copy(update={"unlike_training": unlike_training})
        found = assessed(p, ModelCalibration(dermoscopic=calibration))
        assert bool(found.reasons) == (unlike_training is not None)
        assert (found.stated, found.band) == ("melanoma", Band.URGENT_REFERRAL)


@given(some_shares(), st.floats(0, 1), st.permutations(LABELS))
def test_what_looks_like_a_disease_that_it_does_not_name_is_in_doubt_and_never_milder(
    probabilities: dict[str, float], tau: float, rarer: list[str]
) -> None:
    rule = NamingRule(tau=tau, prior={label: 0.5**place for place, label in enumerate(rarer)})
    closest = WELL_TESTED.model_copy(update={"naming": rule, "too_close": 0.0})
    rare = ModelCalibration(dermoscopic=closest)
    detector = OtherDiseaseDetector(
        other=LinearClassifier.from_weights(np.array([1.0]), 0.0), limit=0.9, pictures=100
    )
    doubting = rare.model_copy(update={"other_diseases": detector})
    without, found, familiar = (
        assessed(probabilities, calibration, feature=feature)
        for calibration, feature in ((rare, 5.0), (doubting, 5.0), (doubting, -2.0))
    )
    assert Doubt.UNLIKE_TRAINING in found.reasons
    assert urgency(found.band) <= min(urgency(Band.DOCTOR_REVIEW), urgency(without.band))
    assert severity_rank(found.stated) <= severity_rank(without.stated)
    assert familiar == without


def told(table: PatientFactsTable, p: dict[str, float], **facts: Any) -> Assessment:
    context = Context.model_validate({"modality": DERMOSCOPIC, **facts})
    known = WELL_TESTED.model_copy(update={"patient_facts": table})
    return assessed(p, ModelCalibration(dermoscopic=known), context=context)


AGED = {
    30: {"melanoma": -1.0, "melanocytic_nevus": 1.0},
    70: {"melanoma": 1.0, "melanocytic_nevus": -1.0},
}
OLD = PatientFactsTable(age=AGED)


def test_patient_facts_change_the_probabilities_and_those_of_the_picture_are_kept() -> None:
    found = told(OLD, NEVUS, age=80)
    assert found.from_picture is not None
    assert found.from_picture["melanoma"] == pytest.approx(0.01, abs=1e-6)
    assert found.probabilities["melanoma"] == pytest.approx(
        0.01 * np.e / (0.01 * np.e + 0.95 / np.e + 0.04), abs=1e-6
    )
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.moved_by == (Fact.AGE,)
    untold = told(OLD, NEVUS, sex="female", body_site="back", checklist=())
    assert (untold.from_picture, untold.moved_by) == (None, ())


def test_the_shifts_of_an_age_lie_on_a_straight_line_and_a_group_stands_for_its_middle() -> None:
    shares = [told(OLD, NEVUS, age=age).probabilities["melanoma"] for age in (20, 30, 50, 70, 90)]
    assert shares[0] == shares[1] < shares[2] < shares[3] == shares[4]
    assert shares[2] == pytest.approx(0.01)
    assert told(OLD, NEVUS, age_band="75+").probabilities["melanoma"] == shares[4]


def test_a_sign_that_was_asked_counts_whether_it_is_ticked_or_not() -> None:
    table = PatientFactsTable(
        ticked={"oozing": {"melanoma": 1.0}}, not_ticked={"oozing": {"melanoma": -1.0}}
    )
    shares = [
        told(table, NEVUS, checklist=answers).probabilities["melanoma"]
        for answers in (("oozing",), None, ("inflammation",), ())
    ]
    assert shares[0] > shares[1] > shares[2] == shares[3]


ANY_SHIFTS = st.lists(st.floats(-3, 3), min_size=len(LABELS), max_size=len(LABELS))
NEVER = {"thresholds": dict.fromkeys(THRESHOLDS, 1.0), "sent": dict.fromkeys(OperatingPoint, 1.0)}


@given(some_shares(), ANY_SHIFTS, st.booleans(), st.sampled_from([None, (), ("oozing",)]))
def test_facts_lower_a_band_by_one_step_at_most_and_never_an_urgent_one(
    probabilities: dict[str, float],
    shifts: list[float],
    own_limits: bool,
    checklist: tuple[str, ...] | None,
) -> None:
    table = PatientFactsTable(
        sex={"female": dict(zip(LABELS, shifts, strict=True))},
        limits={"sex": ToldLimits.model_validate(NEVER)} if own_limits else {},
    )
    without = told(table, probabilities, checklist=checklist)
    found = told(table, probabilities, sex="female", checklist=checklist)
    lowered = urgency(found.band) - urgency(without.band)
    assert lowered <= (1 if own_limits and without.band is not Band.URGENT_REFERRAL else 0)
    if found.reasons or checklist:
        assert urgency(found.band) <= urgency(Band.DOCTOR_REVIEW)
    assert set(found.reasons) >= set(without.reasons)
    assert found.raised_by


def test_where_facts_ask_for_two_steps_less_the_picture_is_told_as_the_reason() -> None:
    cancer = {"basal_cell_carcinoma": 0.7, "melanocytic_nevus": 0.3}
    young = PatientFactsTable(
        age={0: {"basal_cell_carcinoma": -9.0}, 90: {"basal_cell_carcinoma": 0.0}},
        limits={"age": ToldLimits.model_validate(NEVER)},
    )
    assert told(young, cancer).band is Band.REFERRAL
    found = told(young, cancer, age=0)
    assert (found.band, found.raised_by) == (Band.DOCTOR_REVIEW, (RaisedBy.FROM_PICTURE,))


def test_what_stays_urgent_by_the_picture_is_stated_as_the_picture_alone_names_it() -> None:
    young = PatientFactsTable(
        age={0: {"melanoma": -9.0}, 90: {"melanoma": 0.0}},
        limits={"age": ToldLimits.model_validate(NEVER)},
    )
    found = told(young, {"melanoma": 0.7, "melanocytic_nevus": 0.3}, age=0)
    assert (found.band, found.stated) == (Band.URGENT_REFERRAL, "melanoma")
    assert found.probabilities["melanocytic_nevus"] > 0.9


@given(
    some_shares(),
    st.lists(st.floats(-2, 2), min_size=len(LABELS), max_size=len(LABELS)),
    st.sampled_from([None, "female"]),
    st.sampled_from([(), ("change_in_size", "irregular_shape")]),
)
@example({**dict.fromkeys(LABELS, 8 / 57), LABELS[0]: 1 / 57}, [*[0.0] * 7, 1.0], "female", ())
def test_the_conditions_that_are_told_as_reasons_ask_for_the_band(
    probabilities: dict[str, float],
    shifts: list[float],
    sex: Sex | None,
    checklist: tuple[str, ...],
) -> None:
    table = PatientFactsTable(
        sex={"female": dict(zip(LABELS, shifts, strict=True))},
        limits={"sex": ToldLimits.model_validate(NEVER)},
    )
    rare = NamingRule(tau=0.7, prior={label: 0.9**place for place, label in enumerate(LABELS)})
    close = {"too_close": 0.02, "patient_facts": table}
    naming = WELL_TESTED.model_copy(update={"naming": rare, **close})
    calibration = both(naming, PHONE_TESTED.model_copy(update={"temperature": 2.0, **close}))
    context = Context(sex=sex, checklist=checklist)
    found = assessed(probabilities, calibration, context=context)
    ranked = rank(found.probabilities)
    shown = {RaisedBy.MOST_PROBABLE: ranked[0].key, RaisedBy.NAMED: found.stated}
    assert found.raised_by
    for rule in shown.keys() & set(found.raised_by):
        assert band_of_condition(shown[rule], LABELS) is found.band


@given(
    some_shares(),
    st.floats(-6, 6),
    st.sampled_from([DERMOSCOPIC, CLINICAL]),
    st.tuples(st.floats(0.5, 3), st.floats(0.5, 3)),
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
def test_the_kind_of_picture_that_is_told_lowers_no_band_and_takes_no_doubt(
    probabilities: dict[str, float],
    feature: float,
    told: Modality,
    temperatures: tuple[float, float],
    closest: tuple[float, float],
) -> None:
    dermoscopic, clinical = (
        tested.model_copy(update={"temperature": temperature, "too_close": close})
        for tested, temperature, close in zip(
            (WELL_TESTED, PHONE_TESTED), temperatures, closest, strict=True
        )
    )
    calibration = both(dermoscopic, clinical)
    without = assessed(probabilities, calibration, context=Context(), feature=feature)
    found = assessed(probabilities, calibration, context=Context(modality=told), feature=feature)
    assert urgency(found.band) <= urgency(without.band)
    assert set(found.reasons) >= set(without.reasons)


def test_a_doubt_of_either_calibration_is_told() -> None:
    doubtful = WELL_TESTED.model_copy(update={"too_close": 1.0})
    urgent = PHONE_TESTED.model_copy(update={"thresholds": {"melanoma": 0.005}})
    found = assessed(NEVUS, both(doubtful, urgent), context=Context())
    assert found.band is Band.URGENT_REFERRAL
    assert found.reasons


def with_sets(dermoscopic: dict[str, float], clinical: dict[str, float]) -> ModelCalibration:
    return both(
        WELL_TESTED.model_copy(
            update={"prediction_sets": {"0.95": dermoscopic}, "too_few": {"0.95": ("melanoma",)}}
        ),
        PHONE_TESTED.model_copy(update={"prediction_sets": {"0.95": clinical}}),
    )


def test_what_reaches_its_own_limit_cannot_be_ruled_out() -> None:
    limits = {"melanoma": 0.02, "melanocytic_nevus": 0.5, "benign_keratosis": 0.03}
    calibration = with_sets(limits, {})
    found = assessed(NEVUS, calibration, context=Context(), feature=LENS).not_ruled_out
    assert [(record.level, record.keys, record.too_few) for record in found] == [
        ("0.95", ("melanocytic_nevus", "benign_keratosis"), ("melanoma",))
    ]


def test_in_doubt_about_the_modality_what_either_cannot_rule_out_stays() -> None:
    calibration = with_sets({"melanocytic_nevus": 0.5}, {"melanoma": 0.001})
    (found,) = assessed(NEVUS, calibration, context=Context()).not_ruled_out
    assert set(found.keys) == {"melanocytic_nevus", "melanoma"}


def test_weights_that_do_not_fit_are_refused() -> None:
    good = LinearClassifier.from_weights(np.ones(4), 0.0)
    for damage in ({"features": 5}, {"bias": float("nan")}, {"weights": "????"}):
        with pytest.raises(ValidationError):
            LinearClassifier.model_validate(good.model_dump() | damage)


def knows_tones(**tones: int) -> Calibration:
    return Calibration(tested=TESTED.model_copy(update={"tones": TonesTested(**tones)}))


@pytest.mark.parametrize(
    ("context", "untested"),
    [
        ({}, ()),
        ({"skin_tone": "light"}, ()),
        ({"skin_tone": "medium"}, (SkinTone.MEDIUM,)),
        ({"skin_tone": "dark"}, (SkinTone.DARK,)),
        ({"fitzpatrick": 2}, ()),
        ({"fitzpatrick": 4}, (SkinTone.MEDIUM,)),
        ({"fitzpatrick": 6, "skin_tone": "light"}, (SkinTone.DARK,)),
    ],
)
def test_a_told_skin_of_which_fewer_than_50_lesions_were_tested_is_for_a_doctor(
    context: dict[str, Any], untested: tuple[SkinTone, ...]
) -> None:
    model = ModelCalibration(dermoscopic=knows_tones(light=50, medium=49))
    found = assessed(NEVUS, model, context=Context(modality=DERMOSCOPIC, **context))
    assert found.untested_skin == untested
    asked = (Band.DOCTOR_REVIEW, (RaisedBy.UNTESTED_SKIN,))
    unasked = (Band.SELF_MONITORING, (RaisedBy.MOST_PROBABLE,))
    assert (found.band, found.raised_by) == (asked if untested else unasked)


def test_a_tone_that_was_tested_through_a_dermoscope_is_untested_in_photographs() -> None:
    model = both(knows_tones(dark=50), PHONE_TESTED)
    told = Context(modality=DERMOSCOPIC, skin_tone=SkinTone.DARK)
    assert assessed(NEVUS, model, context=told, feature=LENS).untested_skin == ()
    unsure = assessed(NEVUS, model, context=Context(skin_tone=SkinTone.DARK))
    assert (unsure.untested_skin, unsure.band) == ((SkinTone.DARK,), Band.DOCTOR_REVIEW)


def test_in_doubt_the_naming_rule_is_told_as_the_reason_that_it_is() -> None:
    p = {"melanocytic_nevus": 0.33, "benign_keratosis": 0.25, "melanoma": 0.19}
    p["dermatofibroma"] = 1 - sum(p.values())
    rule = NamingRule(tau=0.5, prior={"melanocytic_nevus": 0.2, "melanoma": 0.01})
    limits = dict.fromkeys(THRESHOLDS, 0.35)
    calibration = WELL_TESTED.model_copy(update={"naming": rule, "thresholds": limits})
    found = assessed(p, ModelCalibration(dermoscopic=calibration))
    assert found.reasons
    assert (found.stated, found.band) == ("melanoma", Band.URGENT_REFERRAL)
    assert RaisedBy.NAMED in found.raised_by


@pytest.mark.parametrize(
    ("energy_below", "band"),
    [(0.01, Band.DOCTOR_REVIEW), (-0.01, Band.ROUTINE), (-1.0, Band.SELF_MONITORING)],
)
def test_a_picture_that_is_almost_unlike_the_training_is_one_step_less_urgent(
    energy_below: float, band: Band
) -> None:
    p = {"melanocytic_nevus": 0.99, "benign_keratosis": 0.01}
    limits = dict.fromkeys(THRESHOLDS, 0.9)
    logits = np.log([p.get(label, 1e-12) for label in LABELS])
    floor = float(WELL_TESTED.energy(logits)) + energy_below
    calibration = WELL_TESTED.model_copy(update={"unlike_training": floor, "thresholds": limits})
    assert assessed(p, ModelCalibration(dermoscopic=calibration)).band is band
