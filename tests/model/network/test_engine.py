"""The engine: one pass answers everything, from many threads alike."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.model.network.engine import Head
from skinapi.model.network.model import Model, open_model
from skinapi.model.network.picture import Scaling, Tensor, make_tensor, scale_pixels, view_box
from tests.model.networks import write_model_folder

STREAMS = 8


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return open_model(write_model_folder(tmp_path / "model"), streams=STREAMS)


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8))


def test_one_pass_gives_logits_feature_map_and_pooled_features(model: Model) -> None:
    reading = model.read([picture(0), picture(1)])
    assert reading.logits.shape == (2, 3)
    assert {each.dtype for each in (reading.logits, reading.feature_map, reading.pooled)} == {
        np.dtype(np.float32)
    }
    np.testing.assert_allclose(reading.feature_map.mean(axis=(1, 2)), reading.pooled, atol=1e-5)
    np.testing.assert_allclose(reading.pooled @ model.head.weights, reading.logits, atol=1e-5)


def test_the_heat_map_adds_up_to_the_logit_where_nothing_was_cut(model: Model) -> None:
    reading = model.read([picture()])
    signed = reading.feature_map[0] @ model.head.weights[:, 1] / (8 * 8)
    assert float(signed.sum()) == pytest.approx(float(reading.logits[0, 1]), abs=1e-4)
    heat = model.heat_of(reading, row=0, output=1)
    np.testing.assert_allclose(heat, np.maximum(signed, 0), atol=1e-6)


def test_many_threads_get_their_own_answers(model: Model) -> None:
    alone = [model.read([picture(seed)]).logits for seed in range(40)]
    with ThreadPoolExecutor(STREAMS) as pool:
        together = list(pool.map(lambda seed: model.read([picture(seed)]).logits, range(40)))
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-6)


def test_an_answer_is_not_overwritten_by_the_next(model: Model) -> None:
    first = model.read([picture(0)])
    kept = first.logits.copy()
    model.read([picture(1)])
    np.testing.assert_array_equal(first.logits, kept)


RANDOM = np.random.default_rng(3)


def logit(head: Head, pooled: Tensor, output: int) -> float:
    if head.hidden_weights is None or head.hidden_bias is None:
        return float(pooled @ head.weights[:, output])
    hidden = np.maximum(pooled @ head.hidden_weights + head.hidden_bias, 0)
    return float(hidden @ head.weights[:, output])


def some(*shape: int) -> Tensor:
    return RANDOM.normal(size=shape).astype(np.float32)


def heat_by_differences(feature_map: Tensor, head: Head, output: int) -> Tensor:
    """Each feature's mean gradient is its whole gradient here: pooling spreads it evenly."""
    exact = feature_map.astype(np.float64)
    pooled, step, cells = exact.mean(axis=(0, 1)), 1e-4, exact.shape[0] * exact.shape[1]
    gradient = []
    for feature in range(pooled.size):
        nudged = pooled.copy()
        nudged[feature] += step
        difference = logit(head, nudged, output) - logit(head, pooled, output)
        gradient.append(difference / step / cells)
    return np.asarray(np.maximum(exact @ np.array(gradient), 0), np.float32)


def test_one_dense_layer() -> None:
    feature_map, head = np.abs(some(7, 7, 12)), Head(some(12, 4))
    heat = head.heat(feature_map, feature_map.mean(axis=(0, 1)), 2)
    np.testing.assert_allclose(heat, heat_by_differences(feature_map, head, 2), atol=1e-5)


def test_a_hidden_layer_with_relu() -> None:
    feature_map, head = np.abs(some(7, 7, 12)), Head(some(9, 4), some(12, 9), some(9))
    heat = head.heat(feature_map, feature_map.mean(axis=(0, 1)), 0)
    np.testing.assert_allclose(heat, heat_by_differences(feature_map, head, 0), atol=1e-5)


def test_heat_is_never_negative() -> None:
    feature_map, head = np.abs(some(7, 7, 5)), Head(-np.abs(some(5, 2)))
    pooled = feature_map.mean(axis=(0, 1))
    assert not head.heat(feature_map, pooled, 1).any()


def test_the_network_sees_the_central_square() -> None:
    wide = Image.new("RGB", (400, 160), "white")
    assert view_box(wide.size) == (136.0, 16.0, 264.0, 144.0)
    wide.paste("black", (150, 0, 250, 160))
    tensor = make_tensor(wide, side=28, scaling=Scaling.RAW)
    assert tensor.shape == (28, 28, 3)
    assert tensor[:, 8:20].max() == 0
    assert tensor[:, 0].min() == 255


def test_scalings_are_those_of_keras_applications() -> None:
    pixel = np.array([[[255.0, 0.0, 127.5]]], np.float32)
    np.testing.assert_allclose(scale_pixels(pixel, Scaling.TF), [[[1, -1, 0]]], atol=1e-6)
    np.testing.assert_allclose(
        scale_pixels(pixel, Scaling.CAFFE), [[[23.561, -116.779, 131.32]]], atol=1e-3
    )
    np.testing.assert_allclose(
        scale_pixels(pixel, Scaling.TORCH), [[[2.2489, -2.0357, 0.4178]]], atol=1e-3
    )
    np.testing.assert_array_equal(scale_pixels(pixel, Scaling.RAW), pixel)
