"""Float16 storage of weights, with the same values in Keras and in the served network.

The served network has each batch normalisation multiplied into the convolution before it, and
stores this product. So the product is rounded to float16, and the Keras kernel becomes the rounded
product divided by the scale. Rounding the Keras kernel instead would round twice.
"""

from collections.abc import Iterator, Mapping

import keras
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from skinapi.learning.train.weights.batch_norm import norm_after, norm_scale

Array = NDArray[np.float32]


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
    """Rounds the kernels in place; a float16 export afterwards changes nothing more."""
    set_folded_kernels(network, folded_kernels(network))


def store_as_float16(served: ov.Model) -> None:
    """Stores every kernel of the graph as float16, with a conversion to float32 after it.

    Vectors stay float32: they take little room.
    """
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
    """Every layer with a kernel, and the scale that the export multiplies into it."""
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
