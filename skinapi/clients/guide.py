"""DermaScan guide: a photo in `file`; ranked labels and a PNG of the heat map out."""

import base64
from typing import Self

from flask import Response

from skinapi.errors import BadRequest, PayloadTooLarge, Refused, SkinAPIError
from skinapi.registry.service import Judged
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.words.template import TemplateWriter
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.overlay import draw_overlay
from skinapi.vision.refusals import Reason
from skinapi.web.failures import problem_json
from skinapi.web.fields import Answer, Upload

CLIENT = "guide"
LARGEST = 8 * 1024 * 1024
ALLOWED = (".jpg", ".jpeg", ".png", ".webp")


class Prediction(Answer):
    label: str
    probability: float


class GuideAnswer(Answer):
    model_version: str
    predictions: list[Prediction]
    malignant_score: float
    grad_cam: str
    explanation: str
    processing_time_ms: int
    band: Band
    action: str
    uncertain: bool
    notice: str

    @classmethod
    def of(cls, judged: Judged) -> Self:
        """Raises Refused where no lesion was found."""
        finding, seven = judged.finding, judged.finding.over_seven()
        overlay = draw_overlay(judged.photo, finding.heat, format="PNG")
        sections = TemplateWriter().write(Facts.of(seven, UNKNOWN), "en").sections
        return cls(
            model_version=finding.model_version,
            predictions=[
                Prediction(label=label_of(entry.key), probability=entry.probability)
                for entry in seven.ranked
            ],
            malignant_score=seven.malignant_score,
            grad_cam=f"data:image/png;base64,{base64.b64encode(overlay).decode()}",
            explanation=f"{sections.overview} {sections.recommendation}",
            processing_time_ms=round(finding.timings.total),
            band=finding.band,
            action=finding.band_words().action,
            uncertain=finding.uncertain,
            notice=finding.notices[0].en,
        )


def label_of(key: str) -> str:
    return conditions_table().by_key(key).names.guide or key


def refuse_large(upload: Upload) -> None:
    """Its client was promised this much, whatever others may send."""
    if len(upload.content) > LARGEST:
        raise PayloadTooLarge(largest=LARGEST)


def refuse_type(upload: Upload) -> None:
    """As that server does: by the name alone. What the bytes are is found out later."""
    if not upload.filename.lower().endswith(ALLOWED):
        raise BadRequest(f"File type not allowed. Allowed: {', '.join(ALLOWED)}")


def guide_problem(error: SkinAPIError) -> Response:
    """It reads `detail`, and knows 400 for whatever is wrong with the photo."""
    if isinstance(error, Refused) and error.reason == Reason.UNDECODABLE:
        return problem_json(BadRequest(f"Invalid image file: {error.detail}"))
    if isinstance(error, PayloadTooLarge):
        largest = min(error.largest or LARGEST, LARGEST)
        error = PayloadTooLarge(f"File size exceeds maximum of {largest} bytes")
    if isinstance(error, Refused | PayloadTooLarge):
        return problem_json(error, status=BadRequest.status)
    return problem_json(error)
