import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from PIL import Image

from skinapi.model.network.engine import OpenVinoEngine, Precision, unpacked_weights, widen
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import NETWORK, SHIPPED_MODEL, Model, open_model
from skinapi.model.network.picture import Scaling, Tensor, make_tensor, scale_pixels, view_box
from tests.model.networks import picture, write_model_folder

STREAMS = 8
HALF = SHIPPED_MODEL / NETWORK
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = write_model_folder(tmp_path_factory.mktemp("models") / "model")
    return open_model(folder, streams=STREAMS)


def test_one_pass_gives_logits_feature_map_pooled_features_and_heat(model: Model) -> None:
    reading = model.read([picture(0), picture(1)])
    assert reading.logits.shape == (2, 3)
    assert {each.dtype for each in (reading.logits, reading.feature_map, reading.pooled)} == {
        np.dtype(np.float32)
    }
    np.testing.assert_allclose(reading.feature_map.mean(axis=(1, 2)), reading.pooled, atol=1e-5)
    np.testing.assert_allclose(reading.pooled @ model.head.weights, reading.logits, atol=1e-5)
    signed = reading.feature_map[0] @ model.head.weights[:, 1] / (8 * 8)
    assert float(signed.sum()) == pytest.approx(float(reading.logits[0, 1]), abs=1e-4)
    heat = model.heat_of(reading, row=0, output=1)
    np.testing.assert_allclose(heat, np.maximum(signed, 0), atol=1e-6)


def test_many_threads_get_their_own_answers(model: Model) -> None:
    alone = [model.read([picture(seed)]).logits for seed in range(40)]
    with ThreadPoolExecutor(STREAMS) as pool:
        together = list(pool.map(lambda seed: model.read([picture(seed)]).logits, range(40)))
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-6)


def some(*shape: int) -> Tensor:
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("head", [Head(some(12, 4)), Head(some(9, 4), some(12, 9), some(9))])
def test_the_heat_is_the_gradient_of_the_logit_by_each_feature(head: Head) -> None:
    """The mean gradient of a feature is its whole gradient here, because pooling spreads it
    evenly.
    """
    feature_map, output, step = np.abs(some(7, 7, 12)), 2, 1e-3
    pooled = feature_map.mean(axis=(0, 1))
    nudged = pooled + step * np.eye(pooled.size, dtype=np.float32)
    gradient = (head.answer(nudged) - head.answer(pooled[None]))[:, output] / step / 49
    expected = np.maximum(feature_map @ gradient, 0)
    np.testing.assert_allclose(head.heat(feature_map, pooled, output), expected, atol=2e-3)


def test_the_network_sees_the_central_square() -> None:
    wide = Image.new("RGB", (400, 160), "white")
    assert view_box(wide.size, 1.0) == (120.0, 0.0, 280.0, 160.0)
    assert view_box(wide.size, 4 / 5) == (136.0, 16.0, 264.0, 144.0)
    wide.paste("black", (130, 0, 270, 160))
    whole, part = (make_tensor(wide, side=28, scaling=Scaling.RAW, seen=seen) for seen in (1, 0.8))
    assert whole.shape == part.shape == (28, 28, 3)
    assert whole[:, 4:24].max() == 0
    assert whole[:, 0].min() == 255
    assert part.max() == 0


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        (Scaling.TF, [1, -1, 0]),
        (Scaling.CAFFE, [23.561, -116.779, 131.32]),
        (Scaling.TORCH, [2.2489, -2.0357, 0.4178]),
        (Scaling.RAW, [255, 0, 127.5]),
    ],
)
def test_scalings_are_those_of_keras_applications(scaling: Scaling, expected: list[float]) -> None:
    pixel = np.array([[[255.0, 0.0, 127.5]]], np.float32)
    np.testing.assert_allclose(scale_pixels(pixel, scaling), [[expected]], atol=1e-3)


def pictures(many: int) -> Tensor:
    return np.random.default_rng(2).normal(0, 50, (many, 224, 224, 3)).astype(np.float32)


def engine() -> OpenVinoEngine:
    return OpenVinoEngine(HALF, precision=Precision.F32, streams=1)


@cache
def packed() -> ov.CompiledModel:
    return ov.Core().compile_model(HALF, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


@pytest.mark.xdist_group("unpacking")
def test_the_answers_are_those_of_the_packed_network_and_nothing_stays_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    unpacking = engine()
    for many in (1, 3):  # the first pass, in which the weights are unpacked, and one of more
        answered = unpacking.infer(pictures(many)).logits
        assert np.allclose(answered, packed()([pictures(many)])["logits"], atol=1e-4)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.xdist_group("unpacking")
def test_on_a_full_disk_the_network_serves_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tempfile.gettempdir())._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: pytest.fail("no room"))
    answered = engine().infer(pictures(1)).logits
    assert np.allclose(answered, packed()([pictures(1)])["logits"], atol=1e-4)


def test_every_finite_float16_is_the_same_number_in_float32() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    assert widen(finite).tobytes() == finite.astype(np.float32).tobytes()


def test_float16_numbers_that_are_not_only_weights_stay() -> None:
    """A constant that is computed with in float16 as well, and one that two layers read."""
    ops = ov.opset13
    half, shared = (ops.constant(np.arange(4, dtype=np.float16)) for _ in range(2))
    given = ops.parameter([4], np.float32)
    mixed = ops.convert(ops.add(half, half), "f32")
    first, second = (ops.convert(shared, "f32") for _ in range(2))
    model = ov.Model([ops.add(ops.add(mixed, first), ops.add(second, given))], [given])
    with unpacked_weights(model):
        compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert compiled([np.ones(4, np.float32)])[0].tolist() == [1, 5, 9, 13]
    kinds = [str(node.get_element_type()) for node in model.get_ops() if not node.inputs()]
    assert sorted(kinds).count("<Type: 'float16'>") == 1
