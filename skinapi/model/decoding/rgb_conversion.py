"""Converts an opened picture to RGB at a fraction of its scale. Needs only Pillow."""

from collections.abc import Callable, Iterator

from PIL import Image

# Colours are converted in bands of about this many pixels: converting the whole picture at once
# would hold several copies of it in memory.
BAND_PIXELS = 256 * 1024
LARGEST_FACTOR = 8


def to_rgb(picture: Image.Image, factor: int) -> Image.Image:
    """The pixels as RGB, with both sides divided by `factor` (1, 2, 4 or 8) and rounded up."""
    picture.load()
    width, height = picture.size
    pixels = Image.new("RGB", (-(-width // factor), -(-height // factor)), None)
    top = 0
    for band in rgb_bands(picture, factor):
        pixels.paste(band, (0, top))
        top += band.height
    return pixels


def rgb_bands(picture: Image.Image, factor: int) -> Iterator[Image.Image]:
    """The pixels of `to_rgb` in bands of full width, from the top."""
    picture.load()
    convert = _conversion_of(picture)
    width, height = picture.size
    # A multiple of every factor, so that no cell of the reduced picture is cut in two.
    rows = LARGEST_FACTOR * max(1, BAND_PIXELS // (LARGEST_FACTOR * width))
    if height <= rows:
        yield convert(picture, factor)
        return
    for top in range(0, height, rows):
        yield convert(picture.crop((0, top, width, min(top + rows, height))), factor)


def _conversion_of(picture: Image.Image) -> Callable[[Image.Image, int], Image.Image]:
    if picture.mode.startswith("I"):
        return _from_sixteen_bits
    if picture.has_transparency_data:
        return _over_white
    return _from_palette if picture.mode in ("1", "P") else _from_colours


def _from_sixteen_bits(band: Image.Image, factor: int) -> Image.Image:
    """Keep the upper eight bits. Pillow's own conversion would clip all values above 255."""
    upper = band.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return upper.reduce(factor).convert("RGB")


def _over_white(band: Image.Image, factor: int) -> Image.Image:
    seen = band.convert("RGBA").reduce(factor)
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def _from_palette(band: Image.Image, factor: int) -> Image.Image:
    return band.convert("RGB").reduce(factor)


def _from_colours(band: Image.Image, factor: int) -> Image.Image:
    return as_rgb(band.reduce(factor) if factor > 1 else band)


def as_rgb(picture: Image.Image) -> Image.Image:
    """The picture as RGB; itself where it is that already, of which `convert` makes a copy."""
    return picture if picture.mode == "RGB" else picture.convert("RGB")
