"""The one way from a picture to the numbers a network reads: training, evaluation and serving all call it."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Tensor = NDArray[np.float32]

_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
_TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_TORCH_STD = np.array([0.229, 0.224, 0.225], np.float32)


class Scaling(StrEnum):
    """What a network expects of its pixels; the words are those of keras.applications."""

    CAFFE = "caffe"
    TORCH = "torch"
    TF = "tf"
    RAW = "raw"


def make_tensor(picture: Image.Image, *, side: int, scaling: Scaling) -> Tensor:
    """The whole picture, squeezed to side x side, as height x width x channel.

    Nothing is cropped away, so a cell of the heat map always has its place on the photograph.
    """
    pixels = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return scale_pixels(np.asarray(pixels, np.float32), scaling)


def scale_pixels(pixels: Tensor, scaling: Scaling) -> Tensor:
    """RGB values 0..255 in the units that the network was trained on."""
    if scaling is Scaling.CAFFE:
        return pixels[..., ::-1] - _CAFFE_MEAN_BGR
    if scaling is Scaling.TORCH:
        return (pixels / np.float32(255.0) - _TORCH_MEAN) / _TORCH_STD
    if scaling is Scaling.TF:
        return pixels / np.float32(127.5) - np.float32(1.0)
    return pixels
