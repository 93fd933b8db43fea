"""How far the scores and the band move when a picture is saved once more or cut a little smaller.

    python -m bench.steadiness --model DIR --images DIR [--split FILE --part validation]

`STEP_LOG_ODDS` of `skinapi/model/bands.py` is the change that 99 of 100 scores stay below, on
validation pictures that are saved once more at quality 95; so is `NEARLY_UNLIKE` of
`skinapi/model/assessment.py`. The test part is for one reading.
"""

import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from bench.refusal_limits import choose_pictures, options_of
from skinapi.model.assessment import Assessment, assess
from skinapi.model.bands import log_odds, threshold_scores, urgency
from skinapi.model.calibration import measure_unlike
from skinapi.model.context import Context
from skinapi.model.decoding.photo import read_photo
from skinapi.model.network.model import Model, open_model

# A score counts as near its threshold within this distance, in log odds.
NEAR = 1.0
SHARES = (0.5, 0.9, 0.95, 0.99)


def saved_again(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def without_edge(picture: Image.Image) -> bytes:
    """Cut one percent from each side."""
    across, along = (round(side / 100) for side in picture.size)
    box = (across, along, picture.width - across, picture.height - along)
    return saved_again(picture.crop(box), 95)


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "quality 95": lambda picture: saved_again(picture, 95),
    "quality 90": lambda picture: saved_again(picture, 90),
    "without its edge": without_edge,
}


def assess_contents(
    model: Model, contents: Iterable[bytes]
) -> tuple[list[Assessment], list[dict[str, float]]]:
    """Return each assessment, and its distance beyond the limits for dermoscopic pictures."""
    read = model.read([read_photo(content).pixels for content in contents])
    beyond = [
        measure_unlike(
            model.calibration, model.calibration.dermoscopic, logits=logits, pooled=pooled
        )
        for logits, pooled in zip(read.logits, read.pooled, strict=True)
    ]
    assessments = [
        assess(
            model.calibration, labels=model.labels, logits=logits, pooled=pooled, context=Context()
        )
        for logits, pooled in zip(read.logits, read.pooled, strict=True)
    ]
    return assessments, beyond


def score_changes(model: Model, before: Assessment, after: Assessment) -> list[float]:
    """Return how far the scores near their thresholds moved, in log odds."""
    if before.calibrated_as is not after.calibrated_as:
        return []
    calibration = model.calibration
    limits = calibration.for_modality(before.calibrated_as).limits(calibration.operating_point)
    scores, moved = threshold_scores(before.probabilities), threshold_scores(after.probabilities)
    return [
        abs(log_odds(moved[name]) - log_odds(score))
        for name, score in scores.items()
        if abs(log_odds(score) - log_odds(limits[name])) < NEAR
    ]


def main() -> None:
    options = options_of(__doc__)
    model, paths = open_model(options.model), choose_pictures(options)
    changes: dict[str, list[float]] = {name: [] for name in CHANGES}
    steps: dict[str, Counter[int]] = {name: Counter() for name in CHANGES}
    unlike: dict[str, list[float]] = {}
    for path in paths:
        picture = Image.open(path).convert("RGB")
        contents = [path.read_bytes(), *(change(picture) for change in CHANGES.values())]
        (before, *others), (limits, first, *_) = assess_contents(model, contents)
        for name, excess in limits.items():  # CHANGES begins with quality 95
            unlike.setdefault(name, []).append(abs(first[name] - excess))
        for name, after in zip(CHANGES, others, strict=True):
            changes[name] += score_changes(model, before, after)
            steps[name][abs(urgency(before.band) - urgency(after.band))] += 1
    _show(changes, steps, unlike, len(paths))


def _show(
    changes: dict[str, list[float]],
    steps: dict[str, Counter[int]],
    unlike: dict[str, list[float]],
    total: int,
) -> None:
    lines = [f"{total} pictures; log odds of scores near a threshold, at {SHARES}"]
    for name, moved in changes.items():
        levels = " ".join(f"{level:.3f}" for level in np.quantile(moved, SHARES))
        by_steps = ", ".join(f"{count} by {step}" for step, count in sorted(steps[name].items()))
        lines.append(f"  {name:18} {len(moved):5} scores: {levels}; bands moved: {by_steps}")
    for name, moved in unlike.items():
        levels = " ".join(f"{level:.3f}" for level in np.quantile(moved, SHARES))
        lines.append(f"  {name} (unlike the training), quality 95: {levels}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
