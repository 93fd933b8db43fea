"""Fuses each convolution with the batch normalisation after it, for training on CPUs.

The statistics are frozen while fused. Training takes half the time: on CPUs the normalisations cost
as much as the convolutions.
"""

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Larger scales are split between kernel and layer, see `_excess`.
LARGEST_SCALE = 4.0


class FusedConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution that multiplies a constant scale, that of the normalisation, into its kernel.

    It trains the unscaled kernel. An optimizer step so has the same effect as in the original
    network; on a pre-multiplied kernel it would not.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.scale = self.add_weight(name="scale", shape=(self.filters,), trainable=False)

    def convolution_op(
        self, inputs: keras.KerasTensor, kernel: keras.KerasTensor
    ) -> keras.KerasTensor:
        return super().convolution_op(inputs, kernel * self.scale)


class FoldedNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Passes its input on, in place of a normalisation that was fused.

    Not keras.layers.Identity: the cloned graph calls it with the arguments of a normalisation.
    """

    def call(self, inputs: keras.KerasTensor, **_: object) -> keras.KerasTensor:
        return inputs


def fuse(network: keras.Model) -> keras.Model:
    """A copy with the same outputs in which each normalisation after a convolution is fused."""
    pairs = _pairs(network)
    gone = {norm.name for norm in pairs.values()}

    def twin_of(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer in pairs:
            return FusedConv2D.from_config({**config, "use_bias": True})
        if layer.name in gone:
            return FoldedNormalization(name=layer.name, dtype=config["dtype"])
        return type(layer).from_config(config)

    fused = keras.models.clone_model(network, clone_function=twin_of)
    for layer in _remaining_layers(network, gone):
        weights = layer.get_weights()
        if layer in pairs:
            norm = pairs[layer]
            _, beta, mean, _ = norm.get_weights()
            scale = norm_scale(norm)
            excess = _excess(scale)
            weights = [weights[0] * excess, beta + (_bias(layer) - mean) * scale, scale / excess]
        fused.get_layer(layer.name).set_weights(weights)
    return fused


def unfuse(fused: keras.Model, network: keras.Model) -> None:
    """Copies the weights of a fused copy back: kernels, and biases as the normalisations' beta."""
    pairs = _pairs(network)
    for layer in _remaining_layers(network, {norm.name for norm in pairs.values()}):
        weights = fused.get_layer(layer.name).get_weights()
        if layer in pairs:
            norm = pairs[layer]
            kernel, shift, _ = weights
            gamma, _, mean, variance = norm.get_weights()
            scale = norm_scale(norm)
            norm.set_weights([gamma, shift - (_bias(layer) - mean) * scale, mean, variance])
            weights = [kernel / _excess(scale), *layer.get_weights()[1:]]
        layer.set_weights(weights)


def norm_after(layer: keras.Layer) -> keras.Layer | None:
    """The batch normalisation after this layer; None where anything else reads the layer too."""
    readers = {node.operation for node in layer._outbound_nodes}
    norm = next(iter(readers), None)
    alone = len(readers) == 1 and isinstance(norm, keras.layers.BatchNormalization)
    return norm if alone else None


def norm_scale(norm: keras.Layer) -> Array:
    """The factor that a normalisation multiplies into each channel."""
    gamma, _, _, variance = (np.asarray(value, np.float32) for value in norm.get_weights())
    return np.asarray(gamma / np.sqrt(variance + np.float32(norm.epsilon)), np.float32)


def _excess(scale: Array) -> Array:
    """The part of a scale that goes into the kernel itself, so that LARGEST_SCALE is left.

    A channel that hardly varied in training has a scale of a hundred or more: each optimizer step
    would change its output a hundred times as much.
    """
    return np.maximum(np.float32(1.0), np.abs(scale) / np.float32(LARGEST_SCALE))


def _pairs(network: keras.Model) -> dict[keras.Layer, keras.Layer]:
    """Each convolution with a normalisation after it, and that normalisation."""
    plain = [layer for layer in network.layers if type(layer) is keras.layers.Conv2D]
    behind = {layer: norm_after(layer) for layer in plain}
    return {layer: norm for layer, norm in behind.items() if norm is not None}


def _remaining_layers(network: keras.Model, gone: set[str]) -> list[keras.Layer]:
    return [layer for layer in network.layers if layer.weights and layer.name not in gone]


def _bias(layer: keras.Layer) -> Array:
    return np.asarray(layer.get_weights()[1] if layer.use_bias else 0.0, np.float32)
