import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import openvino as ov

from skinapi.base.errors import BadNetwork, WrongNetworkHead, WrongNetworkInput, WrongNetworkLabels
from skinapi.learning.train.networks import store_as_float16
from skinapi.model.calibration import ModelCalibration, softmax
from skinapi.model.network.engine import OUTPUTS, BadGraph, OpenVinoEngine, Precision, shared_core
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    HEAD,
    LABELS,
    NETWORK,
    write_checksums,
    write_head,
)
from skinapi.model.network.model_checks import sum_file
from skinapi.model.network.picture import Tensor

# Keras calls the converter by this name, and skinapi/__init__.py keeps OpenVINO from loading it.
del sys.modules["openvino.tools.ovc"]
ov.convert_model = import_module("openvino.tools.ovc").convert_model

LARGEST_DIFFERENCE = 1e-3
BATCH = 16
EXPECTED_INPUT = "one square RGB picture, height x width x 3"
EXPECTED_HEAD = (
    "global average pooling of a feature map, then one Dense, "
    "or one Dense with ReLU and one Dense; dropout in between and a softmax at the end are fine"
)


@dataclass(frozen=True, slots=True)
class Servable:
    network: keras.Model
    head: Head
    side: int
    outputs: int


def make_servable(network: keras.Model, *, side: int | None = None) -> Servable:
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
    """Not `wanted.input`, because a nested model has its own input."""
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
    """Has no effect in inference, or is a softmax at the very end, because serving uses logits."""
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


@contextmanager
def new_model_folder(destination: Path) -> Iterator[Path]:
    """A folder to fill. It is moved to its destination at the end, so that no incomplete model is
    visible.
    """
    if destination.exists():
        raise BadNetwork(f"There is already something at {destination}; name another place")
    destination.parent.mkdir(parents=True, exist_ok=True)
    # In the same parent folder, so that the rename at the end stays on one file system.
    with TemporaryDirectory(prefix=".model-", dir=destination.parent) as workshop:
        folder = Path(workshop) / destination.name
        folder.mkdir()
        yield folder
        folder.rename(destination)


def export_servable(
    servable: Servable, folder: Path, *, labels: Sequence[str], probe: Tensor, float16: bool
) -> float:
    """Return the largest difference from Keras's probabilities for the `probe` inputs."""
    if servable.outputs != len(labels):
        raise WrongNetworkLabels(
            f"The network has {servable.outputs} outputs; expected are {len(labels)}, "
            f"one for each label: {', '.join(labels)}"
        )
    _export(servable.network, folder / NETWORK, float16=float16)
    write_head(servable.head, folder / HEAD)
    _write_json(folder / LABELS, list(labels))
    try:
        difference = measure_difference(servable.network, folder / NETWORK, probe)
    except BadGraph as bad:
        raise BadNetwork(f"The network cannot be served: {bad}") from bad
    # `not <=`, because weights that overflow make it NaN, and a comparison with NaN is false.
    if not difference <= LARGEST_DIFFERENCE:
        raise BadNetwork(f"Served probabilities would differ from Keras's by {difference:.1e}")
    return difference


def _export(network: keras.Model, path: Path, *, float16: bool) -> None:
    with TemporaryDirectory() as workshop:
        exported = Path(workshop) / NETWORK
        network.export(str(exported), format="openvino", verbose=False)
        served = shared_core().read_model(exported)
        # Activations with a custom gradient (swish) add outputs after these three.
        for further in served.outputs[len(OUTPUTS) :]:
            served.remove_result(further.get_node())
        for output, name in zip(served.outputs, OUTPUTS, strict=True):
            output.get_tensor().set_names({name})
        if float16:
            store_as_float16(served)
        ov.save_model(served, path, compress_to_fp16=False)


def measure_difference(network: keras.Model, exported: Path, probe: Tensor) -> float:
    engine = OpenVinoEngine(exported, precision=Precision.F32, streams=1)
    batches = [probe[start : start + BATCH] for start in range(0, len(probe), BATCH)]
    kept = np.concatenate([network.predict_on_batch(batch)[0] for batch in batches])
    served = np.concatenate([engine.infer(batch).logits for batch in batches])
    return float(np.abs(softmax(kept) - softmax(served)).max())


def write_model_files(
    folder: Path, *, card: Mapping[str, Any], calibration: ModelCalibration
) -> str:
    """Return the version. A card without one gets a checksum of the weights and of the view of a
    picture, so that equal versions mean equal answers of the network.
    """
    version = card.get("version") or _name_version(folder, card)
    _write_json(folder / CALIBRATION, calibration.model_dump())
    _write_json(folder / CARD, {"version": version, **card})
    write_checksums(folder)
    return version


def _name_version(folder: Path, card: Mapping[str, Any]) -> str:
    shown = f"{sum_file((folder / NETWORK).with_suffix('.bin'))} {card['seen']}"
    return f"{card['architecture'].lower()}-{sha256(shown.encode()).hexdigest()[:12]}"


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
