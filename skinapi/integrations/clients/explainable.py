"""The API of the explainable classifier: a photo in base64, and pictures in base64.

Its Next.js client reads every answer of `/inference` as a prediction, whatever its status. For text
it shows "Something went wrong!", and JSON of another shape crashes it. So an error of that route is
a prediction without a class, whose label is the error's sentence. The client calls `/report` only
after a prediction; its errors are plain text.
"""

import base64
from typing import ClassVar

from flask import Response

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import BadRequest, NoModel, Refused, SkinAPIError
from skinapi.integrations.clients.service import (
    NO_DIAGNOSIS,
    ClientsService,
    Undecided,
    decided,
    is_undecided,
    name_for,
    name_seven,
    over_known_classes,
    risk_of,
)
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Finding
from skinapi.model.headline import probability_of
from skinapi.model.heat_map_overlay import draw_overlay
from skinapi.platform.web.answers import plain_text, problem_json
from skinapi.platform.web.declaration import OpenedToClient, Rate, Routes
from skinapi.platform.web.schemas import Answer, ContractBody

CLIENT = "explainable"
NAMES = name_seven("mel", "bcc", "akiec", "bkl", "nv", "df", "vasc")
# The client identifies probabilities by position.
CLASS_ORDER = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
OVERLAY_SIZE = (224, 224)

routes: Routes[ClientsService] = Routes(rate=Rate.ANONYMOUS)


class ImageData(ContractBody):
    missing: ClassVar[str] = "No image uploaded"
    image_data: str


class Inference(Answer):
    predicted_label: str
    probabilities: list[list[float]]
    heatmap: str
    band: Band
    action: str
    uncertain: bool
    notice: str
    model_version: str


def problem_as_prediction(error: SkinAPIError) -> Response:
    members = {"predicted_label": error.detail, "probabilities": [[]], "heatmap": ""}
    return problem_json(error, members=members)


class PdfReport(Answer):
    pdf_report: str


@routes.route(
    "POST",
    "/inference",
    access=OpenedToClient((CLIENT,)),
    renderer=problem_as_prediction,
    carries_photo=True,
    raises=(BadRequest, Refused, Undecided, NoModel),
)
def infer_for_explainable(
    clients: ClientsService, *, body: ImageData, subject: Subject | None
) -> Inference:
    """The label, the nested probabilities and a 224 x 224 overlay.

    An error has the same members, and its sentence is the label.
    """
    classified = clients.classify_photo(
        content=clients.decode_photo(text=body.image_data), by=subject
    )
    finding = classified.finding
    seven = decided(finding, NAMES)
    probabilities = {_label_of(entry.key): entry.probability for entry in seven.ranked}
    overlay = draw_overlay(classified.photo, finding.heat, finding.quality.seen, size=OVERLAY_SIZE)
    return Inference(
        predicted_label=_label_of(finding.headline.one_name.key),
        probabilities=[[probabilities.get(label, 0.0) for label in CLASS_ORDER]],
        heatmap=base64.b64encode(overlay).decode(),
        band=finding.band,
        action=finding.band_words().action,
        uncertain=finding.uncertain,
        notice=finding.notices[0].en,
        model_version=finding.model_version,
    )


@routes.route(
    "POST",
    "/report",
    access=OpenedToClient((CLIENT,)),
    renderer=plain_text,
    carries_photo=True,
    raises=(BadRequest, Refused, NoModel),
)
def report_for_explainable(
    clients: ClientsService, *, body: ImageData, subject: Subject | None
) -> PdfReport:
    """The prediction as a report in PDF."""
    classified = clients.classify_photo(
        content=clients.decode_photo(text=body.image_data), by=subject
    )
    finding, known = classified.finding, over_known_classes(classified.finding)
    page = clients.print_report(
        classified=classified,
        translations=(*_diagnosis_rows(finding, known), ("Risk level", risk_of(finding))),
    )
    return PdfReport(pdf_report=base64.b64encode(page).decode())


def _diagnosis_rows(finding: Finding, known: Finding) -> tuple[tuple[str, str], ...]:
    named, label = finding.headline.one_name, name_for(finding, NAMES)
    if label is None or is_undecided(known) or is_undecided(finding):
        condition = finding.headline.for_doctor.en
        return ("Diagnosis", NO_DIAGNOSIS), ("Condition", condition), ("Confidence", "none")
    return (
        ("Diagnosis", label),
        ("Condition", conditions_table().by_key(named.key).names.en),
        ("Confidence", f"{100 * probability_of(known.ranked, named.key):.2f}%"),
    )


def _label_of(condition: str) -> str:
    return NAMES.get(condition, condition)


ROUTES = ((routes, ClientsService),)
