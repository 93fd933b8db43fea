import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import (
    Calibration,
    JoiningRule,
    ModelCalibration,
    NamingRule,
    restate,
    softmax,
)
from skinapi.model.classification import join_photos, judge_prepared, prepare_photo
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.finding import Finding
from skinapi.model.headline import as_mapping
from skinapi.model.network.picture import SEEN
from skinapi.model.patient_facts import Fact, PatientFactsTable, ToldLimits
from tests.model.fakes import LABELS, TESTED, fake_model, some_shares
from tests.model.photos import encoded, skin_with_spot

MALIGNANT = conditions_table().malignant_keys
PHOTO = encoded(skin_with_spot(), quality=95)
# A third of the dermoscope pictures is malignant, and two thirds of the others.
DERMOSCOPIC = Calibration(
    tested=TESTED, naming=NamingRule(tau=0, prior={"melanoma": 0.3, "melanocytic_nevus": 0.6})
)
CLINICAL = Calibration(
    tested=TESTED.model_copy(update={"modality": Modality.CLINICAL}),
    naming=NamingRule(tau=0, prior={"melanoma": 0.5, "melanocytic_nevus": 0.25}),
)
MODEL = ModelCalibration(dermoscopic=DERMOSCOPIC, clinical=CLINICAL)
NEVUS = {"melanocytic_nevus": 0.60, "melanoma": 0.30, "normal_skin": 0.10}
shares = st.floats(0, 1)
inner = st.floats(0.001, 0.999)


def malignant(of: Mapping[str, float]) -> float:
    return math.fsum(share for key, share in of.items() if key in MALIGNANT)


@given(some_shares(0), shares, shares)
def test_restated_probabilities_are_finite_and_sum_to_one(
    given_: dict[str, float], calibrated: float, prevalence: float
) -> None:
    restated = restate(given_, calibrated=calibrated, prevalence=prevalence)
    assert restated.keys() == given_.keys()
    assert math.isclose(math.fsum(restated.values()), 1)
    assert all(0 <= share <= 1 for share in restated.values())


@given(some_shares(0), inner, inner)
def test_conditions_of_one_kind_keep_their_proportions_and_normal_skin_is_a_benign_one(
    given_: dict[str, float], calibrated: float, prevalence: float
) -> None:
    restated = restate(given_, calibrated=calibrated, prevalence=prevalence)
    for kind in (MALIGNANT, {*LABELS} - MALIGNANT):
        before, after = (
            {k: p for k, p in each.items() if k in kind} for each in (given_, restated)
        )
        whole, left = math.fsum(before.values()), math.fsum(after.values())
        for key, share in before.items():
            assert after[key] * whole == pytest.approx(share * left, abs=1e-9)


def judged(
    *modalities: Modality, prevalence: float | None, shown: Mapping[str, float] = NEVUS
) -> Finding:
    model = fake_model(shown).with_calibration(MODEL.where(prevalence))
    each = [
        judge_prepared(model, prepare_photo(PHOTO, SEEN), Context(modality=modality))
        for modality in modalities
    ]
    return each[0].finding if len(each) == 1 else join_photos(model, each)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_prevalence_changes_what_is_shown_and_nothing_that_is_decided(share: float) -> None:
    shown = {"melanoma": share, "melanocytic_nevus": 1 - share}
    for modalities in ([Modality.DERMOSCOPIC], [Modality.DERMOSCOPIC, Modality.CLINICAL]):
        plain = judged(*modalities, prevalence=None, shown=shown)
        restated = judged(*modalities, prevalence=0.02, shown=shown)
        changing = {"restated", "timings", "pictures"}
        assert restated.model_dump(exclude=changing) == plain.model_dump(exclude=changing)
        assert plain.restated is None
        assert restated.shown_malignant_score < plain.shown_malignant_score
        assert restated.by_own_mix().headline == plain.headline
        assert restated.headline.named.key == plain.headline.named.key


def test_a_finding_is_restated_by_the_mix_of_its_own_modality() -> None:
    scores = {}
    for modality, own in ((Modality.DERMOSCOPIC, 1 / 3), (Modality.CLINICAL, 2 / 3)):
        finding = judged(modality, prevalence=0.02)
        assert finding.calibrated_on == pytest.approx(own)
        assert finding.mixes == (finding.calibrated_on,)
        assert as_mapping(finding.shown_ranked) == pytest.approx(
            restate(as_mapping(finding.ranked), calibrated=own, prevalence=0.02)
        )
        scores[modality] = finding.shown_malignant_score
    assert scores[Modality.CLINICAL] < scores[Modality.DERMOSCOPIC]


