from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from skinapi.model.network.picture import Scaling

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Architecture:
    build: Callable[..., keras.Model]
    scaling: Scaling
    features: str


ARCHITECTURES: Mapping[str, Architecture] = {
    "ResNet50": Architecture(keras.applications.ResNet50, Scaling.CAFFE, "conv5_block3_out"),
    "DenseNet169": Architecture(keras.applications.DenseNet169, Scaling.TORCH, "relu"),
    "MobileNetV2": Architecture(keras.applications.MobileNetV2, Scaling.TF, "out_relu"),
    "EfficientNetB3": Architecture(
        keras.applications.EfficientNetB3, Scaling.RAW, "top_activation"
    ),
}


def build_network(
    architecture: str, *, outputs: int, side: int, dropout: float = 0.0
) -> keras.Model:
    known = ARCHITECTURES[architecture]
    trunk = known.build(include_top=False, weights=None, input_shape=(side, side, 3))
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.Normalization):
            # Keras numbers it anew in each network, and weights are stored by layer name.
            layer.name = "normalization"
    features = trunk.get_layer(known.features).output
    # The head computes in float32 under any policy: bfloat16 is too coarse for logits.
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled", dtype="float32")(features)
    kept = keras.layers.Dropout(dropout, name="dropout", dtype="float32")(pooled)
    logits = keras.layers.Dense(outputs, name="logits", dtype="float32")(kept)
    return keras.Model(trunk.inputs, logits, name=architecture.lower())


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """The dtype policy of computations in networks built in this context. Weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def norm_after(layer: keras.Layer) -> keras.Layer | None:
    readers = {node.operation for node in layer._outbound_nodes}
    norm = next(iter(readers), None)
    alone = len(readers) == 1 and isinstance(norm, keras.layers.BatchNormalization)
    return norm if alone else None


def norm_scale(norm: keras.Layer) -> Array:
    gamma, _, _, variance = (np.asarray(value, np.float32) for value in norm.get_weights())
    return np.asarray(gamma / np.sqrt(variance + np.float32(norm.epsilon)), np.float32)


def folded_kernels(network: keras.Model) -> dict[str, NDArray[np.float16]]:
    """Layer name -> its kernel as served: multiplied by the scale, rounded to float16."""
    return {
        layer.name: (np.asarray(layer.get_weights()[0], np.float32) * scale).astype(np.float16)
        for layer, scale in layers_with_kernels(network)
    }


def set_folded_kernels(network: keras.Model, folded: Mapping[str, NDArray[np.float16]]) -> None:
    for layer, scale in layers_with_kernels(network):
        served = folded[layer.name].astype(np.float32)
        # A channel with scale 0 is switched off: any kernel gives the same output.
        kernel = np.divide(served, scale, where=scale != 0, out=np.zeros_like(served))
        layer.set_weights([kernel, *layer.get_weights()[1:]])


def round_to_float16(network: keras.Model) -> None:
    set_folded_kernels(network, folded_kernels(network))


def store_as_float16(served: ov.Model) -> None:
    """Vectors take little space and stay float32."""
    for node in served.get_ops():
        if (
            node.get_type_name() == "Constant"
            and node.get_element_type() == ov.Type.f32
            and len(node.shape) > 1
        ):
            values = node.data
            # Vectors that are shaped for broadcasting, such as 1 x 64 x 1 x 1, stay as they are.
            if values.size > max(values.shape):
                half = ops.convert(ops.constant(values.astype(np.float16)), "f32")
                for target in node.output(0).get_target_inputs():
                    target.replace_source_output(half.output(0))


def layers_with_kernels(network: keras.Model) -> Iterator[tuple[keras.Layer, Array]]:
    for layer in network.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            yield layer, _scale_after(layer)[:, None]
        elif isinstance(layer, keras.layers.Conv2D):
            yield layer, _scale_after(layer)
        elif isinstance(layer, keras.layers.Dense):
            yield layer, np.ones(1, np.float32)


def _scale_after(layer: keras.Layer) -> Array:
    norm = norm_after(layer)
    return np.ones(1, np.float32) if norm is None else norm_scale(norm)
