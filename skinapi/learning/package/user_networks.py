"""Opens a user's Keras network without running code from the file."""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import keras

from skinapi.errors import BadNetwork, UnreadableNetwork
from skinapi.json_bounds import holds_more_values
from skinapi.learning.package.keras_objects import MODELS, allowed_architecture

EXPECTED_FILE = "a whole network saved by Keras, as .keras or .h5"
# A file of 200 KB can unpack to a thousand times as much. These are far above any real network.
MOST_UNPACKED = 4 * 1024**3
MOST_ARCHITECTURE = 16 * 1024**2
MOST_VALUES = 500_000
DEEPEST = 100


def load_user_network(path: Path) -> keras.Model:
    """Loads a .keras or .h5 network.

    Raises NetworkRunsCode before anything is built where the file holds more than keras_objects.py
    allows, and UnreadableNetwork for a pickle and all else that is no network. Optimizer, loss and
    metrics of its training are not loaded.
    """
    config = allowed_architecture(_config_of(path))
    try:
        network = _build(config, path.suffix)
        if isinstance(network, keras.Model):
            network.load_weights(path)
    except BadNetwork:
        raise
    except Exception as broken:
        first_line = str(broken).strip().partition("\n")[0]
        raise UnreadableNetwork(f"Keras cannot load {path.name}: {first_line}") from broken
    if not isinstance(network, keras.Model):
        raise UnreadableNetwork(
            f"{path.name} holds a {type(network).__name__}; expected is {EXPECTED_FILE}"
        )
    return network


def _build(config: Any, suffix: str) -> Any:
    """The network without its weights. It is built of the description that was checked: Keras's own
    load_model would read the file once more, and load the optimizers of networks inside.
    """
    if suffix == ".keras":
        return keras.saving.deserialize_keras_object(config, safe_mode=True)
    kind, inner = config.get("class_name"), config.get("config")
    if kind not in MODELS or not isinstance(inner, dict):
        raise UnreadableNetwork(f"The file holds no network; expected is {EXPECTED_FILE}")
    return (keras.Sequential if kind == "Sequential" else keras.Model).from_config(inner)


def _config_of(path: Path) -> Any:
    """The architecture as plain data; no layer is built yet."""
    if not path.is_file():
        raise UnreadableNetwork(f"There is no file {path}")
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
        raise UnreadableNetwork(
            f"{path.name} holds no architecture to rebuild; expected is {EXPECTED_FILE}"
        ) from broken
    raise UnreadableNetwork(
        f"{path.name} is not served, pickles least of all; expected is {EXPECTED_FILE}"
    )


def _refuse_bomb(archive: zipfile.ZipFile, name: str) -> None:
    # No more is ever unpacked of a file than the archive says.
    if sum(packed.file_size for packed in archive.infolist()) > MOST_UNPACKED:
        raise UnreadableNetwork(f"{name} unpacks to more than {MOST_UNPACKED} bytes")


def _bounded(text: bytes, name: str) -> Any:
    """The parsed architecture. Raises UnreadableNetwork where it is larger or deeper than that of
    any network.
    """
    if len(text) > MOST_ARCHITECTURE or holds_more_values(text, MOST_VALUES):
        raise UnreadableNetwork(f"The architecture in {name} is larger than that of any network")
    config = json.loads(text)
    layer = [config]
    for _ in range(DEEPEST):
        layer = [part for whole in layer for part in _parts(whole)]
    if layer:
        raise UnreadableNetwork(f"The architecture in {name} is nested more than {DEEPEST} deep")
    return config


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return list(whole.values())
    return whole if isinstance(whole, list) else []
