"""Tests whether heat maps mark what matters: by the lesion outline, and by blanking cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.context import Modality
from skinapi.vision.network.model import Model
from skinapi.vision.network.tensor import Tensor, make_tensor, view_box
from skinapi.vision.outline import SIDE, Mask, find_lesion

BLANKED_SHARE = 0.1
MAX_PICTURES = 300


@dataclass(frozen=True, slots=True)
class HeatMapScore:
    """How well a heat map marks what matters, for one picture.

    - `fall_hottest`, `fall_random`: how far the probability falls when the hottest cells, or
      random ones, are blanked
    - `inside`: share of the heat inside the lesion; `area`: the lesion's share of the picture.
      None where the lesion has no clear outline
    """

    fall_hottest: float
    fall_random: float
    inside: float | None = None
    area: float | None = None


def measure_saliency(model: Model, samples: Sequence[Sample], *, report: Report) -> dict[str, Any]:
    """Mean scores of the heat maps of evenly chosen pictures, each for its most probable class."""
    # Evenly spaced, not random: the same pictures in every run.
    chosen = samples[:: 1 + len(samples) // MAX_PICTURES]
    progress = Progress("heat maps", len(chosen), report, measures=True)
    scores = []
    for row, sample in enumerate(chosen):
        random = np.random.default_rng(row)
        scores.append(score_heat_map(model, open_sample(sample), random, modality=sample.modality))
        progress.advance()
    outlined = [score for score in scores if score.area is not None]
    return {
        "n": len(scores),
        "fall_hottest": float(np.mean([score.fall_hottest for score in scores])),
        "fall_random": float(np.mean([score.fall_random for score in scores])),
        "outlined": len(outlined),
        "heat_inside": float(np.mean([s.inside for s in outlined])) if outlined else None,
        "area_inside": float(np.mean([s.area for s in outlined])) if outlined else None,
    }


def score_heat_map(
    model: Model,
    picture: Image.Image,
    random: np.random.Generator,
    *,
    modality: Modality = Modality.UNKNOWN,
) -> HeatMapScore:
    tensor = make_tensor(picture, side=model.card.side, scaling=model.card.scaling)
    reading = model.engine.infer(tensor[None])
    output = int(reading.logits[0].argmax())
    heat = model.heat_of(reading, row=0, output=output)
    count = max(1, round(BLANKED_SHARE * heat.size))
    cells = (np.argsort(-heat, axis=None)[:count], random.permutation(heat.size)[:count])
    blanked = [blank_cells(tensor, heat.shape, chosen) for chosen in cells]
    logits = np.concatenate([reading.logits, model.engine.infer(np.stack(blanked)).logits])
    whole, hottest, anywhere = model.calibration.of(modality).probabilities(logits)[:, output]
    mask = _find_mask(picture)
    if mask is None or not heat.any():
        return HeatMapScore(float(whole - hottest), float(whole - anywhere))
    inside = (heat * _coverage(mask, heat.shape)).sum() / heat.sum()
    return HeatMapScore(
        float(whole - hottest), float(whole - anywhere), float(inside), float(mask.mean())
    )


def blank_cells(tensor: Tensor, cells: tuple[int, ...], chosen: np.ndarray) -> Tensor:
    """Fills the chosen cells of the heat map with the skin colour, taken from the picture's edge.

    Not with black: a black square would be a new feature of its own.
    """
    edge = np.concatenate([tensor[0], tensor[-1], tensor[:, 0], tensor[:, -1]])
    hidden = np.zeros(cells, bool)
    hidden.flat[chosen] = True
    rows, columns = (
        np.arange(side) * count // side for side, count in zip(tensor.shape[:2], cells, strict=True)
    )
    blanked: Tensor = np.where(
        hidden[rows][:, columns, None], np.median(edge, axis=0), tensor
    ).astype(np.float32)
    return blanked


def _find_mask(picture: Image.Image) -> Mask | None:
    """The lesion's mask in the part that the network is shown, with hairs smoothed away."""
    shown = picture.convert("RGB").resize(
        (SIDE, SIDE), Image.Resampling.BOX, view_box(picture.size)
    )
    smooth = shown.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(1.5))
    return find_lesion(np.asarray(smooth, np.float64))


def _coverage(mask: Mask, cells: tuple[int, ...]) -> Tensor:
    """For each cell the share that is lesion."""
    area = Image.fromarray(mask.astype(np.uint8) * 255).resize(
        (cells[1], cells[0]), Image.Resampling.BOX
    )
    return np.asarray(area, np.float32) / np.float32(255)
