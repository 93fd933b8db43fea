"""A trained model knows what is strange to it, and can be taught it again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.vision.calibration import Calibration
from skinapi.vision.model import Model, open_model
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import draw_lesion


def distance(model: Model, picture: Image.Image) -> float:
    assert model.calibration.familiar is not None
    return float(model.calibration.familiar.measure(model.read([picture]).pooled)[0])


def test_training_leaves_a_sense_of_the_strange(small: Small) -> None:
    model = open_model(small.model)
    assert model.calibration.familiar is not None
    known = [draw_lesion("nv", np.random.default_rng(seed)) for seed in range(12)]
    noise = np.random.default_rng(1).integers(0, 255, (76, 100, 3), np.uint8)
    near = np.median([distance(model, picture) for picture in known])
    assert near < model.calibration.familiar.limit
    assert distance(model, Image.fromarray(noise)) > near


def test_calibrating_again_finds_the_same_and_keeps_the_card(small: Small, tmp_path: Path) -> None:
    again = shutil.copytree(small.model, tmp_path / "model")
    assert run_command(["calibrate", again, "--data", small.data], tmp_path) == 0
    before, after = open_model(small.model), open_model(again)
    assert after.card == before.card
    assert after.calibration.thresholds == before.calibration.thresholds
    assert after.calibration.familiar is not None
    assert before.calibration.familiar is not None
    assert after.calibration.familiar.limit == pytest.approx(before.calibration.familiar.limit)


def test_a_calibration_from_before_still_opens() -> None:
    old = json.dumps({"temperature": 1.3, "thresholds": {}, "unlike_training": -2.0})
    assert Calibration.model_validate_json(old).familiar is None
