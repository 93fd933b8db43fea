"""A model folder: read whole or refused."""

import json
from pathlib import Path

import numpy as np
import openvino
import pytest
from PIL import Image

from skinapi.base.errors import ModelDamaged
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.network.engine import Precision
from skinapi.model.network.model import (
    CARD,
    CHECKSUMS,
    LABELS,
    SERVED_FILES,
    open_model,
    write_checksums,
)
from tests.model.networks import write_model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model_folder(tmp_path / "model")


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8))


def test_both_precisions_answer_nearly_alike(folder: Path) -> None:
    answers = [open_model(folder, precision=p).read([picture()]).logits for p in Precision]
    np.testing.assert_allclose(answers[0], answers[1], atol=0.05)


def test_another_calibration_changes_the_probabilities_alone(folder: Path) -> None:
    model = open_model(folder)
    warmer = model.with_calibration(ModelCalibration(dermoscopic=Calibration(temperature=3)))
    logits = model.read([picture()]).logits
    cool, warm = (m.calibration.dermoscopic.probabilities(logits) for m in (model, warmer))
    assert warm.max() < cool.max()
    assert warmer.engine is model.engine


@pytest.mark.parametrize("name", SERVED_FILES)
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ModelDamaged, match=name):
        open_model(folder)


@pytest.mark.parametrize("name", [*SERVED_FILES, CHECKSUMS])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelDamaged):
        open_model(folder)


def test_labels_that_do_not_fit_the_head_are_refused(folder: Path) -> None:
    (folder / LABELS).write_text('["melanoma"]')
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="3 outputs but 1 labels"):
        open_model(folder)


@pytest.mark.parametrize("labels", ["3", "null", '"melanoma"', '[["melanoma"]]'])
def test_what_is_no_list_of_labels_is_refused(folder: Path, labels: str) -> None:
    (folder / LABELS).write_text(labels)
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="cannot be read"):
        open_model(folder)


def test_a_card_without_a_version_is_refused(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    del card["version"]
    (folder / CARD).write_text(json.dumps(card))
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="version"):
        open_model(folder)


def test_all_networks_of_a_process_share_one_core(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a core for each, reading the next network crashed the process now and then."""
    open_model(folder)
    made = []
    monkeypatch.setattr(openvino, "Core", lambda: made.append("another"))
    open_model(folder)
    assert made == []
