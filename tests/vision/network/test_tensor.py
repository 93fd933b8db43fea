"""A picture becomes numbers in one way, in training as in serving."""

import numpy as np
from PIL import Image

from skinapi.vision.network.tensor import Scaling, make_tensor, scale_pixels, view_box


def test_the_network_sees_the_central_square() -> None:
    wide = Image.new("RGB", (400, 160), "white")
    assert view_box(wide.size) == (136.0, 16.0, 264.0, 144.0)
    wide.paste("black", (150, 0, 250, 160))
    tensor = make_tensor(wide, side=28, scaling=Scaling.RAW)
    assert tensor.shape == (28, 28, 3)
    assert tensor[:, 8:20].max() == 0
    assert tensor[:, 0].min() == 255


def test_scalings_are_those_of_keras_applications() -> None:
    pixel = np.array([[[255.0, 0.0, 127.5]]], np.float32)
    np.testing.assert_allclose(scale_pixels(pixel, Scaling.TF), [[[1, -1, 0]]], atol=1e-6)
    np.testing.assert_allclose(
        scale_pixels(pixel, Scaling.CAFFE), [[[23.561, -116.779, 131.32]]], atol=1e-3
    )
    np.testing.assert_allclose(
        scale_pixels(pixel, Scaling.TORCH), [[[2.2489, -2.0357, 0.4178]]], atol=1e-3
    )
    np.testing.assert_array_equal(scale_pixels(pixel, Scaling.RAW), pixel)
