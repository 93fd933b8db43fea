"""What a pupil hears: the label and, of the very view it is shown, its teachers' answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinapi.errors import BadNetwork
from skinapi.learning.datasets import Sample
from skinapi.learning.features import Pictures
from skinapi.learning.recipe import _live
from skinapi.learning.teachers import Teachers, open_teachers
from skinapi.vision.calibration import Calibration
from skinapi.vision.model import open_model
from skinapi.vision.tensor import Scaling, make_whole_tensor
from tests.learning.conftest import SIDE, Small, run_command
from tests.learning.pictures import draw_lesion

VIEW = draw_lesion("mel", np.random.default_rng(3))


@pytest.fixture(scope="module")
def teachers(small: Small) -> Teachers:
    opened = open_teachers([small.model], classes=open_model(small.model).labels)
    assert opened is not None
    return opened


def test_the_label_keeps_what_trust_leaves_it(teachers: Teachers) -> None:
    (model,) = teachers.models
    label = np.eye(8, dtype=np.float32)[4]
    tensor = make_whole_tensor(VIEW, side=SIDE, scaling=Scaling.TF)
    said = model.calibration.probabilities(model.engine.infer(tensor[None]).logits[0])
    heard = teachers.correct(label, VIEW)
    np.testing.assert_allclose(heard, 0.3 * label + 0.7 * said, atol=1e-6)
    np.testing.assert_array_equal(replace(teachers, trust=0.0).correct(label, VIEW), label)
    assert not np.allclose(said, model.calibration.probabilities(model.read([VIEW]).logits[0]))


def test_several_teachers_are_heard_alike(teachers: Teachers) -> None:
    (model,) = teachers.models
    sure = model.with_calibration(Calibration(temperature=0.2))
    label = np.zeros(8, np.float32)
    apart = [replace(teachers, models=(one,)).correct(label, VIEW) for one in (model, sure)]
    together = replace(teachers, models=(model, sure)).correct(label, VIEW)
    assert not np.allclose(apart[0], apart[1])
    np.testing.assert_allclose(together, np.mean(apart, axis=0), atol=1e-6)


def test_they_are_heard_in_the_pupils_order_of_classes(teachers: Teachers) -> None:
    label = np.zeros(8, np.float32)
    straight = teachers.correct(label, VIEW)
    turned = replace(teachers, classes=teachers.classes[::-1]).correct(label, VIEW)
    np.testing.assert_array_equal(turned, straight[::-1])


def test_a_pupil_and_its_teachers_see_the_same_view(teachers: Teachers, tmp_path: Path) -> None:
    VIEW.save(tmp_path / "a.png")
    pictures = Pictures([Sample("a", tmp_path / "a.png", "melanoma", "a", {})], SIDE, Scaling.TF)
    answers = np.eye(8, dtype=np.float32)[[4]]
    shown, answer = _live(pictures, answers, teachers)(0, np.random.default_rng(1))
    view = pictures.glance(0, np.random.default_rng(1))
    np.testing.assert_array_equal(shown, pictures.take_in(view))
    np.testing.assert_array_equal(answer, teachers.correct(answers[0], view))
    _, alone = _live(pictures, answers, None)(0, np.random.default_rng(1))
    np.testing.assert_array_equal(alone, answers[0])


def test_a_teacher_must_know_every_class(small: Small) -> None:
    with pytest.raises(BadNetwork, match="does not know: freckle"):
        open_teachers([small.model], classes=("melanoma", "freckle"))


def test_teachers_of_cached_views_alone_are_refused(small: Small, tmp_path: Path) -> None:
    words = [*small.words, "--phases", "last-blocks", "--teachers", small.model]
    with pytest.raises(BadNetwork, match="live views"):
        run_command([*words, "--work", tmp_path / "w", "--out", tmp_path / "m"], tmp_path)


def test_a_taught_model_names_its_teachers_in_card_and_command(
    small: Small, tmp_path: Path
) -> None:
    words = [*small.words, "--phases", "coarse", "--epochs", "1", "--teachers", small.model]
    run_command([*words, "--work", tmp_path / "work", "--out", tmp_path / "taught"], tmp_path)
    training = json.loads((tmp_path / "taught" / "card.json").read_text())["training"]
    assert training["teachers"] == [open_model(small.model).version]
    assert f"--teachers {small.model}" in training["command"]
    assert "--seed 0" in training["command"]
