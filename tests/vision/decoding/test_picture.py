"""Bytes become an upright RGB picture, or a refusal; a picture becomes numbers in one way."""

import io

import numpy as np
import pytest
from PIL import Image

from skinapi.errors import UnreadablePicture
from skinapi.vision.decoding.picture import open_picture
from skinapi.vision.network.tensor import Scaling, make_tensor, scale_pixels, view_box
from tests.vision.decoding.hostile import png


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def test_an_exif_rotation_is_obeyed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (60, 40), "red")
    assert open_picture(encoded(wide, "JPEG", exif=exif)).size == (40, 60)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    format_ = "JPEG" if mode == "CMYK" else "PNG"
    assert open_picture(encoded(Image.new(mode, (8, 8)), format_)).mode == "RGB"


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        open_picture(content)


def test_a_cut_off_picture_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with pytest.raises(UnreadablePicture):
        open_picture(encoded(Image.fromarray(noise), "JPEG")[:-400])


def test_a_format_that_we_do_not_take_is_refused() -> None:
    with pytest.raises(UnreadablePicture):
        open_picture(encoded(Image.new("RGB", (8, 8)), "GIF"))


def test_a_decompression_bomb_is_refused() -> None:
    """Refused by its header: the pixels are never there."""
    with pytest.raises(UnreadablePicture):
        open_picture(png(20_000, 20_000, depth=1, kind=0))


def test_the_network_sees_the_central_square() -> None:
    wide = Image.new("RGB", (400, 160), "white")
    assert view_box(wide) == (136.0, 16.0, 264.0, 144.0)
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
