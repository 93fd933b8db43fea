"""One photo in, one Finding out, or Refused: the whole way, in the order of what it costs."""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from skinapi.vision.bands import choose_band, urgency
from skinapi.vision.calibration import Calibration
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Context, Modality
from skinapi.vision.engine import Reading
from skinapi.vision.finding import Doubt, Finding, Timings, rank, sum_malignant
from skinapi.vision.foreign import measure_hues, refusal_as_foreign
from skinapi.vision.model import Model
from skinapi.vision.photo import Photo, read_photo
from skinapi.vision.quality import Quality, measure_quality
from skinapi.vision.refusals import refuse

# A condition is plausible from a third of the leader's probability on.
PLAUSIBLE_SHARE = 1 / 3
_SEVERITIES = ("High", "Medium", "Low", "None")
UNKNOWN = Context()


@dataclass(frozen=True, slots=True)
class Examined:
    """A photo that is good enough to be judged."""

    photo: Photo
    quality: Quality
    milliseconds: float


def judge_photo(
    model: Model,
    content: bytes,
    context: Context = UNKNOWN,
    *,
    turn: AbstractContextManager[Any] | None = None,
) -> Finding:
    """`turn` is entered for the engine's pass alone: decoding needs no place in its queue."""
    return judge_examined(model, examine_photo(content), context, turn=turn)


def examine_photo(content: bytes) -> Examined:
    """Everything that needs no model: refused here, a photo has cost the engine nothing."""
    started = time.perf_counter()
    photo = read_photo(content)
    quality = measure_quality(photo)
    if quality.reasons:
        raise refuse(quality.reasons[0])
    return Examined(photo, quality, _milliseconds_since(started))


def judge_examined(
    model: Model,
    examined: Examined,
    context: Context = UNKNOWN,
    *,
    turn: AbstractContextManager[Any] | None = None,
) -> Finding:
    started = time.perf_counter()
    with turn or nullcontext():
        entered = time.perf_counter()
        reading = model.read([examined.photo.pixels])
        engine = _milliseconds_since(entered)
    strange = is_strange(reading, model.calibration)
    refused = refusal_as_foreign(measure_hues(examined.photo), examined.quality, strange=strange)
    if refused is not None:
        raise refused
    calibrated = model.calibration.probabilities(reading.logits[0])
    probabilities = dict(zip(model.labels, calibrated.tolist(), strict=True))
    reasons = find_doubts(probabilities, strange=strange, closest=model.calibration.too_close)
    stated = state(probabilities, uncertain=bool(reasons))
    band, raised_by = choose_band(
        probabilities=probabilities,
        thresholds=model.calibration.thresholds,
        context=context,
        uncertain=bool(reasons),
    )
    ranked = rank(probabilities)
    return Finding(
        ranked=ranked,
        stated=stated,
        malignant_score=sum_malignant(ranked),
        band=band,
        raised_by=raised_by,
        uncertain=bool(reasons),
        reasons=reasons,
        quality=examined.quality,
        not_dermoscopic=context.modality is not Modality.DERMOSCOPIC,
        checklist_score=context.checklist_score,
        heat=_draw_heat(model, reading, stated),
        model_version=model.version,
        timings=Timings(
            decode=examined.milliseconds,
            engine=engine,
            total=round(examined.milliseconds + _milliseconds_since(started), 2),
        ),
    )


def is_strange(reading: Reading, calibration: Calibration) -> bool:
    """Unlike what the network was trained on, by its features or because nothing is recognised."""
    floor, familiar = calibration.unlike_training, calibration.familiar
    unknown = floor is not None and calibration.energy(reading.logits)[0] < floor
    far = familiar is not None and familiar.measure(reading.pooled)[0] > familiar.limit
    return bool(unknown or far)


def find_doubts(
    probabilities: Mapping[str, float], *, strange: bool, closest: float
) -> tuple[Doubt, ...]:
    first, second, *_ = sorted(probabilities.values(), reverse=True)
    doubted = {Doubt.TOO_CLOSE: first - second < closest, Doubt.UNLIKE_TRAINING: strange}
    return tuple(doubt for doubt, holds in doubted.items() if holds)


def state(probabilities: Mapping[str, float], *, uncertain: bool) -> str:
    """The most probable condition; in doubt, the most severe of those that are plausible."""
    highest = max(probabilities.values())
    least = PLAUSIBLE_SHARE * highest if uncertain else highest
    table = conditions_table()

    def gravity(key: str) -> tuple[int, int, float, str]:
        condition = table.by_key(key)
        return (
            _SEVERITIES.index(condition.severity),
            urgency(condition.urgency),
            -probabilities[key],
            key,
        )

    return min((key for key, p in probabilities.items() if p >= least), key=gravity)


def _draw_heat(model: Model, reading: Reading, stated: str) -> tuple[tuple[float, ...], ...]:
    heat = model.draw_heat(reading, row=0, output=model.labels.index(stated))
    return tuple(tuple(row) for row in np.round(heat.astype(np.float64), 4).tolist())


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
