"""Out-of-distribution distance: the part of the features outside the training subspace."""

import numpy as np
import pytest
from pydantic import ValidationError

from skinapi.model.calibration import Calibration
from skinapi.model.detectors import OutOfDistributionDetector

RANDOM = np.random.default_rng(5)
BASIS = np.linalg.qr(RANDOM.normal(size=(100, 100)))[0]
KNOWN = RANDOM.normal(size=(300, 20)) @ BASIS[:20] * 3 + 1


@pytest.fixture(scope="module")
def familiar() -> OutOfDistributionDetector:
    return OutOfDistributionDetector.learn(KNOWN, limit=2.0)


def test_features_like_the_training_pictures_are_near(familiar: OutOfDistributionDetector) -> None:
    near = RANDOM.normal(size=(50, 20)) @ BASIS[:20] * 3 + 1
    assert familiar.measure(near).max() < 0.3


def test_features_unlike_the_training_pictures_are_far_by_their_difference(
    familiar: OutOfDistributionDetector,
) -> None:
    for unknown in BASIS[20:]:
        away = KNOWN[:10] + 5 * unknown
        np.testing.assert_allclose(familiar.measure(away), 5, rtol=0.05)


def test_it_is_kept_inside_the_calibration_as_json(familiar: OutOfDistributionDetector) -> None:
    calibration = Calibration(familiar=familiar)
    again = Calibration.model_validate_json(calibration.model_dump_json())
    assert again == calibration
    assert again.familiar is not None
    np.testing.assert_array_equal(again.familiar.measure(KNOWN), familiar.measure(KNOWN))


@pytest.mark.parametrize("damage", [{"features": 99}, {"mean": "????"}, {"limit": 0}])
def test_what_does_not_fit_together_is_refused(
    familiar: OutOfDistributionDetector, damage: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        OutOfDistributionDetector.model_validate(familiar.model_dump() | damage)
