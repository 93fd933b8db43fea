"""Starting weights of a training: a trained model, ImageNet weights, a file, or random ones."""

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from skinapi.errors import BadNetwork
from skinapi.learning.progress import Report
from skinapi.learning.train.weights.stored import load_model_weights
from skinapi.vision.network.model import SHIPPED_MODEL

SHIPPED = "ResNet50"
SUFFIXES = (".npz", ".weights.h5")
KEY = re.compile(r".+/\d+")


def initialise(
    network: keras.Model,
    *,
    outputs: Sequence[str],
    architecture: str,
    init: str,
    imagenet: Path | None,
    report: Report,
) -> list[str]:
    """Loads the starting weights, and returns and reports the layers that keep random ones.

    `outputs` are the labels of the network's outputs. `init` is shipped, imagenet, none, a model
    folder or a file.
    """
    if init == "none":
        report("init: fresh weights")
        return [layer.name for layer in network.layers if layer.weights]
    if init == "shipped":
        if architecture != SHIPPED:
            raise BadNetwork(f"The shipped network is a {SHIPPED}; start {architecture} elsewhere")
        path = SHIPPED_MODEL
    elif init == "imagenet":
        path = _require_imagenet(architecture, imagenet)
    else:
        path = Path(init)
    if not path.exists():
        raise BadNetwork(f"There are no starting weights at {path}")
    fresh = load_weights(network, path, outputs=outputs)
    report(f"init: {path.name}; fresh: {', '.join(fresh) or 'nothing'}")
    return fresh


def _require_imagenet(architecture: str, folder: Path | None) -> Path:
    if folder is None:
        raise BadNetwork("ImageNet weights come from a folder of yours: name it with --weights")
    found = find_imagenet(architecture, folder)
    if found is None:
        raise BadNetwork(f"{folder} holds no weights whose name begins with {architecture.lower()}")
    return found


def find_imagenet(architecture: str, folder: Path) -> Path | None:
    """The weights of this architecture in a folder of weights, by the names of its files."""
    for path in sorted(folder.iterdir()):
        plain = path.name.lower().replace("_", "")
        if plain.endswith(SUFFIXES) and plain.startswith(architecture.lower()):
            return path
    return None


def load_weights(
    network: keras.Model, path: Path, *, outputs: Sequence[str] | None = None
) -> list[str]:
    """Loads all weights that fit, and returns the names of the layers that keep random ones.

    A model folder fills all layers, its last one by the names of the outputs where they are given.
    `.npz` keys are `<layer>/<index in get_weights()>`; files of Keras are matched by order.
    """
    if path.is_dir():
        load_model_weights(network, path, outputs=outputs)
        return []
    if path.suffix == ".keras":
        raise BadNetwork(
            "Give a model folder or weights (.npz or .weights.h5), not a whole .keras network"
        )
    if path.suffix != ".npz":
        # Keras warns about each layer that it skips; `initialise` reports what stays random.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.load_weights(path, skip_mismatch=True)
        return [network.layers[-1].name]
    with np.load(path, allow_pickle=False) as stored:
        unknown = [key for key in stored if not KEY.fullmatch(key)]
        if unknown:
            raise BadNetwork(
                f"{path} holds {unknown[0]}; expected are keys of the form <layer>/<index>. "
                "Of a model, name the folder."
            )
        return [
            layer.name for layer in network.layers if layer.weights and not _fill(layer, stored)
        ]


def _fill(layer: keras.Layer, stored: Mapping[str, np.ndarray]) -> bool:
    # All or none: half a layer of stored weights would be worse than random ones.
    wanted = [f"{layer.name}/{index}" for index in range(len(layer.weights))]
    if any(key not in stored for key in wanted):
        return False
    values = [np.asarray(stored[key], np.float32) for key in wanted]
    if any(v.shape != w.shape for v, w in zip(values, layer.weights, strict=True)):
        raise BadNetwork(f"The stored layer {layer.name} has other shapes than this architecture's")
    layer.set_weights(values)
    return True
