"""Tests whether a model looks at the lesion: heat maps by the lesion outline and by blanking cells;
shortcuts by markings painted on nevi.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from skinapi.errors import Refused
from skinapi.learning.data.markings import MARKINGS
from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.bands import urgency
from skinapi.vision.classification import classify_photo
from skinapi.vision.context import Context, Modality
from skinapi.vision.finding.finding import Finding
from skinapi.vision.network.model import Model
from skinapi.vision.network.tensor import Tensor, make_tensor, view_box
from skinapi.vision.outline import SIDE, Mask, find_lesion

BLANKED_SHARE = 0.1
MAX_PICTURES = 300
NEVUS = "melanocytic_nevus"


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


@dataclass(frozen=True, slots=True)
class FindingPair:
    """The findings for a nevus and for the same picture with a marking; None if refused."""

    source: str
    plain: Finding
    marked: Finding | None


def measure_shortcuts(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> dict[str, dict[str, Any]]:
    """For each marking: how it changes the findings of the nevi among the samples.

    Both pictures go through all of serving, from bytes on. Nevi that are refused even without a
    marking are left out. `median_change` is that of the malignant score. A nevus that is refused
    only with the marking counts in `refused` and `band_changed`, and has no score. Several sources
    are also listed under `sources`.
    """
    nevi = [sample for sample in samples if sample.label == NEVUS]
    progress = Progress("markings", len(nevi), report, measures=True)
    pairs: dict[str, list[FindingPair]] = {name: [] for name in MARKINGS}
    for sample in nevi:
        for name, pair in _classify_with_markings(model, sample).items():
            pairs[name].append(pair)
        progress.advance()
    return {name: _describe(found) for name, found in pairs.items()}


def _classify_with_markings(model: Model, sample: Sample) -> dict[str, FindingPair]:
    """The findings by marking; empty where the unmarked picture is refused."""
    picture = open_sample(sample).convert("RGB")
    context = Context(modality=sample.modality)
    plain = _classify(model, picture, context)
    if plain is None:
        return {}
    return {
        name: FindingPair(sample.source, plain, _classify(model, mark(picture), context))
        for name, mark in MARKINGS.items()
    }


def _classify(model: Model, picture: Image.Image, context: Context) -> Finding | None:
    written = BytesIO()
    # PNG for both pictures: JPEG would change the rest of the picture too.
    picture.save(written, "PNG", compress_level=1)
    try:
        return classify_photo(model, written.getvalue(), context)
    except Refused:
        return None


def _describe(pairs: Sequence[FindingPair]) -> dict[str, Any]:
    sources = sorted({pair.source for pair in pairs})
    if len(sources) < 2:
        return _figures(pairs)
    by_source = {
        source: _figures([pair for pair in pairs if pair.source == source]) for source in sources
    }
    return {**_figures(pairs), "sources": by_source}


def _figures(pairs: Sequence[FindingPair]) -> dict[str, Any]:
    both = [(pair.plain, pair.marked) for pair in pairs if pair.marked is not None]
    changes = [marked.malignant_score - plain.malignant_score for plain, marked in both]
    # The most urgent band has the lowest place.
    steps = np.array([urgency(plain.band) - urgency(marked.band) for plain, marked in both])
    n = len(pairs)
    raised, lowered = int((steps > 0).sum()), int((steps < 0).sum())
    refused = n - len(both)

    def share(count: int) -> float | None:
        return count / n if n else None

    return {
        "n": n,
        "median_change": float(np.median(changes)) if changes else None,
        "median_absolute_change": float(np.median(np.abs(changes))) if changes else None,
        "band_changed": share(raised + lowered + refused),
        "band_raised": share(raised),
        "band_lowered": share(lowered),
        "refused": share(refused),
    }