def test_pictures_of_one_lesion_are_restated_each_by_its_own_mix_and_then_joined() -> None:
    rule = JoiningRule(dermoscopic=0.7, clinical=0.5)
    model = fake_model(NEVUS).with_calibration(
        MODEL.model_copy(update={"joining": rule, "prevalence": 0.02})
    )
    each = [
        judge_prepared(model, prepare_photo(PHOTO, SEEN), Context(modality=modality))
        for modality in (Modality.DERMOSCOPIC, Modality.CLINICAL)
    ]
    joined = join_photos(model, each)
    restated = [
        (item.assessment.calibrated_as, as_mapping(item.finding.shown_ranked)) for item in each
    ]
    assert as_mapping(joined.shown_ranked) == pytest.approx(rule.join(restated))
    assert joined.calibrated_on is None
    assert joined.mixes == pytest.approx((1 / 3, 2 / 3))


def test_what_one_picture_alone_shows_is_read_for_the_same_prevalence() -> None:
    each = [
        judge_prepared(
            fake_model(shown).with_calibration(MODEL.where(0.02)),
            prepare_photo(PHOTO, SEEN),
            Context(modality=Modality.DERMOSCOPIC),
        )
        for shown in ({"melanocytic_nevus": 1.0}, {"melanoma": 0.67, "melanocytic_nevus": 0.33})
    ]
    joined = join_photos(fake_model(NEVUS).with_calibration(MODEL.where(0.02)), each)
    own, alone = joined.alone, joined.headline.named
    assert own is not None
    assert (own.key, alone.key) == ("melanoma", "melanoma")
    assert own.probability == pytest.approx(0.67)
    assert alone.probability == pytest.approx(
        as_mapping(joined.pictures[1].shown_ranked)["melanoma"]
    )
    assert alone.probability < 0.1


def test_a_higher_prevalence_than_the_calibrations_restates_nothing() -> None:
    assert judged(Modality.DERMOSCOPIC, prevalence=0.34).restated is None
    assert judged(Modality.CLINICAL, prevalence=0.34).restated is not None
    both = judged(Modality.DERMOSCOPIC, Modality.CLINICAL, prevalence=0.34)
    assert both.restated is None


@pytest.mark.parametrize("prior", [{}, {"melanoma": 1.0}, {"melanocytic_nevus": 1.0}])
def test_without_a_mix_of_both_kinds_nothing_is_restated(prior: dict[str, float]) -> None:
    calibration = ModelCalibration(
        dermoscopic=Calibration(naming=NamingRule(tau=0, prior=prior)), prevalence=0.02
    )
    assert calibration.dermoscopic.malignant_share is None
    assert calibration.restate(Modality.DERMOSCOPIC, NEVUS) is None


def test_probabilities_sum_to_one_even_for_huge_logits() -> None:
    probabilities = softmax(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("wrong", [-21, float("nan"), float("inf")])
def test_a_senseless_number_is_refused(wrong: float) -> None:
    for name, value in {
        "temperature": wrong,
        "thresholds": {"melanoma": wrong},
        "prediction_sets": {"0.90": {"melanoma": wrong}},
        "too_close": wrong,
    }.items():
        with pytest.raises(ValidationError, match=name):
            Calibration.model_validate({name: value})
    with pytest.raises(ValidationError, match="sex"):
        PatientFactsTable(sex={"female": {"melanoma": wrong}})


def test_a_calibration_of_the_last_version_is_read_without_its_table_of_frequencies() -> None:
    old = {"patient_facts": {"sex": {"female": {"melanoma": 0.5}}, "age_band": {}, "body_site": {}}}
    assert ModelCalibration.model_validate(old) == ModelCalibration()


def test_told_facts_have_thresholds_of_their_own_and_others_those_without_facts() -> None:
    own = ToldLimits(thresholds={"melanoma": 0.3}, sent=dict.fromkeys(OperatingPoint, 0.2))
    known = Calibration(
        thresholds={"melanoma": 0.1},
        sent=dict.fromkeys(OperatingPoint, 0.05),
        patient_facts=PatientFactsTable(limits={"age+sex": own}),
    )
    for told, melanoma, malignant in (
        ((), 0.1, 0.05),
        ((Fact.AGE,), 0.1, 0.05),
        ((Fact.SEX, Fact.AGE), 0.3, 0.2),
    ):
        limits = known.limits(OperatingPoint.CAUTIOUS, told)
        assert (limits["melanoma"], limits["malignant"]) == (melanoma, malignant)
        assert known.may_lower(told) == (melanoma == 0.3)
