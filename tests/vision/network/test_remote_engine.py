"""An inference server that is away, slow or wrong: the answer is 503, never a wrong finding."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinapi.errors import EngineUnavailable
from skinapi.http_client import CallFault
from skinapi.vision.network import remote_engine
from skinapi.vision.network.model import SHIPPED_MODEL, Model, open_model
from skinapi.vision.network.remote_engine import BadMessage, decode_answer, read_description
from skinapi.vision.network.tensor import Tensor
from tests.stores.mongod import free_port
from tests.support.inference_server import (
    Behaviour,
    Call,
    InferenceServer,
    running_inference_server,
    well,
)
from tests.vision.networks import write_model_folder

SECRET = "words of the other server"
PICTURE = Image.new("RGB", (40, 60), (200, 150, 130))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model_folder(tmp_path_factory.mktemp("remote") / "model")


@pytest.fixture(scope="module")
def one_server(folder: Path) -> Iterator[InferenceServer]:
    with running_inference_server(folder) as running:
        yield running


@pytest.fixture
def server(one_server: InferenceServer) -> InferenceServer:
    one_server.reset()
    return one_server


@pytest.fixture
def model(folder: Path, server: InferenceServer) -> Model:
    return open_model(folder, engine_url=server.url)


def saying(**head: Any) -> Behaviour:
    """Replace fields of the answer's JSON."""
    return lambda call: call.reply(**head)


def changing(name: str, tensor: Tensor | None) -> Behaviour:
    """Another tensor than the one asked for, or none."""

    def behave(call: Call) -> None:
        call.tensors[name] = tensor
        call.tensors = {key: value for key, value in call.tensors.items() if value is not None}
        call.reply()

    return behave


def of_parameters(**fields: Any) -> Behaviour:
    """Replace fields of the first tensor's description."""

    def behave(call: Call) -> None:
        first, *others = call.outputs()
        call.reply(outputs=[{**first, **fields}, *others])

    return behave


def twice(call: Call) -> None:
    call.reply(outputs=call.outputs() * 2, tail=call.packed() * 2)


def in_json(call: Call) -> None:
    """As a server without the extension answers."""
    outputs = [
        {"name": n, "datatype": "FP32", "shape": [1, 1], "data": [0.5]} for n in call.tensors
    ]
    call.send(200, {**call.head, "outputs": outputs})


def hang(call: Call) -> None:
    call.server.closing.wait(20)


def drip(call: Call) -> None:
    """A byte at a time, each in time for a timeout that begins anew with every byte."""
    call.send_response(200)
    call.send_header("Content-Length", "5000")
    call.end_headers()
    while not call.server.closing.wait(0.02):
        call.wfile.write(b" ")


def flood(call: Call) -> None:
    call.send_response(200)
    call.end_headers()
    while not call.server.closing.is_set():
        call.wfile.write(bytes(65536))


def redirect(call: Call) -> None:
    call.send(302, headers={"Location": call.server.url})


def zipped(call: Call) -> None:
    call.send(200, gzip.compress(bytes(2**16)), {"Content-Encoding": "gzip"})


