"""Each engine, in this process and on an inference server: one pass answers everything, from many
threads alike.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.vision.network.model import Model, open_model
from tests.support.inference_server import running_inference_server
from tests.vision.networks import write_model_folder

STREAMS = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model_folder(tmp_path / "model")


@pytest.fixture(params=["local", "remote"])
def model(request: pytest.FixtureRequest, folder: Path) -> Iterator[Model]:
    if request.param == "local":
        yield open_model(folder, streams=STREAMS)
        return
    with running_inference_server(folder) as server:
        yield open_model(folder, streams=STREAMS, engine_url=server.url)


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


def test_every_engine_answers_as_the_local_one(folder: Path, model: Model) -> None:
    pictures = [picture(seed) for seed in range(3)]
    wanted, found = open_model(folder).read(pictures), model.read(pictures)
    np.testing.assert_allclose(found.logits, wanted.logits, atol=1e-5)
    np.testing.assert_allclose(found.feature_map, wanted.feature_map, atol=1e-5)
    np.testing.assert_allclose(found.pooled, wanted.pooled, atol=1e-5)


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


def test_an_engine_that_works_says_so(model: Model) -> None:
    model.warm()
    model.engine.ping()
