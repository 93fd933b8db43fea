"""Tests whether a model looks at the lesion: heat maps by the lesion outline and by blanking cells;
shortcuts by markings painted on nevi.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from skinapi.base.errors import Refused
from skinapi.learning.data.degradation import MARKINGS
from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.model.bands import urgency
from skinapi.model.classification import classify_photo
from skinapi.model.context import Context, Modality
from skinapi.model.finding.finding import Finding
from skinapi.model.network.model import Model
from skinapi.model.network.tensor import Tensor, make_tensor, view_box
from skinapi.model.outline import SIDE, Mask, find_lesion

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
    progress = Progress("heat maps", len(chosen), report)
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
    progress = Progress("markings", len(nevi), report)
    changes: list[dict[str, Any]] = []
    for sample in nevi:
        changes += _compare_markings(model, sample)
        progress.advance()
    table = pd.DataFrame(changes, columns=["marking", "source", "refused", "score", "steps"])
    return {name: _describe(table[table["marking"] == name]) for name in MARKINGS}


def _compare_markings(model: Model, sample: Sample) -> Iterator[dict[str, Any]]:
    """What each marking changes; nothing where the unmarked picture is refused."""
    picture = open_sample(sample).convert("RGB")
    context = Context(modality=sample.modality)
    plain = _classify(model, picture, context)
    if plain is None:
        return
    for name, mark in MARKINGS.items():
        marked = _classify(model, mark(picture), context)
        yield {
            "marking": name,
            "source": sample.source,
            "refused": marked is None,
            "score": marked.malignant_score - plain.malignant_score if marked else np.nan,
            # The most urgent band has the lowest place.
            "steps": urgency(plain.band) - urgency(marked.band) if marked else 0,
        }


def _classify(model: Model, picture: Image.Image, context: Context) -> Finding | None:
    written = BytesIO()
    # PNG for both pictures: JPEG would change the rest of the picture too.
    picture.save(written, "PNG", compress_level=1)
    try:
        return classify_photo(model, written.getvalue(), context)
    except Refused:
        return None


def _describe(changes: pd.DataFrame) -> dict[str, Any]:
    figures = _figures(changes)
    by_source = {source: _figures(own) for source, own in changes.groupby("source")}
    return figures | ({"sources": by_source} if len(by_source) > 1 else {})


def _figures(changes: pd.DataFrame) -> dict[str, Any]:
    scores, steps, refused = changes["score"].dropna(), changes["steps"], changes["refused"]
    shares = {
        "band_changed": (steps != 0) | refused,
        "band_raised": steps > 0,
        "band_lowered": steps < 0,
        "refused": refused,
    }
    return {
        "n": len(changes),
        "median_change": float(scores.median()) if len(scores) else None,
        "median_absolute_change": float(scores.abs().median()) if len(scores) else None,
        **{name: float(hit.mean()) if len(hit) else None for name, hit in shares.items()},
    }