WRONG: dict[str, Behaviour] = {
    "another model": saying(model_name="toy-2"),
    "another version of it": saying(model_version="2"),
    "no version": lambda call: call.reply(model_version=None),
    "a version as a number": saying(model_version=1),
    "an error": lambda call: call.send(500, {"error": SECRET}),
    "an error with status 200": lambda call: call.send(200, {"error": SECRET}),
    "nothing": lambda call: call.send(200),
    "no HTTP": lambda call: call.connection.shutdown(2),
    "a redirect": redirect,
    "a compressed answer": zipped,
    "numbers as JSON": in_json,
    "more than was announced": lambda call: call.reply(tail=call.packed() + bytes(4)),
    "less than was announced": lambda call: call.reply(tail=call.packed()[:-4]),
    "a JSON longer than the answer": lambda call: call.reply(length="999999999"),
    "a JSON of a length that is no number": lambda call: call.reply(length="-1"),
    "a JSON that ends early": lambda call: call.reply(length="10"),
    "other numbers": of_parameters(datatype="FP16"),
    "a shape that is no shape": of_parameters(shape=[-1, 3]),
    "a shape of many axes": of_parameters(shape=[1] * 90, parameters={"binary_data_size": 4}),
    "a size that does not fit": of_parameters(parameters={"binary_data_size": 4}),
    "an output twice": twice,
    "an output too few": changing("pooled", None),
    "an output too many": changing("more", np.zeros((1, 1), np.float32)),
    "another number of logits": changing("logits", np.zeros((1, 4), np.float32)),
    "logits of two pictures": changing("logits", np.zeros((2, 3), np.float32)),
    "other features": changing("pooled", np.zeros((1, 9), np.float32)),
    "no feature map": changing("feature_map", np.zeros((1, 8), np.float32)),
    "an empty feature map": changing("feature_map", np.zeros((1, 0, 0, 8), np.float32)),
    "a feature map larger than the picture": changing(
        "feature_map", np.zeros((1, 17, 17, 8), np.float32)
    ),
    "what is no number": changing("logits", np.full((1, 3), np.nan, np.float32)),
    "what is infinite": changing("pooled", np.full((1, 8), np.inf, np.float32)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_no_finding(
    model: Model, server: InferenceServer, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behave = WRONG[name]
    with pytest.raises(EngineUnavailable) as refused:
        model.read([PICTURE])
    assert refused.value.retry_after
    logged = "".join(capsys.readouterr())
    assert "inference server not usable" in logged
    assert SECRET not in logged + str(refused.value)
    server.behave = well
    model.read([PICTURE])


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_a_slow_answer_ends_by_the_deadline(
    model: Model,
    server: InferenceServer,
    behaviour: Behaviour,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(remote_engine, "INFERENCE_S", 0.2)
    server.behave = behaviour
    with pytest.raises(EngineUnavailable):
        model.read([PICTURE])
    assert CallFault.DEADLINE in "".join(capsys.readouterr())


def test_an_answer_without_end_is_cut_off(
    folder: Path,
    server: InferenceServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(remote_engine, "LARGEST_ANSWER", 100_000)
    model = open_model(folder, engine_url=server.url)
    server.behave = flood
    with pytest.raises(EngineUnavailable):
        model.read([PICTURE])
    assert CallFault.TOO_LARGE in "".join(capsys.readouterr())


@pytest.mark.parametrize("head", [{"more": [0] * 5000}, {"model_name": "x" * 70_000}])
def test_json_that_would_fill_the_memory_is_not_parsed(head: dict[str, Any]) -> None:
    content = json.dumps({"model_name": "toy-1", "outputs": [], **head}).encode()
    with pytest.raises(BadMessage, match="too large"):
        decode_answer(content, str(len(content)))
    with pytest.raises(BadMessage, match="too large"):
        read_description(content)


def test_a_server_that_is_away_has_no_engine(folder: Path) -> None:
    with pytest.raises(EngineUnavailable):
        open_model(folder, engine_url=f"http://127.0.0.1:{free_port()}")


def test_a_server_that_is_not_ready_has_no_engine(folder: Path, server: InferenceServer) -> None:
    server.ready = False
    with pytest.raises(EngineUnavailable):
        open_model(folder, engine_url=server.url)


def test_only_the_version_that_was_asked_for_is_used(folder: Path, server: InferenceServer) -> None:
    open_model(folder, engine_url=server.url)
    assert "/v2/models/toy-1/versions/1/ready" in server.asked
    server.models = {"toy-2": server.models["toy-1"]}
    with pytest.raises(EngineUnavailable):
        open_model(folder, engine_url=server.url)


@pytest.mark.parametrize(
    "described",
    [
        {"name": "toy-2"},
        {"inputs": []},
        {"inputs": [{"name": "shown", "datatype": "UINT8"}]},
        {"inputs": [{"name": name, "datatype": "FP32"} for name in ("shown", "facts")]},
        {"outputs": [{"name": "logits", "datatype": "FP32"}]},
        {"outputs": "none"},
    ],
)
def test_a_network_with_other_tensors_is_not_used(
    folder: Path, server: InferenceServer, described: dict[str, Any]
) -> None:
    server.described = described
    with pytest.raises(EngineUnavailable):
        open_model(folder, engine_url=server.url)


def test_readiness_is_the_servers_and_asked_for_once_a_second_at_most(
    model: Model, server: InferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_engine, "READINESS_HOLDS_S", 3600.0)
    server.asked.clear()
    for _ in range(20):
        model.engine.ping()
    assert len(server.asked) == 2
    monkeypatch.setattr(remote_engine, "READINESS_HOLDS_S", 0.0)
    server.ready = False
    with pytest.raises(EngineUnavailable):
        model.engine.ping()
    server.ready = True
    model.engine.ping()
    server.models = {}
    with pytest.raises(EngineUnavailable):
        model.engine.ping()


def test_while_a_server_is_not_ready_it_is_not_asked_more_often(
    folder: Path, server: InferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_engine, "READINESS_HOLDS_S", 3600.0)
    engine = open_model(folder, engine_url=server.url).engine
    server.ready = False
    server.asked.clear()
    for _ in range(20):
        with pytest.raises(EngineUnavailable):
            engine.ping()
    assert len(server.asked) == 1


def test_another_network_under_the_name_of_a_version_does_not_get_warm(
    model: Model, server: InferenceServer, tmp_path: Path
) -> None:
    server.models = {"toy-1": open_model(write_model_folder(tmp_path / "other", seed=1))}
    with pytest.raises(EngineUnavailable):
        model.warm()


def test_of_many_servers_one_with_another_network_is_noticed_at_once(
    model: Model, server: InferenceServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.warm()
    right, wrong = server.models["toy-1"], open_model(write_model_folder(tmp_path / "b", seed=1))
    for _ in range(2):
        server.models = {"toy-1": wrong}
        with pytest.raises(EngineUnavailable):
            model.read([PICTURE])
        assert "another network" in "".join(capsys.readouterr())
        server.models = {"toy-1": right}
        model.read([PICTURE])


@pytest.mark.skipif("INFERENCE_SERVER" not in os.environ, reason="no INFERENCE_SERVER")
def test_another_make_of_server_answers_as_the_local_engine() -> None:
    """INFERENCE_SERVER: the address of one that serves the shipped model, at f32 or bf16."""
    local = open_model(SHIPPED_MODEL)
    remote = open_model(SHIPPED_MODEL, engine_url=os.environ["INFERENCE_SERVER"])
    remote.warm()
    remote.engine.ping()
    wanted, found = local.read([PICTURE]), remote.read([PICTURE])
    np.testing.assert_allclose(found.logits, wanted.logits, atol=0.2)
    np.testing.assert_allclose(found.pooled, wanted.pooled, atol=0.2)
