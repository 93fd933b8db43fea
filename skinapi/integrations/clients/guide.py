"""The API of DermaScan guide: a photo in `file`, answered with ranked labels and a heat map as PNG.

Programs get an error as the guide's documentation says: by status and `detail`. Its page in a
browser shows an invented benign mole for every status but 200. So requests from a page get errors
as answers with status 200 and the label "inconclusive".

Its routes are in shared_paths.py, because Skinartify has the same paths.
"""

import base64
from typing import Literal, Self

from flask import Response, request

from skinapi.base.errors import BadRequest, PayloadTooLarge, Refused, SkinAPIError
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.integrations.clients.condition_names import CONDITION_NAMES
from skinapi.integrations.clients.undecided import (
    NO_DIAGNOSIS,
    Undecided,
    name_for,
    over_known_classes,
    undecided,
)
from skinapi.model.conditions import NORMAL_SKIN, Band
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.heat_map_overlay import draw_overlay
from skinapi.model.refusals import Reason
from skinapi.model.registry.service import ClassifiedPhoto
from skinapi.platform.web.answers import problem_json
from skinapi.platform.web.schemas import Answer, Upload

CLIENT: Literal["guide"] = "guide"
LARGEST = 8 * 1024 * 1024
FILE_FAULTS = (
    Reason.UNDECODABLE,
    Reason.TOO_LARGE,
    Reason.MOVING,
    Reason.TOO_MANY_SCANS,
    Reason.TOO_MUCH_MEMORY,
)
ALLOWED = (".jpg", ".jpeg", ".png", ".webp")
# Up to this malignant score its page calls a lesion "Likely Benign".
LIKELY_BENIGN = 0.3
# The score in answers about errors: for this one, its page sends people to a dermatologist.
NO_SCORE = 0.5


class Prediction(Answer):
    label: str
    probability: float


class GuideFields(Answer):
    model_version: str
    predictions: list[Prediction]
    malignant_score: float
    grad_cam: str
    explanation: str
    processing_time_ms: int


class GuideAnswer(GuideFields):
    band: Band
    action: str
    uncertain: bool
    notice: str

    @classmethod
    def of(cls, classified: ClassifiedPhoto) -> Self:
        """The finding in the guide's format.

        Raises Refused where no lesion was found, and Undecided where its page would say "Likely
        Benign" about a finding that is no all-clear, would head its list with another class than
        the most probable one, or has no name for the class that the API states.
        """
        finding, seven = classified.finding, over_known_classes(classified.finding)
        clear = Facts.of(seven, NOTHING_TOLD).all_clear
        reads_benign = seven.malignant_score <= LIKELY_BENIGN and not clear
        heads_the_list = seven.most_probable == finding.headline.likely.key
        named = seven.most_probable != NORMAL_SKIN and name_for(finding, CLIENT)
        if reads_benign or not (named and heads_the_list):
            raise undecided(finding)
        overlay = draw_overlay(classified.photo, finding.heat, format="PNG")
        sections = write_template(Facts.of(finding, NOTHING_TOLD), "en").sections
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


class Inconclusive(GuideFields):
    """An error in the shape of an answer, as the guide's page can show it."""

    code: str
    detail: str

    @classmethod
    def of(cls, error: SkinAPIError) -> Self:
        return cls(
            model_version="none",
            predictions=[Prediction(label="inconclusive", probability=0.0)],
            malignant_score=NO_SCORE,
            grad_cam="",
            explanation=f"{NO_DIAGNOSIS}, and the score shown is none. {error.detail}",
            processing_time_ms=0,
            code=error.code,
            detail=error.detail,
        )


def label_of(key: str) -> str:
    return CONDITION_NAMES[key].guide or key


def refuse_large(upload: Upload) -> None:
    """Raises PayloadTooLarge past the limit that the guide documents, also where MAX_UPLOAD_BYTES
    allows more.
    """
    if len(upload.content) > LARGEST:
        raise PayloadTooLarge(largest=LARGEST)


def refuse_type(upload: Upload) -> None:
    """Raises BadRequest by the file name alone, as the guide's own server does. The content is
    checked later, when the photo is decoded.
    """
    if not upload.filename.lower().endswith(ALLOWED):
        raise BadRequest(f"File type not allowed. Allowed: {', '.join(ALLOWED)}")


def guide_problem(error: SkinAPIError) -> Response:
    """The renderer of errors for the guide: it reads `detail`, and expects status 400 for
    everything that is wrong with the photo.
    """
    if isinstance(error, Refused) and error.reason in FILE_FAULTS:
        error = BadRequest(f"Invalid image file: {error.detail}")
    if isinstance(error, PayloadTooLarge):
        largest = min(error.largest or LARGEST, LARGEST)
        error = PayloadTooLarge(f"File size exceeds maximum of {largest} bytes")
    if _is_asked_by_a_page():
        shown = Inconclusive.of(error).model_dump_json()
        return Response(shown, mimetype="application/json")
    if isinstance(error, Refused | Undecided | PayloadTooLarge):
        return problem_json(error, status=BadRequest.status)
    return problem_json(error)


def _is_asked_by_a_page() -> bool:
    # Browsers send the page's origin with every POST, other programs send none:
    # https://fetch.spec.whatwg.org/#origin-header
    return request.method == "POST" and "Origin" in request.headers
