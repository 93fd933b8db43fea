"""Opens a user's Keras network without running code from the file."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from skinapi.errors import BadNetwork

EXPECTED_FILE = "a whole network saved by Keras, as .keras or .h5"


def load_user_network(path: Path) -> keras.Model:
    """Loads a .keras or .h5 network.

    Raises BadNetwork before loading where the file holds a Lambda layer, a pickle, or anything that
    would import code from outside Keras.
    """
    config = _config_of(path)
    # Before Keras sees the file: loading may import the modules that a config names.
    for piece in _pieces(config):
        _refuse_code(piece)
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as broken:
        first_line = str(broken).strip().partition("\n")[0]
        raise BadNetwork(f"Keras cannot load {path.name}: {first_line}") from broken
    if not isinstance(network, keras.Model):
        raise BadNetwork(
            f"{path.name} holds a {type(network).__name__}; expected is {EXPECTED_FILE}"
        )
    return network


def _config_of(path: Path) -> Any:
    """The architecture as plain data; no layer is built yet."""
    if not path.is_file():
        raise BadNetwork(f"There is no file {path}")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        if path.suffix == ".h5":
            with h5py.File(path, "r") as stored:
                return json.loads(stored.attrs["model_config"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as broken:
        raise BadNetwork(
            f"{path.name} holds no architecture to rebuild; expected is {EXPECTED_FILE}"
        ) from broken
    raise BadNetwork(
        f"{path.name} is not served, pickles least of all; expected is {EXPECTED_FILE}"
    )


def _pieces(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _pieces(part)


def _refuse_code(piece: dict[str, Any]) -> None:
    name = piece.get("class_name")
    if name in ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"):
        raise BadNetwork(
            f"The network holds a {name} layer, which runs code from the file; rebuild it without"
        )
    module = piece.get("module")
    if isinstance(module, str) and module != "builtins" and module.split(".")[0] != "keras":
        raise BadNetwork(f"The network asks to import {module}; only Keras's own layers are loaded")
