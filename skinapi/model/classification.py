"""Classifies one photo. The result is a Finding or the error Refused; cheap checks come first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skinapi.model.bands import RaisedBy
from skinapi.model.context import NOTHING_TOLD, Context, Modality
from skinapi.model.decoding.photo import Photo, read_photo
from skinapi.model.finding.assessment import Assessment, assess
from skinapi.model.finding.finding import Doubt, Finding, Timings
from skinapi.model.finding.join_assessments import gravest, join_assessments
from skinapi.model.finding.ranking import rank, sum_malignant
from skinapi.model.network.engine import EngineOutput
from skinapi.model.network.model import Model
from skinapi.model.quality import Quality, measure_quality
from skinapi.model.refusals import Reason, refuse


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
    """Classify a photo that `prepare_photo` accepted. Raises Refused if it surely shows no skin,
    unless the sender has confirmed that it does.
    """
    return judge_prepared(model, prepared, context).finding


@dataclass(frozen=True, slots=True)
class JudgedPhoto:
    """A finding with what it was made of, which a joined finding needs."""

    finding: Finding
    assessment: Assessment
    output: EngineOutput


def judge_prepared(model: Model, prepared: PreparedPhoto, context: Context) -> JudgedPhoto:
    """The same as `classify_prepared`, with all that the model says."""
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
    if assessment.something_else and not context.skin_confirmed:
        raise refuse(Reason.NOT_SKIN)
    finding = _finding_of(
        assessment,
        quality=prepared.quality,
        not_dermoscopic=assessment.modality.used != (Modality.DERMOSCOPIC,),
        checklist_score=context.checklist_score,
        told_signs=context.told_signs,
        heat=_rounded_heat(model, output, assessment.stated),
        model_version=model.version,
        timings=Timings(
            decode=prepared.milliseconds,
            engine=engine,
            total=round(prepared.milliseconds + _milliseconds_since(started), 2),
        ),
        profile_unread=prepared.photo.profile_unread,
        text_in_picture=context.text_in_picture,
    )
    return JudgedPhoto(finding, assessment, output)


def join_photos(model: Model, judged: Sequence[JudgedPhoto]) -> Finding:
    """One finding from two or more photos of one lesion, judged by this model, with each one's own
    in it.
    """
    alone = [one.finding for one in judged]
    joined = join_assessments(model.calibration, [one.assessment for one in judged])
    shown = gravest([one.assessment for one in judged])
    timings = [one.timings for one in alone]
    finding = _finding_of(
        joined,
        quality=alone[shown].quality,
        not_dermoscopic=any(one.not_dermoscopic for one in alone),
        checklist_score=alone[shown].checklist_score,
        told_signs=alone[shown].told_signs,
        heat=_rounded_heat(model, judged[shown].output, joined.stated),
        model_version=model.version,
        timings=Timings(
            decode=round(sum(one.decode for one in timings), 2),
            engine=round(sum(one.engine for one in timings), 2),
            total=round(sum(one.total for one in timings), 2),
        ),
        profile_unread=any(one.profile_unread for one in alone),
        text_in_picture=any(one.text_in_picture for one in alone),
        asked_by_picture=RaisedBy.PICTURE in joined.raised_by,
        pictures=tuple(alone),
        shown_picture=shown,
    )
    graver = finding.find_graver_alone()
    if graver is None:
        return finding
    named, restated = graver.by_own_mix().headline.named, finding.restated
    said = restated and restated.model_copy(update={"alone": graver.headline.named})
    changed: dict[str, Any] = {"alone": named, "restated": said}
    if Doubt.PICTURES_DISAGREE in finding.reasons:
        # In doubt the most severe plausible condition is stated.
        heat = _rounded_heat(model, judged[shown].output, named.key)
        changed |= {"stated": named.key, "heat": heat}
    return finding.model_copy(update=changed)


def _finding_of(assessment: Assessment, **measured: Any) -> Finding:
    ranked = rank(assessment.probabilities)
    return Finding(
        ranked=ranked,
        stated=assessment.stated,
        malignant_score=sum_malignant(ranked),
        band=assessment.band,
        raised_by=assessment.raised_by,
        uncertain=bool(assessment.reasons),
        reasons=assessment.reasons,
        modality=assessment.modality,
        tested=assessment.tested,
        untested_skin=assessment.untested_skin,
        from_picture=rank(assessment.from_picture) if assessment.from_picture else None,
        not_ruled_out=assessment.not_ruled_out,
        operating_point=assessment.operating_point,
        calibrated_on=assessment.calibrated_on,
        restated=assessment.restated,
        **measured,
    )


def _rounded_heat(model: Model, output: EngineOutput, stated: str) -> tuple[tuple[float, ...], ...]:
    heat = model.heat_of(output, row=0, output=model.labels.index(stated))
    return tuple(tuple(row) for row in np.round(heat.astype(np.float64), 4).tolist())


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
