import copy
import inspect
import json
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.errors import BadNetwork
from skinapi.learning.train import user_networks
from skinapi.learning.train.user_networks import (
    ACTIVATIONS,
    FUNCTIONS,
    allowed_architecture,
    load_user_network,
)
from tests.learning.test_export import nested_with_pooling, with_random_weights
from tests.support.size import size

layers = keras.layers
PUBLISHED = [
    name
    for name, make in vars(keras.applications).items()
    if inspect.isfunction(make) and "weights" in inspect.signature(make).parameters
]

CALL = {
    "module": "keras.layers",
    "class_name": "function",
    "config": "TFSMLayer",
    "registered_name": "function",
}
FORBIDDEN: list[dict[str, Any]] = [
    CALL,
    {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"},
    {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "model"}},
    {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}},
    {"class_name": "Lambda", "config": {}},
    {"class_name": "keras.layers>Lambda", "config": {}},
    {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    {"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []},
    {"class_name": "TypeSpec", "type_spec": "x", "serialized": []},
    {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "words"}},
    {"module": "keras.callbacks", "class_name": "CSVLogger", "config": {"filename": "x"}},
    {"module": "keras.src.saving.file_editor", "class_name": "KerasFileEditor", "config": {}},
    {"module": "os", "class_name": "Conv2D", "config": {}},
    {"module": "keras.layers", "class_name": "Conv2D", "registered_name": "a>b", "config": {}},
    {"module": "keras.layers", "class_name": ["Conv2D"], "config": {}},
]
PLACES = ("/etc/passwd", "gs://bucket/model", "file:///model", "C:\\model", "~/model", "a/../../b")


def description(suffix: str, folder: Path) -> Any:
    path = folder / f"network{suffix}"
    nested_with_pooling().save(path)
    if suffix == ".h5":
        with h5py.File(path) as stored:
            return json.loads(stored.attrs["model_config"])
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("described")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls .h5 an old format
        return [description(suffix, folder) for suffix in (".keras", ".h5")]


def positions(whole: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(whole) if isinstance(whole, dict) else range(len(whole))
    for key in keys:
        if key == "compile_config":
            continue
        yield whole, key
        if isinstance(whole[key], (dict, list)):
            yield from positions(whole[key])


@pytest.mark.parametrize("refused", [FORBIDDEN, PLACES], ids=["objects", "files and addresses"])
@settings(max_examples=size(30, 5000), deadline=None)
@given(data=st.data())
def test_what_is_forbidden_is_refused_wherever_it_stands(
    described: list[Any], refused: Sequence[Any], data: st.DataObject
) -> None:
    whole = copy.deepcopy(data.draw(st.sampled_from(described)))
    places = list(positions(whole))
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    container[key] = copy.deepcopy(data.draw(st.sampled_from(refused)))
    with pytest.raises(BadNetwork):
        allowed_architecture(whole)


@pytest.mark.parametrize("which", [0, 1], ids=["keras", "h5"])
@pytest.mark.parametrize(
    "call",
    [
        {"args": ["text"], "kwargs": {}},
        {"args": [], "kwargs": {"inputs": "text"}},
        {"args": [[{"a": "text"}]], "kwargs": {}},
        {"args": [{"class_name": "__bytes__", "config": {"value": "text"}}], "kwargs": {}},
        {"args": [{"module": "keras.layers", "class_name": "Add", "config": {}}], "kwargs": {}},
        [["conv2d", 0, 0, {"inputs": "text"}]],
        ["conv2d", 0, 0, {}],
        "text",
    ],
)
def test_a_layer_is_not_called_with_text(described: list[Any], which: int, call: Any) -> None:
    whole = copy.deepcopy(described[which])
    whole["config"]["layers"][-1]["inbound_nodes"] = [call]
    with pytest.raises(BadNetwork, match=r"call|__bytes__"):
        allowed_architecture(whole)


@pytest.mark.parametrize("field", ["activation", "kernel_initializer", "padding"])
def test_a_text_does_not_become_a_function(described: list[Any], field: str) -> None:
    whole = copy.deepcopy(described[1])
    whole["config"]["layers"][-1]["config"][field] = "deserialize"
    with pytest.raises(BadNetwork, match="deserialize"):
        allowed_architecture(whole)


def test_the_names_of_functions_and_activations_are_those_of_keras() -> None:
    functions = {name for name, value in vars(layers).items() if inspect.isfunction(value)}
    assert functions <= FUNCTIONS
    for name in ACTIVATIONS:
        assert inspect.isfunction(keras.activations.get(name))


def test_nothing_is_built_of_a_network_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function in place of an activation was once called with a text from the file."""
    whole = description(".keras", tmp_path)
    evil = {
        "module": "keras.layers",
        "class_name": "Activation",
        "name": "evil",
        "config": {"name": "evil", "activation": CALL},
        "inbound_nodes": [{"args": [], "kwargs": {"inputs": str(tmp_path)}}],
    }
    whole["config"]["layers"].append(evil)
    with zipfile.ZipFile(tmp_path / "network.keras", "a") as archive:
        names = [name for name in archive.namelist() if name != "config.json"]
        with zipfile.ZipFile(tmp_path / "evil.keras", "w") as forged:
            for name in names:
                forged.writestr(name, archive.read(name))
            forged.writestr("config.json", json.dumps(whole))
    monkeypatch.setattr(user_networks, "_build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(BadNetwork, match="function 'TFSMLayer'"):
        load_user_network(tmp_path / "evil.keras")


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_training_left_is_not_loaded(suffix: str, tmp_path: Path) -> None:
    network = with_random_weights(nested_with_pooling())
    for whole in (network, network.get_layer("inner")):
        whole.compile("adam", "mse", metrics=["accuracy"])
    network.save(tmp_path / f"mine{suffix}")
    loaded = load_user_network(tmp_path / f"mine{suffix}")
    assert not loaded.compiled
    assert not loaded.get_layer("inner").compiled
    batch = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        loaded.predict_on_batch(batch), network.predict_on_batch(batch), atol=1e-6
    )


@pytest.mark.drill
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_is_accepted(name: str) -> None:
    make = getattr(keras.applications, name)
    fixed = name.startswith("NASNet")
    network = make(weights=None, input_shape=None if fixed else (96, 96, 3), classes=3)
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(network)))
    again = keras.saving.deserialize_keras_object(allowed_architecture(written))
    assert again.count_params() == network.count_params()
    keras.backend.clear_session()
