"""Classifies one photo. The result is a Finding or the error Refused; cheap checks come first."""

import time
from dataclasses import dataclass

import numpy as np

from skinapi.vision.context import Context, Modality
from skinapi.vision.decoding.photo import Photo, read_photo
from skinapi.vision.finding.assessment import assess
from skinapi.vision.finding.finding import Finding, Timings, rank, sum_malignant
from skinapi.vision.measures.quality import Quality, measure_quality
from skinapi.vision.network.engine import EngineOutput
from skinapi.vision.network.model import Model
from skinapi.vision.refusals import Reason, refuse

UNKNOWN = Context()


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A decoded photo of sufficient quality; `milliseconds` is the time that this took."""

    photo: Photo
    quality: Quality
    milliseconds: float


def classify_photo(model: Model, content: bytes, context: Context = UNKNOWN) -> Finding:
    """Classify an uploaded photo. Raises Refused."""
    return classify_prepared(model, prepare_photo(content), context)


def prepare_photo(content: bytes) -> PreparedPhoto:
    """Decode the photo and check its quality. Raises Refused.

    This needs no model, so a photo that is refused here takes no time of the engine.
    """
    started = time.perf_counter()
    photo = read_photo(content)
    quality = measure_quality(photo)
    if quality.reasons:
        raise refuse(quality.reasons[0])
    return PreparedPhoto(photo, quality, _milliseconds_since(started))


def classify_prepared(
    model: Model,
    prepared: PreparedPhoto,
    context: Context = UNKNOWN,
) -> Finding:
    """Classify a photo that `prepare_photo` accepted. Raises Refused if it shows no skin."""
    started = time.perf_counter()
    reading = model.read([prepared.photo.pixels])
    engine = _milliseconds_since(started)
    found = assess(
        model.calibration,
        labels=model.labels,
        logits=reading.logits[0],
        pooled=reading.pooled[0],
        context=context,
    )
    if found.not_skin:
        raise refuse(Reason.NOT_SKIN)
    ranked = rank(found.probabilities)
    return Finding(
        ranked=ranked,
        stated=found.stated,
        malignant_score=sum_malignant(ranked),
        band=found.band,
        raised_by=found.raised_by,
        uncertain=bool(found.reasons),
        reasons=found.reasons,
        quality=prepared.quality,
        not_dermoscopic=found.modality.used != (Modality.DERMOSCOPIC,),
        checklist_score=context.checklist_score,
        heat=_draw_heat(model, reading, found.stated),
        model_version=model.version,
        timings=Timings(
            decode=prepared.milliseconds,
            engine=engine,
            total=round(prepared.milliseconds + _milliseconds_since(started), 2),
        ),
        modality=found.modality,
        tested=found.tested,
        from_picture=rank(found.from_picture) if found.from_picture else None,
        not_ruled_out=found.not_ruled_out,
        profile_unread=prepared.photo.profile_unread,
    )


def _draw_heat(model: Model, reading: EngineOutput, stated: str) -> tuple[tuple[float, ...], ...]:
    heat = model.draw_heat(reading, row=0, output=model.labels.index(stated))
    return tuple(tuple(row) for row in np.round(heat.astype(np.float64), 4).tolist())


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
