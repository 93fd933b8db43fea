"""Restores Keras weights from a model folder, which stores each kernel once: in the served network.

`norms.npz` beside it holds every vector (batch normalisations, biases) as `<layer>/<index in
get_weights()>`, and for every kernel `<layer>/sha256`. A kernel is found by this digest, because
the exporter keeps neither the names nor the order of Keras.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from skinapi.errors import BadNetwork
from skinapi.learning.train.weights.float16 import (
    folded_kernels,
    layers_with_kernels,
    set_folded_kernels,
)
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model import NETWORK, NORMS, read_labels
from skinapi.vision.network.openvino_engine import shared_core

Float16 = NDArray[np.float16]
Array = NDArray[np.generic]

DIGEST = "sha256"
# Where Keras has the axes of a served kernel: height, width, inputs, outputs.
AXES = {"Convolution": (2, 3, 1, 0), "GroupConvolution": (3, 4, 0, 1, 2)}


def save_norms(network: keras.Model, folder: Path) -> None:
    """Writes norms.npz: all Keras weights that the served network in this folder does not hold.

    Those are vectors, digests of the kernels, and whole kernels that the export changed.
    """
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
    """Fills a network with the weights that `save_norms` was called with.

    `outputs`: the labels of its outputs, by which the last layer is matched. One that the stored
    model counts within another starts as a copy of that: squamous cell carcinoma as actinic
    keratosis.

    Raises BadNetwork, and leaves the network untouched, where the folder holds another
    architecture, other outputs, or two files that do not belong together.
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
    """For each output the column of the stored model that it starts as."""
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
    """The kernel of every convolution and Dense layer, with its axes in Keras's order."""
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
