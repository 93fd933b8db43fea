"""Makes a Keras network servable: finds its last feature map, pooled features and logits."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from skinapi.errors import WrongNetworkHead, WrongNetworkInput
from skinapi.vision.network.engine import Head

EXPECTED_INPUT = "one square RGB picture, height x width x 3"
EXPECTED_HEAD = (
    "global average pooling of a feature map, then one Dense, "
    "or one Dense with ReLU and one Dense; dropout in between and a softmax at the end are fine"
)


@dataclass(frozen=True, slots=True)
class Servable:
    """A network with the three outputs that serving needs: logits, last feature map, pooled
    features.
    """

    network: keras.Model
    head: Head
    side: int
    outputs: int


def make_servable(network: keras.Model, *, side: int | None = None) -> Servable:
    """The same network with the outputs that serving needs.

    Raises WrongNetworkInput or WrongNetworkHead, which say what is expected.
    """
    known_side = _require_input(network, side)
    dense, pooling = _walk_head(network)
    if isinstance(pooling, keras.Model):
        inside = _input_of(pooling.layers[-1], pooling)
        inner = keras.Model(pooling.inputs[0], [inside, pooling.outputs[0]])
        feature_map, pooled = inner(_input_of(pooling, network))
    else:
        feature_map, pooled = _input_of(pooling, network), pooling.output
    logits = pooled
    for layer in dense[:-1]:
        logits = keras.layers.ReLU()(_linear(layer)(logits))
    logits = _linear(dense[-1])(logits)
    served = keras.Model(network.inputs[0], [logits, feature_map, pooled], name=network.name)
    weights = [
        np.asarray(value, np.float32) for layer in dense for value in _kernel_and_bias(layer)
    ]
    head = Head(weights[2], weights[0], weights[1]) if len(dense) == 2 else Head(weights[0])
    return Servable(network=served, head=head, side=known_side, outputs=int(logits.shape[-1]))


def _require_input(network: keras.Model, side: int | None) -> int:
    shape: tuple[int | None, ...] = network.inputs[0].shape if len(network.inputs) == 1 else ()
    known = side or (shape[1] if len(shape) == 4 else None)
    fits = (
        len(shape) == 4
        and shape[3] == 3
        and shape[1] in (known, None)
        and shape[2] in (known, None)
    )
    if not fits or known is None:
        found = ", ".join(str(tuple(tensor.shape)) for tensor in network.inputs)
        raise WrongNetworkInput(f"The network's input is {found}; expected is {EXPECTED_INPUT}")
    return int(known)


def _walk_head(network: keras.Model) -> tuple[list[keras.layers.Dense], keras.Layer]:
    """Walks back from the output: the Dense layers in order of use, and the pooling before them."""
    dense: list[keras.layers.Dense] = []
    rectified = False
    for layer in _backwards(network):
        activation = getattr(layer, "activation", None)
        if isinstance(layer, keras.layers.Dense) and len(dense) < 2:
            named = keras.activations.serialize(activation)
            allowed = (
                ("softmax", "linear") if not dense else ("linear",) if rectified else ("relu",)
            )
            if named not in allowed:
                raise _unexpected(layer, f"with the activation {named}")
            dense.insert(0, layer)
        elif _is_pooling(layer) and dense:
            return dense, layer
        elif isinstance(layer, keras.layers.ReLU) or _activation_is(layer, "relu"):
            rectified = bool(dense)
        elif not _is_transparent(layer, at_the_end=not dense):
            raise _unexpected(layer, "")
    raise WrongNetworkHead(
        f"The network has no head that can be served; expected is {EXPECTED_HEAD}"
    )


def _backwards(network: keras.Model) -> Iterator[keras.Layer]:
    if len(network.outputs) != 1:
        raise WrongNetworkHead(
            f"The network has {len(network.outputs)} outputs; expected is one, {EXPECTED_HEAD}"
        )
    tensor = network.outputs[0]
    while True:
        history = tensor._keras_history
        yield history.operation
        before = history.operation._inbound_nodes[history.node_index].input_tensors
        if len(before) != 1:
            return
        tensor = before[0]


def _input_of(wanted: keras.Layer, network: keras.Model) -> keras.KerasTensor:
    """The tensor that the layer reads in this network. Not `wanted.input`: a nested model has an
    input of its own besides.
    """
    tensor = network.outputs[0]
    while True:
        history = tensor._keras_history
        tensor = history.operation._inbound_nodes[history.node_index].input_tensors[0]
        if history.operation is wanted:
            return tensor


def _is_pooling(layer: keras.Layer) -> bool:
    last = layer.layers[-1] if isinstance(layer, keras.Model) else layer
    return isinstance(last, keras.layers.GlobalAveragePooling2D)


def _activation_is(layer: keras.Layer, name: str) -> bool:
    return (
        isinstance(layer, keras.layers.Activation)
        and keras.activations.serialize(layer.activation) == name
    )


def _is_transparent(layer: keras.Layer, *, at_the_end: bool) -> bool:
    """Layers that change nothing in inference; at the very end a softmax too, because serving wants
    logits.
    """
    softmax = isinstance(layer, keras.layers.Softmax) or _activation_is(layer, "softmax")
    return (
        isinstance(layer, keras.layers.Dropout)
        or _activation_is(layer, "linear")
        or (at_the_end and softmax)
    )


def _unexpected(layer: keras.Layer, how: str) -> WrongNetworkHead:
    found = f"{type(layer).__name__} ({layer.name}) {how}".strip()
    return WrongNetworkHead(f"The network's head holds {found}; expected is {EXPECTED_HEAD}")


def _kernel_and_bias(layer: keras.layers.Dense) -> tuple[np.ndarray, np.ndarray]:
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    bias = (
        keras.ops.convert_to_numpy(layer.bias)
        if layer.use_bias
        else np.zeros(kernel.shape[1], np.float32)
    )
    return kernel, bias


def _linear(layer: keras.layers.Dense) -> keras.layers.Dense:
    linear = keras.layers.Dense(layer.units, name=f"{layer.name}_linear", dtype="float32")
    kernel, bias = _kernel_and_bias(layer)
    linear.build((None, kernel.shape[0]))
    linear.set_weights([kernel, bias])
    return linear
