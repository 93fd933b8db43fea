"""A fifth architecture for the tests: four small convolutions, one of them depthwise, trained in
seconds. It has more features than the directions that count as familiar: otherwise nothing would be
strange.
"""

from typing import Any

import keras

from skinapi.learning.train.networks import Architecture
from skinapi.model.network.picture import Scaling

layers = keras.layers
NAME = "Tiny"


def build_tiny(*, input_shape: tuple[int, ...], **_: Any) -> keras.Model:
    inputs = keras.Input(input_shape)
    first = _rectify(layers.Conv2D(8, 3, strides=2, padding="same", name="first")(inputs), "first")
    wide = layers.DepthwiseConv2D(3, strides=2, padding="same", name="by_depth")(first)
    early = _rectify(layers.Conv2D(16, 1, name="early")(_rectify(wide, "by_depth")), "early")
    late = _rectify(layers.Conv2D(24, 3, strides=2, padding="same", name="late")(early), "late")
    return keras.Model(inputs, _rectify(layers.Conv2D(64, 1, name="last")(late), "last"))


def _rectify(tensor: keras.KerasTensor, name: str) -> keras.KerasTensor:
    normal = layers.BatchNormalization(name=f"{name}_bn")(tensor)
    return layers.ReLU(name=f"{name}_out")(normal)


TINY = Architecture(build_tiny, Scaling.TF, features="last_out")
