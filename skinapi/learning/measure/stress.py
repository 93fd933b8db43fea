"""Stress test on degraded and marked pictures.

Markings are painted in the part that serving shows to the network (`view_box`). They must not
become the answer: in training data pen rings and rulers occur with cancers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from skinapi.learning.data.augmentation import (
    Change,
    RandomChange,
    add_noise,
    compress_jpeg,
    draw_hairs,
    draw_pen_ring,
    draw_ruler,
    draw_tube_edge,
    rotate_picture,
    scale_light,
    seed_from,
)
from skinapi.learning.data.samples import Sample, one_per_lesion, subsample
from skinapi.learning.measure.figures import Figures
from skinapi.learning.measure.predictions import (
    GAINS,
    Predictions,
    ServedResult,
    compare_predictions,
    predict,
    run_model,
    serve_outputs,
)
from skinapi.learning.progress import Report
from skinapi.model.bands import urgency
from skinapi.model.network.model import Model

MOST_OF_A_CLASS = 150
GRAIN = 10.0
# How strongly melanin absorbs red, green and blue light, relative to blue.
MELANIN = np.array([0.5, 0.75, 1.0])
WARM_LIGHT, BLUISH_LIGHT = np.array([1.06, 1.0, 0.9]), np.array([0.75, 0.95, 1.2])


def measure_stress(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> dict[str, Figures]:
    """For each change: metrics of the lesions, their loss compared with the original pictures, the
    share that serving would refuse, and the shares with a more or less urgent band. Uses one
    picture of each lesion, and at most MOST_OF_A_CLASS of a class.
    """
    lesions = one_per_lesion([sample for sample in samples if sample.is_lesion])
    # Each change runs the model on all pictures, so a sample is used.
    chosen = subsample(lesions, most=MOST_OF_A_CLASS, by=lambda sample: sample.label)

    def serve(change: Change | None) -> tuple[Predictions, list[ServedResult]]:
        outputs = run_model(model, chosen, report=report, change=change)
        results = serve_outputs(model, outputs)
        return predict(model, outputs, results), results

    plain = serve(None)
    rows = {"untouched": _row(plain, plain)}
    for name, change in STRESSES.items():
        rows[name] = _row(plain, serve(change))
    return rows


def _row(
    before: tuple[Predictions, list[ServedResult]], after: tuple[Predictions, list[ServedResult]]
) -> Figures:
    # The most urgent band has the lowest place.
    steps = [
        urgency(new.assessment.band) - urgency(old.assessment.band)
        for old, new in zip(before[1], after[1], strict=True)
        if old.refused is None and new.refused is None
    ]
    row: Figures = {
        "n": len(after[0].samples),
        "refused": float(after[0].refused.mean()),
        "band_raised": float(np.mean([step < 0 for step in steps])) if steps else None,
        "band_lowered": float(np.mean([step > 0 for step in steps])) if steps else None,
    }
    for name, difference in compare_predictions(before[0], after[0], GAINS).items():
        row[name] = difference.second
        row[f"{name}_change"] = difference.second - difference.first
        row[f"{name}_change_interval"] = [difference.low, difference.high]
    return row


def _seeded(change: RandomChange) -> Change:
    return lambda picture: change(picture, seed_from(picture))


def _brightness(factor: float) -> Change:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def _blur(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(0.012 * min(picture.size)))


def _melanin(density: float) -> Change:
    """Add or remove a uniform film of melanin: a colour transform, not real skin."""
    return lambda picture: scale_light(picture, np.exp(-density * MELANIN))


def _imitate_phone(picture: Image.Image) -> Image.Image:
    vivid = ImageEnhance.Color(scale_light(picture, WARM_LIGHT)).enhance(1.3)
    sharp = ImageEnhance.Contrast(vivid).enhance(1.15).filter(ImageFilter.UnsharpMask(2, 80))
    return compress_jpeg(sharp, 60)


STRESSES: Mapping[str, Change] = {
    "darker by 40 %": _brightness(0.6),
    "brighter by 40 %": _brightness(1.4),
    "blurred": _blur,
    "JPEG quality 15": lambda picture: compress_jpeg(picture, 15),
    "turned by 45 degrees": lambda picture: rotate_picture(picture, 45),
    "hairs drawn over": _seeded(draw_hairs),
    "grainy": _seeded(lambda picture, random: add_noise(picture, GRAIN, random)),
    "in bluish light": lambda picture: scale_light(picture, BLUISH_LIGHT),
    "like a phone": _imitate_phone,
    "darker skin (colour transform)": _melanin(0.6),
    "lighter skin (colour transform)": _melanin(-0.25),
    "pen ring": _seeded(lambda picture, random: draw_pen_ring(picture, random, (0.28, 0.38))),
    "ruler": _seeded(lambda picture, random: draw_ruler(picture, random, (0.3, 0.36))),
    "dark rim": _seeded(lambda picture, random: draw_tube_edge(picture, random, (0.4, 0.48))),
}
