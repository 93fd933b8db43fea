"""Tests for shortcut learning: how far a marking painted on a nevus changes the finding."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from skinapi.errors import Refused
from skinapi.learning.data.markings import MARKINGS
from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.bands import urgency
from skinapi.vision.classification import classify_photo
from skinapi.vision.context import Context
from skinapi.vision.finding.finding import Finding
from skinapi.vision.network.model import Model

NEVUS = "melanocytic_nevus"


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
