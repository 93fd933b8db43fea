"""Weights of a network: the start of a training, and the formats of model folders and checkpoints.

A model folder stores each kernel once, in the served network, as float16. There each batch
normalisation is multiplied into the convolution before it. This product is rounded, and the Keras
kernel becomes the rounded product divided by the scale. Rounding the Keras kernel instead would
round twice.

`norms.npz` contains every vector (batch normalisations, biases) as `<layer>/<index in
get_weights()>`, and for every kernel `<layer>/sha256`. A kernel is found by this digest, because
the exporter keeps neither the names nor the order of Keras.
"""

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from skinapi.base.errors import BadNetwork
from skinapi.learning.progress import Report
from skinapi.learning.train.networks import folded_kernels, layers_with_kernels, set_folded_kernels
from skinapi.model.conditions import conditions_table
from skinapi.model.network.engine import shared_core
from skinapi.model.network.model import NETWORK, NORMS, SHIPPED_MODEL, read_labels
from skinapi.platform.storage.files import written_durably

Float16 = NDArray[np.float16]
Array = NDArray[np.generic]

DIGEST = "sha256"
# Where Keras has the axes of a served kernel: height, width, inputs, outputs.
AXES = {"Convolution": (2, 3, 1, 0), "GroupConvolution": (3, 4, 0, 1, 2)}
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
    """Return the layers that keep random weights. `init`: shipped, imagenet, none, or a path."""
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
    for path in sorted(folder.iterdir()):
        plain = path.name.lower().replace("_", "")
        if plain.endswith(SUFFIXES) and plain.startswith(architecture.lower()):
            return path
    return None


def load_weights(
    network: keras.Model, path: Path, *, outputs: Sequence[str] | None = None
) -> list[str]:
    """Load all weights that fit, and return the layers that keep random ones. `.npz` keys are
    `<layer>/<index in get_weights()>`; Keras files are matched by order.
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


def save_norms(network: keras.Model, folder: Path) -> None:
    served = _served_kernels(folder)
    arrays: dict[str, Array] = {
        f"{layer.name}/{index}": value
        for layer in network.layers
        for index, value in enumerate(layer.get_weights())
    }
    for name, kernel in folded_kernels(network).items():
        digest = _digest(kernel)
        if digest in served:
            del arrays[f"{name}/0"]
            arrays[f"{name}/{DIGEST}"] = np.array(digest)
        else:
            arrays[f"{name}/0"] = kernel
    np.savez(folder / NORMS, allow_pickle=False, **arrays)


def load_model_weights(
    network: keras.Model, folder: Path, *, outputs: Sequence[str] | None = None
) -> None:
    """Load the weights of `save_norms`; those of the last layer are matched by the labels in
    `outputs`. An error leaves the network unchanged.
    """
    stored = _read_norms(folder)
    served = _served_kernels(folder)
    kernels = {
        layer.name: _get_kernel(layer, stored, served, folder)
        for layer, _ in layers_with_kernels(network)
    }
    weights = {
        layer.name: [
            kernels[layer.name]
            if index == 0 and layer.name in kernels
            else _get_weight(layer, index, stored, folder)
            for index in range(len(layer.weights))
        ]
        for layer in network.layers
    }
    if outputs is not None:
        head, columns = network.layers[-1].name, _columns(outputs, folder)
        weights[head] = [value[..., columns] for value in weights[head]]
        kernels[head] = kernels[head][..., columns]
    # All shapes are checked before the first assignment, so that an error leaves no mixture.
    for layer in network.layers:
        for value, wanted in zip(weights[layer.name], layer.weights, strict=True):
            if value.shape != tuple(wanted.shape):
                raise BadNetwork(
                    f"The layer {layer.name} of the model in {folder} has weights of the shape "
                    f"{value.shape}; expected is {tuple(wanted.shape)}"
                )
    # First every weight as stored, which sets the normalisations; then the kernels can be divided
    # by their scales.
    for layer in network.layers:
        layer.set_weights([value.astype(np.float32) for value in weights[layer.name]])
    set_folded_kernels(network, kernels)


def _columns(outputs: Sequence[str], folder: Path) -> list[int]:
    stored = read_labels(folder)
    counted = [conditions_table().counted_as(label, stored) or label for label in outputs]
    missing = [label for label in counted if label not in stored]
    if missing:
        raise BadNetwork(f"The model in {folder} has no output for {missing[0]}")
    return [stored.index(label) for label in counted]


def _get_weight(layer: keras.Layer, index: int, stored: Mapping[str, Array], folder: Path) -> Array:
    value = stored.get(f"{layer.name}/{index}")
    if value is None:
        raise BadNetwork(
            f"The model in {folder} has no layer {layer.name}: it is of another architecture"
        )
    return value


def _get_kernel(
    layer: keras.Layer, stored: Mapping[str, Array], served: Mapping[str, Float16], folder: Path
) -> Float16:
    digest = stored.get(f"{layer.name}/{DIGEST}")
    if digest is None:
        return _get_weight(layer, 0, stored, folder).astype(np.float16)
    if str(digest) not in served:
        raise BadNetwork(
            f"The network in {folder} does not hold the kernel of {layer.name} that {NORMS} "
            "names: the two files are not of one model, or one is damaged"
        )
    return served[str(digest)]


def _read_norms(folder: Path) -> dict[str, Array]:
    path = folder / NORMS
    if not path.is_file():
        raise BadNetwork(
            f"There is no {NORMS} in {folder}: only a model that `train` has made can be a start"
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, BadZipFile) as broken:
        raise BadNetwork(f"{path} cannot be read: {broken}") from broken


def _served_kernels(folder: Path) -> dict[str, Float16]:
    try:
        served = shared_core().read_model(folder / NETWORK)
    except RuntimeError as broken:
        raise BadNetwork(f"The network in {folder} cannot be read: {broken}") from broken
    return {_digest(kernel): kernel for kernel in _kernels(served)}


def _kernels(served: ov.Model) -> Iterator[Float16]:
    for node in served.get_ops():
        kind = node.get_type_name()
        if kind not in (*AXES, "MatMul"):
            continue
        constant = node.input_value(1).get_node()
        if constant.get_type_name() == "Convert":
            constant = constant.input_value(0).get_node()
        if constant.get_type_name() != "Constant":
            continue
        # astype copies: the data is a view into the graph, which is freed.
        values = constant.data.astype(np.float16)
        if kind == "MatMul":
            yield values.T if node.get_attributes()["transpose_b"] else values
        else:
            kernel = values.transpose(AXES[kind])
            yield kernel[..., 0] if kind == "GroupConvolution" else kernel


def _digest(kernel: Float16) -> str:
    # The shape is part of the digest: equal bytes in another shape are another kernel.
    content = np.ascontiguousarray(kernel)
    return hashlib.sha256(f"{content.shape}".encode() + content.tobytes()).hexdigest()


def state_of(model: keras.Model) -> list[keras.Variable]:
    """Weights, dropout seeds, and optimizer state with the moving averages. Metrics are not
    included.
    """
    measured = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in measured]
    return [*own, *model.optimizer.variables]


def values(variables: Sequence[keras.Variable]) -> list[Array]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assign(variables: Sequence[keras.Variable], given: Sequence[Array]) -> None:
    for variable, value in zip(variables, given, strict=True):
        variable.assign(value)


def save_arrays(path: Path, arrays: Sequence[Array]) -> None:
    with written_durably(path) as draft, draft.open("wb") as out:
        np.savez(out, *arrays)


def load_arrays(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]
