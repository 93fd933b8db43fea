"""The four architectures, and where each is cut into a frozen and a trained part."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import keras

from skinapi.vision.network.tensor import Scaling

# How much smaller than the input the last feature map is, in each of the four architectures.
STRIDE = 32

Depth = Literal["head", "last-blocks", "deeper-blocks", "whole"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """`cuts` names, for each depth of training, the last layer that stays frozen."""

    build: Callable[..., keras.Model]
    scaling: Scaling
    cuts: Mapping[Depth, str]


def _cuts(head: str, last: str, deeper: str) -> dict[Depth, str]:
    return {"head": head, "last-blocks": last, "deeper-blocks": deeper}


ARCHITECTURES: Mapping[str, Architecture] = {
    "ResNet50": Architecture(
        keras.applications.ResNet50,
        Scaling.CAFFE,
        _cuts("conv5_block3_out", "conv4_block6_out", "conv3_block4_out"),
    ),
    "DenseNet169": Architecture(
        keras.applications.DenseNet169, Scaling.TORCH, _cuts("relu", "pool4_pool", "pool3_pool")
    ),
    "MobileNetV2": Architecture(
        keras.applications.MobileNetV2,
        Scaling.TF,
        _cuts("out_relu", "block_12_add", "block_5_add"),
    ),
    "EfficientNetB3": Architecture(
        keras.applications.EfficientNetB3,
        Scaling.RAW,
        _cuts("top_activation", "block5e_add", "block3c_add"),
    ),
}


def build_network(
    architecture: str, *, outputs: int, side: int | None, dropout: float = 0.0
) -> keras.Model:
    """A network with random weights: trunk, global average pooling, dropout, and logits in float32.

    With `side` None it accepts squares of any size. For a multiple of STRIDE its outputs equal
    those of a network built for that side; for other sides some architectures pad differently.
    """
    known = ARCHITECTURES[architecture]
    trunk = known.build(include_top=False, weights=None, input_shape=(side, side, 3))
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.Normalization):
            # Keras numbers it anew in each network, and weights are stored by layer name.
            layer.name = "normalization"
    features = trunk.get_layer(known.cuts["head"]).output
    # The head computes in float32 under any policy: bfloat16 is too coarse for logits.
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled", dtype="float32")(features)
    kept = keras.layers.Dropout(dropout, name="dropout", dtype="float32")(pooled)
    logits = keras.layers.Dense(outputs, name="logits", dtype="float32")(kept)
    return keras.Model(trunk.inputs, logits, name=architecture.lower())


def build_tail(network: keras.Model, cut: str) -> keras.Model:
    """The part of the network after this layer, sharing its weights."""
    return keras.Model(network.get_layer(cut).output, network.output, name=f"{network.name}_tail")


def build_trunk(network: keras.Model, cut: str) -> keras.Model:
    """The part of the network up to this layer, sharing its weights."""
    return keras.Model(network.inputs, network.get_layer(cut).output, name=f"{network.name}_trunk")


def freeze_below(network: keras.Model, cut: str | None) -> None:
    """Freezes all layers up to the cut, batch statistics included; None unfreezes all layers."""
    frozen = cut is not None
    for layer in network.layers:
        layer.trainable = not frozen
        if layer.name == cut:
            frozen = False


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Networks built inside this context compute in this dtype policy; weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
