"""Stress test: how much worse a model is on degraded pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from skinapi.learning.data.augmentation import mirror_edges
from skinapi.learning.data.degradation import (
    Change,
    add_noise,
    add_vignette,
    compress_jpeg,
    scale_light,
    seed_from,
)
from skinapi.learning.data.samples import Sample, subsample
from skinapi.learning.measure.comparison import GAINS, compare_predictions
from skinapi.learning.measure.predictions import Predictions, predict, run_model
from skinapi.learning.progress import Report
from skinapi.model.network.model import Model

MOST_OF_A_CLASS = 150
HAIRS = 12
GRAIN = 10.0
# How strongly melanin absorbs red, green and blue light, relative to blue.
MELANIN = np.array([0.5, 0.75, 1.0])
DARKER_SKIN, LIGHTER_SKIN = 0.6, -0.25
WARM_LIGHT = np.array([1.06, 1.0, 0.9])
BLUISH_LIGHT = np.array([0.75, 0.95, 1.2])


def measure_stress(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> dict[str, dict[str, Any]]:
    """For each kind of degradation: metrics, their change from the untouched pictures, and the
    share that serving would refuse. Uses at most MOST_OF_A_CLASS pictures of a class.
    """
    # Each degradation runs the model on all pictures, so a sample must do.
    samples = subsample(samples, most=MOST_OF_A_CLASS, by=lambda sample: sample.label)
    plain = predict(model, run_model(model, samples, report=report))
    rows = {"untouched": _row(plain, plain)}
    for name, change in STRESSES.items():
        outputs = run_model(model, samples, report=report, change=change)
        rows[name] = _row(plain, predict(model, outputs))
    return rows


def _row(plain: Predictions, predictions: Predictions) -> dict[str, Any]:
    row: dict[str, Any] = {
        "n": len(predictions.samples),
        "refused": float(predictions.refused.mean()),
    }
    for name, difference in compare_predictions(plain, predictions, GAINS).items():
        row[name] = difference.second
        row[f"{name}_change"] = difference.second - difference.first
        row[f"{name}_change_interval"] = [difference.low, difference.high]
    return row


def _brightness(factor: float) -> Change:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def _blur(share: float) -> Change:
    """Gaussian blur; its radius is a share of the shorter side."""
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(share * min(picture.size)))


def _jpeg(quality: int) -> Change:
    return lambda picture: compress_jpeg(picture, quality)


def _crop(share: float) -> Change:
    """Crops around the centre; more than 1 imitates a greater distance, with mirrored skin."""

    def change(picture: Image.Image) -> Image.Image:
        across, down = (round(side * (share - 1) / 2) for side in picture.size)
        if share <= 1:
            return picture.crop((-across, -down, picture.width + across, picture.height + down))
        wider = np.pad(np.asarray(picture), ((down, down), (across, across), (0, 0)), "reflect")
        return Image.fromarray(wider)

    return change


def add_hairs(picture: Image.Image) -> Image.Image:
    """Draws dark arcs across the whole picture; the same picture always gets the same ones."""
    random = seed_from(picture)
    haired = picture.copy()
    pen = ImageDraw.Draw(haired)
    width = max(1, round(min(picture.size) / 128))
    for _ in range(HAIRS):
        x, y = random.uniform(0, 1, 2) * picture.size
        reach = random.uniform(0.3, 1.2) * min(picture.size)
        start = random.uniform(0, 360)
        shade = int(random.integers(15, 60))
        box = (x - reach, y - reach, x + reach, y + reach)
        pen.arc(box, start, start + random.uniform(30, 90), (shade, shade // 2, shade // 3), width)
    return haired


def _add_noise(picture: Image.Image) -> Image.Image:
    return add_noise(picture, GRAIN, seed_from(picture))


def _filter(colour: NDArray[np.floating]) -> Change:
    return lambda picture: scale_light(picture, colour)


def _melanin(density: float) -> Change:
    """Adds a film of melanin over everything, or removes some: a colour transform, no real skin."""
    return _filter(np.exp(-density * MELANIN))


def _imitate_phone(picture: Image.Image) -> Image.Image:
    """Imitates a phone: warm light, more colour and contrast, sharpened, compressed."""
    warm = _filter(WARM_LIGHT)(picture)
    vivid = ImageEnhance.Contrast(ImageEnhance.Color(warm).enhance(1.3)).enhance(1.15)
    return compress_jpeg(vivid.filter(ImageFilter.UnsharpMask(2, 80)), 60)


def _rotate(picture: Image.Image, angle: float) -> Image.Image:
    """Rotates by any angle, with mirrored skin in the corners.

    Not `rotate_picture`: it turns the other way and rounds a few pixels otherwise, which would
    change figures that older models were measured with.
    """
    pixels, edge = mirror_edges(picture)
    rotated = Image.fromarray(pixels).rotate(angle, Image.Resampling.BILINEAR)
    return rotated.crop((edge, edge, edge + picture.width, edge + picture.height))


STRESSES: Mapping[str, Change] = {
    "darker by 40 %": _brightness(0.6),
    "brighter by 40 %": _brightness(1.4),
    "slightly blurred": _blur(0.005),
    "blurred": _blur(0.012),
    "JPEG quality 40": _jpeg(40),
    "JPEG quality 15": _jpeg(15),
    "turned by 45 degrees": lambda picture: _rotate(picture, 45),
    "upside down": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    "hairs drawn over": add_hairs,
    "grainy": _add_noise,
    "in bluish light": _filter(BLUISH_LIGHT),
    "through a tube": lambda picture: add_vignette(picture, radius=0.4, edge=0.03),
    "cropped to 80 %": _crop(0.8),
    "from farther away": _crop(1.25),
    "like a phone": _imitate_phone,
    "darker skin (colour transform)": _melanin(DARKER_SKIN),
    "lighter skin (colour transform)": _melanin(LIGHTER_SKIN),
}
