import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from pydantic import ValidationError

from skinapi.base.errors import Refused
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
from skinapi.model.classification import classify_photo, join_assessments
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.detectors import LinearClassifier, OutOfDistributionDetector, SkinDetector
from skinapi.model.finding import Doubt, Finding
from tests.model.fakes import FEATURES, LABELS, TESTED, FakeEngine, fake_model, some_shares
from tests.model.photos import encoded, skin_with_spot

PHOTO = encoded(skin_with_spot(), quality=95)
THROUGH_LENS = Context(modality=Modality.DERMOSCOPIC)
NEVUS = {"melanocytic_nevus": 0.95, "benign_keratosis": 0.04, "melanoma": 0.01}
CLOSE = {
    "melanocytic_nevus": 0.3,
    "benign_keratosis": 0.25,
    "melanoma": 0.2,
    "dermatofibroma": 0.2,
    "normal_skin": 0.05,
}
BASAL, MOLE = "basal_cell_carcinoma", "melanocytic_nevus"
NOTHING = {"normal_skin": 0.9, "melanocytic_nevus": 0.1}


def judged(probabilities: dict[str, float], context: Context = THROUGH_LENS) -> Finding:
    return classify_photo(fake_model(probabilities), PHOTO, context)


def test_a_finding_is_whole() -> None:
    finding = judged(NEVUS)
    assert len(finding.ranked) == len(LABELS)
    assert math.isclose(sum(entry.probability for entry in finding.ranked), 1)
    assert finding.stated == finding.most_probable == "melanocytic_nevus"
    assert finding.confidence == pytest.approx(0.95, abs=1e-6)
    assert finding.malignant_score == pytest.approx(0.01, abs=1e-6)
    assert (finding.band, finding.uncertain, finding.reasons) == (Band.SELF_MONITORING, False, ())
    assert finding.model_version == "fake-1"
    assert np.asarray(finding.heat).shape == (7, 7)
    assert finding.timings.total >= finding.timings.decode > 0
    assert finding.quality.reasons == ()


def test_a_finding_travels_as_json_and_comes_back_the_same() -> None:
    finding = judged(CLOSE, Context(checklist=("oozing",)))
    assert Finding.model_validate_json(finding.model_dump_json()) == finding


@pytest.mark.parametrize(
    "damage",
    [
        {"stated": "freckle"},
        {"uncertain": True},
        {"ranked": [{"key": "melanoma", "probability": 0.5}] * 2},
        {"ranked": [{"key": "melanoma", "probability": 0.5}, {"key": "x", "probability": 0.4}]},
        {"ranked": [{"key": "melanoma", "probability": 0.4}, {"key": "x", "probability": 0.6}]},
    ],
)
def test_a_document_that_contradicts_itself_is_no_finding(damage: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Finding.model_validate(judged(NEVUS).model_dump() | damage)


def test_too_close_to_call_states_the_most_severe_plausible_condition() -> None:
    finding = judged(CLOSE)
    assert (finding.uncertain, finding.reasons) == (True, (Doubt.TOO_CLOSE,))
    assert finding.stated == "melanoma"
    assert finding.confidence == pytest.approx(0.2, abs=1e-6)
    assert finding.most_probable == "melanocytic_nevus"


@pytest.mark.parametrize(
    ("shares", "stated", "uncertain"),
    [
        ({"melanocytic_nevus": 0.48, "basal_cell_carcinoma": 0.45, "melanoma": 0.07}, BASAL, True),
        ({"melanocytic_nevus": 0.5, "benign_keratosis": 0.49, "melanoma": 0.01}, MOLE, False),
        ({"melanocytic_nevus": 0.36, "benign_keratosis": 0.34, "melanoma": 0.3}, "melanoma", True),
        ({"basal_cell_carcinoma": 0.52, "actinic_keratosis": 0.48}, "actinic_keratosis", True),
    ],
    ids=["hardly a melanoma", "two benign ones", "a cancer behind them", "the more urgent one"],
)
def test_what_is_close_is_stated_as_the_most_severe_plausible_one(
    shares: dict[str, float], stated: str, uncertain: bool
) -> None:
    finding = judged(shares)
    assert (finding.stated, finding.uncertain) == (stated, uncertain)


def test_the_heat_is_the_stated_classs_own() -> None:
    sure, close = judged({"melanoma": 1.0}), judged(CLOSE)
    assert close.stated == "melanoma"
    assert close.heat == sure.heat != judged(NEVUS).heat


def test_the_calibrations_thresholds_and_temperature_decide() -> None:
    calibration = Calibration(temperature=3, thresholds={"melanoma": 0.9, "malignant": 0.9})
    finding = classify_photo(fake_model(NEVUS, calibration=calibration), PHOTO, THROUGH_LENS)
    assert finding.confidence < 0.9
    assert finding.band is Band.SELF_MONITORING


def test_with_seven_classes_the_probabilities_sum_to_one() -> None:
    seven = judged(CLOSE).over_seven()
    assert len(seven.ranked) == 7
    assert math.isclose(sum(entry.probability for entry in seven.ranked), 1)
    assert seven.malignant_score == pytest.approx(0.2 / 0.95, abs=1e-6)
    assert seven.stated == "melanoma"
    assert seven.confidence == pytest.approx(0.2 / 0.95, abs=1e-6)


def test_with_seven_classes_leading_normal_skin_is_no_lesion() -> None:
    finding = judged(NOTHING)
    assert finding.stated == "normal_skin"
    with pytest.raises(Refused) as caught:
        finding.over_seven()
    assert caught.value.reason == "no_lesion"


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (skin_with_spot((100, 90)), "too_small"),
        (skin_with_spot(skin=(20, 14, 12), spot=(5, 5, 5)), "too_dark"),
        (skin_with_spot(skin=(253, 252, 252), spot=(250, 249, 250)), "too_bright"),
        (skin_with_spot(grain=0).filter(ImageFilter.GaussianBlur(4)), "blurred"),
    ],
)
def test_a_poor_photo_is_refused_before_the_engine_is_asked(
    picture: Image.Image, reason: str
) -> None:
    model = fake_model(NEVUS)
    with pytest.raises(Refused) as caught:
        classify_photo(model, encoded(picture, "PNG"))
    assert caught.value.reason == reason
    assert caught.value.detail == conditions_table().notices.refused[reason].en
    assert isinstance(model.engine, FakeEngine)
    assert model.engine.passes == 0


