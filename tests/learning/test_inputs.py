"""What a network is shown: views, degraded, marked and moved, live or as cached features."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data.augmentation import Augmentation, AugmentationConfig, OtherClinic
from skinapi.learning.data.degradation import Degradation, Marking
from skinapi.learning.data.samples import Sample
from skinapi.learning.train import inputs
from skinapi.learning.train.inputs import FeatureCache, Fetch, NetworkInputs, Views
from skinapi.model.network.tensor import Scaling
from tests.learning.conftest import SIDE
from tests.learning.pictures import draw_lesion

VIEWS = [draw_lesion("mel", np.random.default_rng(seed)) for seed in (3, 4, 5)]
LABELS = np.eye(8, dtype=np.float32)[[4, 0, 7]]
HOW = ("live", "features")


@pytest.fixture
def pictures(tmp_path: Path) -> NetworkInputs:
    samples = []
    for number, view in enumerate(VIEWS):
        view.save(tmp_path / f"{number}.png")
        samples.append(Sample(str(number), tmp_path / f"{number}.png", "any", str(number), {}))
    return NetworkInputs(samples, SIDE, Scaling.TF)


def trunk_of(layer: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    pixels = keras.Input((SIDE, SIDE, 3))
    return keras.Model(pixels, layer(pixels))


def test_the_views_are_those_of_the_seed_with_their_labels(pictures: NetworkInputs) -> None:
    rows, views = np.array([2, 0]), Views(pictures, LABELS)
    shown, labels = views.fetch(rows, np.random.default_rng(1))
    random = np.random.default_rng(1)
    again = [pictures.to_tensor(views.make_view(row, random)) for row in (2, 0)]
    np.testing.assert_array_equal(shown, again)
    np.testing.assert_array_equal(labels, LABELS[rows])


def test_what_a_trunk_saw_of_each_view_is_kept_and_shown_with_its_label(
    pictures: NetworkInputs, tmp_path: Path
) -> None:
    trunk = trunk_of(keras.layers.AveragePooling2D(SIDE // 4))
    views = Views(pictures, LABELS)
    cache = FeatureCache(views, trunk, 2, 7, tmp_path / "kept", print)
    made = [views.make_view(1, np.random.default_rng((7, number, 1))) for number in (0, 1)]
    seen = trunk.predict_on_batch(np.stack([pictures.to_tensor(view) for view in made]))
    for _ in range(2):
        shown, labels = cache.compute_views()(np.full(12, 1), np.random.default_rng(0))
        numbers = [int(np.abs(seen - one).mean(axis=(1, 2, 3)).argmin()) for one in shown]
        assert set(numbers) == {0, 1}
        np.testing.assert_allclose(shown, seen[numbers], atol=0.02)
        np.testing.assert_array_equal(labels, LABELS[[1] * 12])
    plain = cache.compute_plain(pictures)
    served = trunk.predict_on_batch(np.stack([pictures.load(row) for row in range(3)]))
    np.testing.assert_allclose(plain, served, atol=0.02)
    assert len(list((tmp_path / "kept").iterdir())) == 3


def fetch_of(how: str, views: Views, folder: Path) -> Fetch:
    if how == "live":
        return views.fetch
    everything = trunk_of(keras.layers.Activation("linear"))
    return FeatureCache(views, everything, 3, 7, folder, print).compute_views()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    ("share", "function"), [("degraded", "degrade_picture"), ("marked", "mark_picture")]
)
def test_the_share_of_the_views_that_is_wanted_is_changed(
    how: str,
    share: str,
    function: str,
    pictures: NetworkInputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inputs, function, lambda picture, *_: Image.new("RGB", picture.size))

    def black(wanted: float) -> list[bool]:
        shares: dict[str, Any] = {share: wanted}
        views = Views(pictures, LABELS, **shares)
        fetch = fetch_of(how, views, tmp_path / str(wanted))
        seen, _ = fetch(np.tile(np.arange(3), 20), np.random.default_rng(1))
        return [bool(view.max() < -0.99) for view in seen]

    assert all(black(1.0))
    assert not any(black(0.0))
    assert 0 < sum(black(0.5)) < 60


@pytest.mark.parametrize(
    ("shares", "strengths"),
    [
        ({}, AugmentationConfig(augmentation=Augmentation(colour=0.0))),
        ({"degraded": 1.0}, AugmentationConfig(spoiling=Degradation(loudest=90.0, most_at_once=8))),
        ({"relit": 1.0}, AugmentationConfig(clinic=OtherClinic(colour=(4.0, 4.0, 4.0)))),
        ({"widened": 1.0}, AugmentationConfig(clinic=OtherClinic(widest=3.0))),
        (
            {"marked": 1.0},
            AugmentationConfig(marking=Marking(pen_width=(0.2, 0.3), tick_length=(0.3, 0.4))),
        ),
    ],
)
def test_another_strength_changes_what_is_shown(
    shares: dict[str, float], strengths: AugmentationConfig, pictures: NetworkInputs
) -> None:
    rows = np.tile(np.arange(3), 8)
    usual, other = (
        Views(pictures, LABELS, strengths=one, **shares).fetch(rows, np.random.default_rng(0))
        for one in (AugmentationConfig(), strengths)
    )
    assert not np.allclose(usual[0], other[0], atol=0.05)
