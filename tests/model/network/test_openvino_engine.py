"""The network's weights leave memory after their first use, and nothing else changes."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from skinapi.model.network.engine import OpenVinoEngine, Precision, unpacked_weights, widen
from skinapi.model.network.model import NETWORK, SHIPPED_MODEL
from skinapi.model.network.picture import Tensor

HALF = SHIPPED_MODEL / NETWORK


def pictures(many: int) -> Tensor:
    return np.random.default_rng(2).normal(0, 50, (many, 224, 224, 3)).astype(np.float32)


def engine() -> OpenVinoEngine:
    return OpenVinoEngine(HALF, precision=Precision.F32, streams=1)


@cache
def packed() -> ov.CompiledModel:
    """Of the shipped network as it is stored; compiled once."""
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


def test_float16_numbers_that_are_not_only_weights_stay(tmp_path: Path) -> None:
    """A constant that is computed with in float16 as well, and one that two layers read."""
    half = ov.opset13.constant(np.arange(4, dtype=np.float16))
    shared = ov.opset13.constant(np.arange(4, dtype=np.float16))
    given = ov.opset13.parameter([4], np.float32)
    mixed = ov.opset13.convert(ov.opset13.add(half, half), "f32")
    first, second = (ov.opset13.convert(shared, "f32") for _ in range(2))
    sums = ov.opset13.add(ov.opset13.add(mixed, first), ov.opset13.add(second, given))
    model = ov.Model([sums], [given])
    with unpacked_weights(model):
        found = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert found([np.ones(4, np.float32)])[0].tolist() == [1, 5, 9, 13]
    kinds = [str(node.get_element_type()) for node in model.get_ops() if not node.inputs()]
    assert sorted(kinds).count("<Type: 'float16'>") == 1