def unlike_training() -> Calibration:
    return Calibration(
        familiar=OutOfDistributionDetector.learn(np.zeros((40, FEATURES)), limit=0.5)
    )


def all_not_skin(sure: float | None = 0.99) -> SkinDetector:
    bias = LinearClassifier.from_weights(np.zeros(FEATURES), 8.0)
    return SkinDetector(not_skin=bias, limit=0.9, sure=sure)


def judged_by(calibration: ModelCalibration, probabilities: dict[str, float]) -> Finding:
    return classify_photo(fake_model(probabilities, calibration=calibration), PHOTO, THROUGH_LENS)


def test_what_is_surely_something_else_is_refused_unless_its_sender_confirms_it() -> None:
    calibration = ModelCalibration(skin=all_not_skin())
    with pytest.raises(Refused) as caught:
        judged_by(calibration, NEVUS)
    assert caught.value.reason == "not_skin"
    confirmed = THROUGH_LENS.model_copy(update={"skin_confirmed": True})
    model = fake_model(NEVUS, calibration=calibration)
    assert Doubt.NOT_SURELY_SKIN in classify_photo(model, PHOTO, confirmed).reasons


@pytest.mark.parametrize("sure", [None, 0.9999])  # None: calibrated by older code
def test_what_does_not_look_like_skin_is_judged_with_doubt(sure: float | None) -> None:
    found = judged_by(ModelCalibration(skin=all_not_skin(sure)), NEVUS)
    assert found.reasons == (Doubt.NOT_SURELY_SKIN,)
    assert found.band is Band.DOCTOR_REVIEW
    assert conditions_table().notices.not_surely_skin in found.notices


def test_what_might_be_malignant_is_never_refused() -> None:
    limits = {"melanoma": 1e-4}
    calibration = ModelCalibration(dermoscopic=Calibration(thresholds=limits), skin=all_not_skin())
    assert judged_by(calibration, {"melanoma": 0.5, "melanocytic_nevus": 0.5}).band


def test_no_skin_of_any_tone_or_light_is_refused_for_its_colour() -> None:
    for skin in [(255, 224, 196), (165, 114, 87), (75, 48, 38), (150, 150, 175), (70, 140, 60)]:
        red, green, blue = skin
        picture = skin_with_spot(skin=skin, spot=(red // 2, green // 2, blue // 2))
        model = fake_model(NEVUS, calibration=unlike_training())
        finding = classify_photo(model, encoded(picture, "PNG"))
        assert finding.reasons == (Doubt.UNLIKE_TRAINING,)
        assert conditions_table().notices.strange in finding.notices
        assert finding.band is Band.DOCTOR_REVIEW


def test_a_network_that_recognises_nothing_makes_it_unlike_training() -> None:
    flat = dict.fromkeys(LABELS, 1e-9)
    model = fake_model(flat, calibration=Calibration(unlike_training=-5.0))
    assert Doubt.UNLIKE_TRAINING in classify_photo(model, PHOTO).reasons


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
    assert all(urgency(joined.band) <= urgency(item.band) for item in single)
    if threshold_scores(joined.probabilities)["melanoma"] >= 0.4:
        assert joined.band is Band.URGENT_REFERRAL
    assert severity_rank(joined.stated) <= min(severity_rank(item.stated) for item in single)
    asked = {demand_of(item.stated, item.probabilities) for item in single}
    assert Doubt.PICTURES_DISAGREE in joined.reasons or len(asked) == 1
    assert {*joined.reasons} >= {doubt for item in single for doubt in item.reasons}
    by_name = {RaisedBy.MOST_PROBABLE, RaisedBy.NAMED, RaisedBy.NEAR_THRESHOLD}
    raised = {rule for item in single if item.band is joined.band for rule in item.raised_by}
    assert joined.raised_by
    assert {*joined.raised_by} >= raised - by_name
    sets = {entry.level: {*entry.keys} for entry in joined.not_ruled_out}
    assert all(
        {*entry.keys} <= sets[entry.level] for item in single for entry in item.not_ruled_out
    )


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
