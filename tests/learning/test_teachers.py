"""Knowledge distillation: targets mix the label with the teachers' answer to the very same view."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageOps

from skinapi.errors import BadDataset, BadNetwork
from skinapi.learning.data.augmentation import Augmentation
from skinapi.learning.data.clinics import OtherClinic
from skinapi.learning.data.degradation import Degradation
from skinapi.learning.data.markings import Marking
from skinapi.learning.data.samples import Sample
from skinapi.learning.data.splits import refuse_leakage
from skinapi.learning.data.strengths import Strengths
from skinapi.learning.train.inputs import views as views_module
from skinapi.learning.train.inputs.batches import Fetch, Floats
from skinapi.learning.train.inputs.network_inputs import NetworkInputs
from skinapi.learning.train.inputs.teachers import Teachers, open_teachers
from skinapi.learning.train.inputs.views import ViewCache, Views
from skinapi.vision.calibration.model_calibration import Calibration, ModelCalibration
from skinapi.vision.network.model import SHIPPED_MODEL, open_model
from skinapi.vision.network.tensor import Scaling, make_whole_tensor
from tests.learning.conftest import SIDE, Small, Taught, run_command
from tests.learning.pictures import draw_lesion
from tests.support.size import in_drill

VIEWS = [draw_lesion("mel", np.random.default_rng(seed)) for seed in (3, 4, 5)]
LABELS = np.eye(8, dtype=np.float32)[[4, 0, 7]]
NOTHING = np.zeros((3, 8), np.float32)


@pytest.fixture(scope="module")
def teachers(small: Small) -> Teachers:
    opened = open_teachers([small.model], classes=open_model(small.model).labels)
    assert opened is not None
    return opened


def test_soft_targets_mix_labels_and_predictions_by_trust(teachers: Teachers) -> None:
    (model,) = teachers.models
    tensors = [make_whole_tensor(view, side=SIDE, scaling=Scaling.TF) for view in VIEWS]
    said = model.calibration.dermoscopic.probabilities(model.engine.infer(np.stack(tensors)).logits)
    targets = teachers.soft_targets(LABELS, VIEWS)
    np.testing.assert_allclose(targets, 0.3 * LABELS + 0.7 * said, atol=1e-6)
    np.testing.assert_array_equal(replace(teachers, trust=0.0).soft_targets(LABELS, VIEWS), LABELS)
    served = model.calibration.dermoscopic.probabilities(model.read(VIEWS).logits)
    assert not np.allclose(said, served)


def test_several_teachers_count_equally(teachers: Teachers) -> None:
    (model,) = teachers.models
    sure = model.with_calibration(ModelCalibration(dermoscopic=Calibration(temperature=0.2)))
    soft, sharp = (
        replace(teachers, models=(one,)).soft_targets(NOTHING, VIEWS) for one in (model, sure)
    )
    together = replace(teachers, models=(model, sure)).soft_targets(NOTHING, VIEWS)
    assert not np.allclose(soft, sharp)
    np.testing.assert_allclose(together, (soft + sharp) / 2, atol=1e-6)


def test_soft_targets_have_the_students_order_of_classes(teachers: Teachers) -> None:
    straight = teachers.soft_targets(NOTHING, VIEWS)
    turned = replace(teachers, classes=teachers.classes[::-1]).soft_targets(NOTHING, VIEWS)
    np.testing.assert_array_equal(turned, straight[:, ::-1])


def test_with_a_teacher_of_more_classes_the_students_classes_sum_to_one(
    teachers: Teachers,
) -> None:
    narrow = replace(teachers, classes=teachers.classes[2:5], trust=1.0)
    targets = narrow.soft_targets(NOTHING[:, 2:5], VIEWS)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)


@pytest.fixture
def pictures(tmp_path: Path) -> NetworkInputs:
    samples = []
    for number, view in enumerate(VIEWS):
        view.save(tmp_path / f"{number}.png")
        samples.append(Sample(str(number), tmp_path / f"{number}.png", "any", str(number), {}))
    return NetworkInputs(samples, SIDE, Scaling.TF)


def test_a_student_and_its_teachers_see_the_same_views(
    teachers: Teachers, pictures: NetworkInputs
) -> None:
    rows = np.array([2, 0])
    taught = Views(pictures, LABELS, teachers)
    shown, answers = taught.live(rows, np.random.default_rng(1))
    random = np.random.default_rng(1)
    views = [taught.make_view(row, random).shown for row in (2, 0)]
    np.testing.assert_array_equal(shown, [pictures.to_tensor(view) for view in views])
    np.testing.assert_array_equal(answers, teachers.soft_targets(LABELS[rows], views))
    _, alone = Views(pictures, LABELS, None).live(rows, np.random.default_rng(1))
    np.testing.assert_array_equal(alone, LABELS[rows])


def test_views_that_were_kept_are_shown_with_what_was_said_of_them(
    teachers: Teachers, pictures: NetworkInputs, tmp_path: Path
) -> None:
    views = Views(pictures, LABELS, teachers)
    fetch = ViewCache(views, 2, 7, tmp_path / "kept", print).pictures()
    made = [views.make_view(1, np.random.default_rng((7, number, 1))).shown for number in (0, 1)]
    said = teachers.soft_targets(LABELS[[1, 1]], made)
    ways = {
        _laid(pictures.to_tensor(view), turn, mirrored).tobytes(): number
        for number, view in enumerate(made)
        for turn in range(4)
        for mirrored in (False, True)
    }
    assert len(ways) == 16
    seen = set()
    for seed in range(30):
        shown, answers = fetch(np.array([1, 1]), np.random.default_rng(seed))
        for tensor, answer in zip(shown, answers, strict=True):
            seen.add(tensor.tobytes())
            np.testing.assert_allclose(answer, said[ways[tensor.tobytes()]], atol=1e-6)
    assert len(seen) > 8
    shown, answers = fetch(np.array([1, 1]), np.random.default_rng(0))
    again, same = fetch(np.array([1, 1]), np.random.default_rng(0))
    np.testing.assert_array_equal(shown, again)
    np.testing.assert_array_equal(answers, same)


def _laid(tensor: Floats, turn: int, mirrored: bool) -> Floats:
    turned: Floats = np.rot90(tensor, turn)
    return turned[:, ::-1] if mirrored else turned


def test_what_a_trunk_saw_of_a_view_is_shown_with_what_was_said_of_it(
    teachers: Teachers, pictures: NetworkInputs, tmp_path: Path
) -> None:
    inputs = keras.Input((SIDE, SIDE, 3))
    trunk = keras.Model(inputs, keras.layers.AveragePooling2D(SIDE // 4)(inputs))
    views = Views(pictures, LABELS, teachers)
    keeper = ViewCache(views, 2, 7, tmp_path / "kept", print)
    made = [views.make_view(1, np.random.default_rng((7, number, 1))).shown for number in (0, 1)]
    tensors = np.stack([pictures.to_tensor(view) for view in made])
    seen, said = trunk.predict_on_batch(tensors), teachers.soft_targets(LABELS[[1, 1]], made)
    shown, answers = keeper.features(trunk)(np.full(12, 1), np.random.default_rng(0))
    numbers = [int(np.abs(seen - one).mean(axis=(1, 2, 3)).argmin()) for one in shown]
    assert set(numbers) == {0, 1}
    np.testing.assert_allclose(shown, seen[numbers], atol=0.02)
    np.testing.assert_allclose(answers, said[numbers], atol=1e-6)


def degrade_visibly(view: Image.Image, *_: object) -> Image.Image:
    return ImageOps.invert(view)


@pytest.mark.parametrize("how", ["live", "pictures", "features"])
def test_a_student_sees_its_view_degraded_and_its_teachers_see_it_whole(
    how: str,
    teachers: Teachers,
    pictures: NetworkInputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views_module, "degrade_picture", degrade_visibly)
    inputs = keras.Input((SIDE, SIDE, 3))
    everything = keras.Model(inputs, keras.layers.Activation("linear")(inputs))

    def fetch(share: float) -> tuple[Floats, Floats]:
        views = Views(pictures, LABELS, teachers, share)
        keeper = ViewCache(views, 1, 7, tmp_path / str(share), print)
        shown: dict[str, Callable[[], Fetch]] = {
            "live": lambda: views.live,
            "pictures": keeper.pictures,
            "features": lambda: keeper.features(everything),
        }
        return shown[how]()(np.tile(np.arange(3), 20), np.random.default_rng(1))

    (whole, said), (degraded, targets), (mixed, again) = (fetch(share) for share in (0.0, 1.0, 0.5))
    np.testing.assert_allclose(degraded, -whole, atol=0.02)
    np.testing.assert_allclose([targets, again], [said, said], atol=1e-6)
    spared = [np.abs(one - other).max() < 0.02 for one, other in zip(mixed, whole, strict=True)]
    assert 0 < sum(spared) < len(spared)


def paint_all_black(picture: Image.Image, random: np.random.Generator, _: Marking) -> Image.Image:
    random.random()
    return Image.new("RGB", picture.size)


@pytest.mark.parametrize("how", ["live", "pictures", *in_drill("features")])
def test_a_student_sees_a_marking_in_its_view_and_its_teachers_see_the_same_view_without(
    how: str,
    teachers: Teachers,
    pictures: NetworkInputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views_module, "mark_picture", paint_all_black)
    asked: list[Image.Image] = []

    class RecordingTeachers(Teachers):
        def soft_targets(self, labels: Floats, views: Sequence[Image.Image]) -> Floats:
            asked.extend(views)
            return labels

    recording = RecordingTeachers(models=teachers.models, classes=teachers.classes)
    inputs = keras.Input((SIDE, SIDE, 3))
    everything = keras.Model(inputs, keras.layers.Activation("linear")(inputs))

    def black(marked: float) -> list[bool]:
        views = Views(pictures, LABELS, recording, marked=marked)
        keeper = ViewCache(views, 3, 7, tmp_path / str(marked), print)
        shown: dict[str, Callable[[], Fetch]] = {
            "live": lambda: views.live,
            "pictures": keeper.pictures,
            "features": lambda: keeper.features(everything),
        }
        seen, _ = shown[how]()(np.tile(np.arange(3), 20), np.random.default_rng(1))
        return [bool(view.max() < -0.99) for view in seen]

    assert all(black(marked=1.0))
    assert not any(black(marked=0.0))
    assert 0 < sum(black(marked=0.5)) < 60
    assert asked
    assert all(np.asarray(view).max() > 0 for view in asked)


def test_a_marked_view_and_its_clean_one_differ_by_the_marking_alone(
    teachers: Teachers, pictures: NetworkInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_module, "mark_picture", lambda picture, *_: picture)
    views = Views(pictures, LABELS, teachers, marked=1.0)
    for seed in range(20):
        view = views.make_view(0, np.random.default_rng(seed))
        assert view.shown is not view.clean
        assert view.shown.tobytes() == view.clean.tobytes()


def test_teachers_are_asked_once_of_a_view_however_often_it_is_shown(
    teachers: Teachers, pictures: NetworkInputs, tmp_path: Path
) -> None:
    asked: list[int] = []

    class Counting(Teachers):
        def soft_targets(self, labels: Floats, views: Sequence[Image.Image]) -> Floats:
            asked.append(len(views))
            return super().soft_targets(labels, views)

    counting = Counting(models=teachers.models, classes=teachers.classes)
    for _ in range(2):
        keeper = ViewCache(Views(pictures, LABELS, counting), 2, 7, tmp_path / "kept", print)
        for seed in range(5):
            keeper.pictures()(np.array([0, 2]), np.random.default_rng(seed))
    assert sum(asked) == 2 * len(VIEWS)


def test_a_teacher_must_know_every_class(small: Small) -> None:
    with pytest.raises(BadNetwork, match="does not know: freckle"):
        open_teachers([small.model], classes=("melanoma", "freckle"))


@pytest.mark.parametrize("learned", ["--teachers", "--init"])
def test_what_has_learned_from_pictures_to_be_measured_neither_teaches_nor_begins(
    small: Small, tmp_path: Path, learned: str
) -> None:
    words = [*small.words, "--phases", "coarse", learned, small.model, "--seed", "1"]
    with pytest.raises(BadDataset, match="train on its split"):
        run_command([*words, "--work", tmp_path / "w", "--out", tmp_path / "m"], tmp_path)
    assert not (tmp_path / "w").exists()


def test_the_shipped_network_begins_no_training_that_would_measure_its_own_pictures(
    tmp_path: Path,
) -> None:
    learned = json.loads((SHIPPED_MODEL / "split.json").read_text())["train"][0]
    for image, view in zip((learned, "another"), VIEWS, strict=False):
        view.save(tmp_path / f"{image}.png")
    (tmp_path / "metadata.csv").write_text(f"image_id,dx\n{learned},mel\nanother,nv\n")
    split = {"train": ["another"], "validation": [], "test": [learned]}
    (tmp_path / "mine.json").write_text(json.dumps(split))
    words = ["train", "--data", f"{tmp_path},modality=clinical", "--split", tmp_path / "mine.json"]
    with pytest.raises(BadDataset, match=f"{learned} among them"):
        run_command([*words, "--work", tmp_path / "w", "--out", tmp_path / "m"], tmp_path)
    refuse_leakage({learned: "train", "another": "test"}, SHIPPED_MODEL)
    refuse_leakage({learned: "test"}, tmp_path)


def test_a_taught_model_was_shown_degraded_pictures_and_names_its_teachers(
    small: Small, taught: Taught
) -> None:
    card = json.loads((taught.model / "card.json").read_text())
    shown = sum(card["training"]["pictures"]["train"].values())
    assert 0.25 * shown < taught.degraded < 0.75 * shown
    assert not list(taught.work.rglob("answers-*"))
    training = card["training"]
    assert training["teachers"] == [open_model(small.model).version]
    assert training["trust"] == 0.7
    assert training["recipe"]["phases"][0]["spoiled"] == 0.5
    assert training["recipe"]["strengths"] == json.loads(json.dumps(asdict(Strengths())))
    assert f"--teachers {small.model.name}" in training["command"]
    assert "--seed 0" in training["command"]


@pytest.mark.parametrize(
    ("shares", "strengths"),
    [
        ({}, Strengths(augmentation=Augmentation(colour=0.0))),
        ({"degraded": 1.0}, Strengths(spoiling=Degradation(loudest=90.0, most_at_once=8))),
        ({"relit": 1.0}, Strengths(clinic=OtherClinic(colour=(4.0, 4.0, 4.0)))),
        ({"widened": 1.0}, Strengths(clinic=OtherClinic(widest=3.0))),
        ({"marked": 1.0}, Strengths(marking=Marking(pen_width=(0.2, 0.3), tick_length=(0.3, 0.4)))),
    ],
)
def test_another_strength_changes_what_is_shown(
    shares: dict[str, float], strengths: Strengths, pictures: NetworkInputs
) -> None:
    rows = np.tile(np.arange(3), 8)
    usual, other = (
        Views(pictures, LABELS, None, strengths=one, **shares).live(rows, np.random.default_rng(0))
        for one in (Strengths(), strengths)
    )
    assert not np.allclose(usual[0], other[0], atol=0.05)
