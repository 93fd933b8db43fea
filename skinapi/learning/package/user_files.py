"""Opens a user's Keras network without running code from the file."""

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from skinapi.errors import BadNetwork
from skinapi.json_bounds import holds_more_values

EXPECTED_FILE = "a whole network saved by Keras, as .keras or .h5"
# A file of 200 KB can unpack to a thousand times as much. These are far above any real network.
MOST_UNPACKED = 4 * 1024**3
MOST_ARCHITECTURE = 16 * 1024**2
MOST_VALUES = 500_000
DEEPEST = 100


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
                _refuse_bomb(archive, path.name)
                with archive.open("config.json") as stored:
                    return _bounded(stored.read(MOST_ARCHITECTURE + 1), path.name)
        if path.suffix == ".h5":
            with h5py.File(path, "r") as stored:
                text = stored.attrs["model_config"]
                return _bounded(text if isinstance(text, bytes) else str(text).encode(), path.name)
    # RuntimeError: an encrypted file, an unknown compression, or JSON that is nested too deeply.
    except (
        OSError,
        KeyError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as broken:
        raise BadNetwork(
            f"{path.name} holds no architecture to rebuild; expected is {EXPECTED_FILE}"
        ) from broken
    raise BadNetwork(
        f"{path.name} is not served, pickles least of all; expected is {EXPECTED_FILE}"
    )


def _refuse_bomb(archive: zipfile.ZipFile, name: str) -> None:
    # No more is ever unpacked of a file than the archive says.
    if sum(packed.file_size for packed in archive.infolist()) > MOST_UNPACKED:
        raise BadNetwork(f"{name} unpacks to more than {MOST_UNPACKED} bytes")


def _bounded(text: bytes, name: str) -> Any:
    """The parsed architecture. Raises BadNetwork where it is larger or deeper than a network's."""
    if len(text) > MOST_ARCHITECTURE or holds_more_values(text, MOST_VALUES):
        raise BadNetwork(f"The architecture in {name} is larger than that of any network")
    config = json.loads(text)
    layer = [config]
    for _ in range(DEEPEST):
        layer = [part for whole in layer for part in _parts(whole)]
    if layer:
        raise BadNetwork(f"The architecture in {name} is nested more than {DEEPEST} deep")
    return config


def _pieces(config: Any) -> Iterator[dict[str, Any]]:
    left = [config]
    while left:
        whole = left.pop()
        if isinstance(whole, dict):
            yield whole
        left += _parts(whole)


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return list(whole.values())
    return whole if isinstance(whole, list) else []


def _refuse_code(piece: dict[str, Any]) -> None:
    name = piece.get("class_name")
    if name in ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"):
        raise BadNetwork(
            f"The network holds a {name} layer, which runs code from the file; rebuild it without"
        )
    module = piece.get("module")
    if isinstance(module, str) and module != "builtins" and module.split(".")[0] != "keras":
        raise BadNetwork(f"The network asks to import {module}; only Keras's own layers are loaded")
