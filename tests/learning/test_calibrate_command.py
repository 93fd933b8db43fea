import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.base.errors import ModelDamaged
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.detectors import OutOfDistributionDetector
from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    Model,
    open_model,
    read_card,
    write_checksums,
)
from skinapi.model.network.picture import SEEN, SEEN_BEFORE
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import draw_lesion


def familiar_of(model: Model) -> OutOfDistributionDetector:
    familiar = model.calibration.dermoscopic.familiar
    assert familiar is not None
    return familiar


def distance(model: Model, picture: Image.Image) -> float:
    return float(familiar_of(model).measure(model.read([picture]).pooled)[0])


def test_training_learns_what_is_out_of_distribution(small: Small) -> None:
    model = open_model(small.model)
    known = [draw_lesion("nv", np.random.default_rng(seed)) for seed in range(12)]
    noise = np.random.default_rng(1).integers(0, 255, (76, 100, 3), np.uint8)
    near = np.median([distance(model, picture) for picture in known])
    assert near < familiar_of(model).limit
    assert distance(model, Image.fromarray(noise)) > near


def test_calibrating_again_finds_the_same_whatever_stood_there_and_keeps_the_card(
    small: Small, tmp_path: Path
) -> None:
    again = shutil.copytree(small.model, tmp_path / "model")
    strange = ModelCalibration(dermoscopic=Calibration(prediction_sets={"0.90": {"melanoma": 0}}))
    (again / CALIBRATION).write_text(strange.model_dump_json())
    write_checksums(again)
    with pytest.raises(ModelDamaged, match="skinapi calibrate"):
        open_model(again)
    assert run_command(["calibrate", again, "--data", small.data], tmp_path) == 0
    before, after = open_model(small.model), open_model(again)
    assert after.card == before.card
    assert after.calibration.dermoscopic.thresholds == before.calibration.dermoscopic.thresholds
    assert familiar_of(after).limit == pytest.approx(familiar_of(before).limit)


def test_a_model_that_saw_less_of_a_picture_is_shown_the_whole_and_gets_a_new_version(
    small: Small, tmp_path: Path
) -> None:
    again = shutil.copytree(small.model, tmp_path / "model")
    card = json.loads((again / CARD).read_text())
    del card["seen"]
    (again / CARD).write_text(json.dumps({**card, "version": "tiny-before"}))
    write_checksums(again)
    before = open_model(again)
    picture = draw_lesion("nv", np.random.default_rng(0))
    assert before.card.seen == SEEN_BEFORE
    assert not np.allclose(
        before.read([picture]).logits, open_model(small.model).read([picture]).logits
    )
    assert run_command(["calibrate", again, "--data", small.data], tmp_path) == 0
    assert read_card(again).version == read_card(small.model).version != "tiny-before"
    assert read_card(again).seen == SEEN
