"""Classifies one photo. The result is a Finding or the error Refused; cheap checks come first."""

import time
from dataclasses import dataclass

import numpy as np

from skinapi.vision.context import NOTHING_TOLD, Context, Modality
from skinapi.vision.decoding.photo import Photo, read_photo
from skinapi.vision.finding.assessment import assess
from skinapi.vision.finding.finding import Finding, Timings, rank, sum_malignant
from skinapi.vision.measures.quality import Quality, measure_quality
from skinapi.vision.network.engine import EngineOutput
from skinapi.vision.network.model import Model
from skinapi.vision.refusals import Reason, refuse


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A decoded photo of sufficient quality; `milliseconds` is the time that this took."""

    photo: Photo
    quality: Quality
    milliseconds: float


def classify_photo(model: Model, content: bytes, context: Context = NOTHING_TOLD) -> Finding:
    """Raises Refused."""
    return classify_prepared(model, prepare_photo(content), context)


def prepare_photo(content: bytes) -> PreparedPhoto:
    """Raises Refused. This needs no model, so a photo that is refused here takes no time of the
    engine.
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
    context: Context = NOTHING_TOLD,
) -> Finding:
    """Classify a photo that `prepare_photo` accepted. Raises Refused if it shows no skin."""
    started = time.perf_counter()
    output = model.read([prepared.photo.pixels])
    engine = _milliseconds_since(started)
    assessment = assess(
        model.calibration,
        labels=model.labels,
        logits=output.logits[0],
        pooled=output.pooled[0],
        context=context,
    )
    if assessment.not_skin:
        raise refuse(Reason.NOT_SKIN)
    ranked = rank(assessment.probabilities)
    return Finding(
        ranked=ranked,
        stated=assessment.stated,
        malignant_score=sum_malignant(ranked),
        band=assessment.band,
        raised_by=assessment.raised_by,
        uncertain=bool(assessment.reasons),
        reasons=assessment.reasons,
        quality=prepared.quality,
        not_dermoscopic=assessment.modality.used != (Modality.DERMOSCOPIC,),
        checklist_score=context.checklist_score,
        heat=_rounded_heat(model, output, assessment.stated),
        model_version=model.version,
        timings=Timings(
            decode=prepared.milliseconds,
            engine=engine,
            total=round(prepared.milliseconds + _milliseconds_since(started), 2),
        ),
        modality=assessment.modality,
        tested=assessment.tested,
        untested_skin=assessment.untested_skin,
        from_picture=rank(assessment.from_picture) if assessment.from_picture else None,
        not_ruled_out=assessment.not_ruled_out,
        profile_unread=prepared.photo.profile_unread,
    )


def _rounded_heat(model: Model, output: EngineOutput, stated: str) -> tuple[tuple[float, ...], ...]:
    heat = model.heat_of(output, row=0, output=model.labels.index(stated))
    return tuple(tuple(row) for row in np.round(heat.astype(np.float64), 4).tolist())


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
