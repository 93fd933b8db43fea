"""From bytes to a Finding, with a model that answers what the test says."""

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter
from pydantic import ValidationError

from skinapi.base.errors import Refused
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.classification import classify_photo
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.detectors import (
    LinearClassifier,
    OutOfDistributionDetector,
    SkinDetector,
)
from skinapi.model.finding import Doubt, Finding
from tests.model.fakes import FEATURES, LABELS, FakeEngine, fake_model
from tests.model.photos import encoded, skin_with_spot

PHOTO = encoded(skin_with_spot(), quality=95)
DERMOSCOPIC = Context(modality=Modality.DERMOSCOPIC)
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


def judged(probabilities: dict[str, float], context: Context = DERMOSCOPIC) -> Finding:
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
    finding = classify_photo(fake_model(NEVUS, calibration=calibration), PHOTO, DERMOSCOPIC)
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
    """Knows nothing but the origin: every feature is far from it."""
    return Calibration(
        familiar=OutOfDistributionDetector.learn(np.zeros((40, FEATURES)), limit=0.5)
    )


def all_not_skin(sure: float | None = 0.99) -> SkinDetector:
    """Sure of every picture that it shows no skin."""
    bias = LinearClassifier.of(np.zeros(FEATURES), 8.0)
    return SkinDetector(not_skin=bias, limit=0.9, sure=sure)


def judged_by(calibration: ModelCalibration, probabilities: dict[str, float]) -> Finding:
    return classify_photo(fake_model(probabilities, calibration=calibration), PHOTO, DERMOSCOPIC)


def test_what_is_surely_something_else_is_refused_unless_its_sender_confirms_it() -> None:
    calibration = ModelCalibration(skin=all_not_skin())
    with pytest.raises(Refused) as caught:
        judged_by(calibration, NEVUS)
    assert caught.value.reason == "not_skin"
    confirmed = DERMOSCOPIC.model_copy(update={"skin_confirmed": True})
    model = fake_model(NEVUS, calibration=calibration)
    assert Doubt.NOT_SURELY_SKIN in classify_photo(model, PHOTO, confirmed).reasons


@pytest.mark.parametrize("sure", [None, 0.9999])  # None: calibrated by older code
def test_what_does_not_look_like_skin_is_judged_with_doubt(sure: float | None) -> None:
    found = judged_by(ModelCalibration(skin=all_not_skin(sure)), NEVUS)
    assert found.reasons == (Doubt.NOT_SURELY_SKIN,)
    assert found.band is Band.DOCTOR_REVIEW
    assert conditions_table().notices.not_surely_skin in found.notices


def test_what_might_be_malignant_is_never_refused() -> None:
    """The detector is sure to one part in three thousand; half of a melanoma is more than that."""
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
