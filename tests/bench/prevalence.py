"""How well probabilities hold where fewer of the lesions are malignant, as calibrated and restated.

    python -m tests.bench.prevalence FOLDER[,modality=...] ... --model DIR [--part test]

Malignant and benign pictures are weighted so that the share is that of `--prevalence`. `pairs` are
lesions of which there is one picture of each kind: restated before they are joined, and after by
the mix of each kind or of the pairs themselves.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import select_part
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import read_split
from skinapi.learning.measure.predictions import ModelOutputs, run_model
from skinapi.vision.calibration.joining import EQUAL
from skinapi.vision.calibration.modality import KNOWN
from skinapi.vision.calibration.prevalence import restate
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model import SHIPPED_MODEL, SPLIT, Model, open_model

BINS = 15
Shares = Mapping[str, float]
Numbers = NDArray[np.float64]
MALIGNANT = conditions_table().malignant_keys


def main(options: argparse.Namespace) -> Iterator[str]:
    model = open_model(options.model)
    sources = load_sources(options.data, skip_unknown_labels=True)
    samples = select_part(sources.samples, read_split(options.model / SPLIT), options.part)
    outputs = run_model(model, samples, report=lambda _: None).where(lambda one: one.is_lesion)
    each = by_picture(model, outputs)
    truth = np.array([sample.label in MALIGNANT for sample in outputs.samples])
    share = options.prevalence / 100
    for kind in KNOWN:
        own = model.calibration.of(kind).malignant_share
        rows = [row for row, one in enumerate(outputs.samples) if one.modality is kind]
        if not rows or own is None:
            continue
        shares, sick = [each[row] for row in rows], truth[rows]
        yield f"{kind}: {len(rows)} pictures, {sick.mean():.3f} malignant; calibrated on {own:.3f}"
        yield f"  as calibrated {describe(shares, sick, share)}"
        restated = [restate(one, calibrated=own, prevalence=share) for one in shares]
        yield f"  restated      {describe(restated, sick, share)}"
    yield from pairs(model, outputs, each, share)


def by_picture(model: Model, outputs: ModelOutputs) -> list[Shares]:
    rows = zip(outputs.samples, outputs.logits, strict=True)
    shares = [model.calibration.of(one.modality).probabilities(logits) for one, logits in rows]
    return [dict(zip(model.labels, one.tolist(), strict=True)) for one in shares]


def pairs(
    model: Model, outputs: ModelOutputs, each: Sequence[Shares], share: float
) -> Iterator[str]:
    groups: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(outputs.samples):
        groups[sample.lesion_key].append(row)
    kinds = [outputs.samples[row].modality for row in range(len(each))]
    both = [
        rows for rows in groups.values() if len(rows) == 2 and len({kinds[r] for r in rows}) == 2
    ]
    mixes = {kind: model.calibration.of(kind).malignant_share for kind in KNOWN}
    if not both or None in mixes.values():
        return
    rule = model.calibration.joining or EQUAL
    sick = np.array([outputs.samples[rows[0]].label in MALIGNANT for rows in both])
    own = {kind: mix or 0.0 for kind, mix in mixes.items()}
    alone = [restate(p, calibrated=own[kinds[r]], prevalence=share) for r, p in enumerate(each)]
    joined = [rule.join([(kinds[r], each[r]) for r in rows]) for rows in both]
    before = [rule.join([(kinds[r], alone[r]) for r in rows]) for rows in both]
    yield f"pairs: {len(both)}, {sick.mean():.3f} malignant"
    yield f"  as calibrated             {describe(joined, sick, share)}"
    yield f"  restated, then joined     {describe(before, sick, share)}"
    named: list[tuple[str, float]] = [*own.items(), ("the pairs", float(sick.mean()))]
    for name, mix in named:
        after = [restate(one, calibrated=mix, prevalence=share) for one in joined]
        yield f"  joined, by {name:14} {describe(after, sick, share)}"


def describe(shares: Sequence[Shares], sick: NDArray[np.bool_], prevalence: float) -> str:
    scores = np.array([sum(p for key, p in one.items() if key in MALIGNANT) for one in shares])
    weights = np.where(sick, prevalence / sick.mean(), (1 - prevalence) / (1 - sick.mean()))
    weights /= weights.sum()
    given = np.clip(np.where(sick, scores, 1 - scores), 1e-9, 1)
    return (
        f"mean score {weights @ scores:.4f}, log loss {-(weights @ np.log(given)):.4f}, "
        f"calibration error {_calibration_error(scores, sick, weights):.4f}"
    )


def _calibration_error(scores: Numbers, sick: NDArray[np.bool_], weights: Numbers) -> float:
    """In bins of equal weight."""
    order = np.argsort(scores)
    bins = np.minimum((np.cumsum(weights[order]) * BINS).astype(int), BINS - 1)
    gaps = weights[order] * (sick[order] - scores[order])
    return float(sum(abs(gaps[bins == one].sum()) for one in range(BINS)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="+", metavar="FOLDER[,modality=...]")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL)
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--prevalence", type=float, default=2.0, help="in percent")
    for line in main(parser.parse_args()):
        sys.stdout.write(f"{line}\n")
