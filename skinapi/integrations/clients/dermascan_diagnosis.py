"""The API of DermaScan lab: a photo as a data URL, and a diagnosis in its own format.

Its client invents a diagnosis for any status but 200, so errors are returned as "inconclusive" with
status 200. So is a finding that is in doubt or sent to a doctor, if its class would sound harmless:
some of the client's class names begin with "Benign".
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from flask import Response

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import BadRequest, NoModel, Refused, SkinAPIError
from skinapi.findings.reports.facts import Facts
from skinapi.integrations.clients.service import (
    NO_DIAGNOSIS,
    ClientsService,
    Risk,
    name_seven,
    over_known_classes,
    reads_as_benign,
    risk_of,
    say_graver,
)
from skinapi.model.comparison.outline import Shape
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.headline import probability_of, without_normal_skin
from skinapi.model.registry.inference import ClassifiedPhoto
from skinapi.platform.web.declaration import OpenedToClient, Rate, Routes
from skinapi.platform.web.schemas import Answer, ContractBody

CLIENT = "lab"
# It shows any name. Ids and names of melanoma and of a mole are as in one public version of its
# server, bcc and akiec were met there as ids only, and others are ours.
CLASS_IDS = name_seven("melanoma", "bcc", "akiec", "bkl", "nv", "df", "vasc") | {
    "squamous_cell_carcinoma": "scc"
}
CLASS_NAMES = name_seven(
    *("Malignant Melanoma", "Basal Cell Carcinoma", "Actinic Keratosis / Bowen's Disease"),
    *("Benign Keratosis", "Benign Mole (Nevus)", "Dermatofibroma", "Vascular Lesion"),
) | {"squamous_cell_carcinoma": "Squamous Cell Carcinoma"}
Severity = Literal["Critical", "Moderate", "Benign"]
SEVERITIES: Mapping[Risk, Severity] = {"High": "Critical", "Medium": "Moderate", "Low": "Benign"}
RISK_SCORE_OF_BAND: Mapping[Band, float] = {
    Band.URGENT_REFERRAL: 8.0,
    Band.REFERRAL: 6.0,
    Band.DOCTOR_REVIEW: 4.0,
    Band.ROUTINE: 2.0,
    Band.SELF_MONITORING: 1.0,
}
INCONCLUSIVE = "inconclusive"
UNKNOWN_RISK = 5.0
NOT_ASSESSED = "Not assessed by this system"
# Its screen shows 0.3 and less as a green "Low".
UNKNOWN_INDICATOR = 0.5
LEAST_NOT_LOW = 0.31
INDICATORS: Mapping[str, tuple[str, str]] = {
    "A": ("Asymmetry", "How much of the lesion has no mirror image in itself, from 0 to 1"),
    "B": ("Border", "How far the outline is from a circle's, from 0 to 1"),
    "C": ("Colour", "How far the lesion's colours lie apart, from 0 to 1"),
    "D": ("Diameter", "The longest extent as a share of the picture's shorter side"),
}
ASK = "Ask a doctor."

routes: Routes[ClientsService] = Routes()


class DataUrl(ContractBody):
    missing: ClassVar[str] = "No image uploaded"
    image: str


class Detail(Answer):
    label: str
    description: str
    interpretation: str


class Diagnosis(Answer):
    class_id: str
    class_name: str
    severity: Severity
    risk_score: float
    confidence: float
    clinical_indicators: dict[str, float]
    abcd_details: dict[str, Detail]
    treatment: str
    description: str
    epidemiology: str
    processing_time: str
    model_version: str
    notice: str
    action: str

    @classmethod
    def from_photo(cls, classified: ClassifiedPhoto) -> Self:
        finding, known = classified.finding, over_known_classes(classified.finding)
        facts = Facts.from_finding(known, NOTHING_TOLD)
        named, action = finding.headline.one_name, finding.band_words().action
        condition = conditions_table().by_key(named.key)
        states_class = (
            (condition.malignant or reads_as_benign(known))
            and not finding.not_skin
            and known.most_probable != NORMAL_SKIN
        )
        # For a benign one these texts would be "harmless" and "none is needed".
        may_describe = states_class and (condition.malignant or facts.all_clear)
        sentences = condition.sentences["en"]
        score = 0.0 if finding.not_skin else known.malignant_score
        class_id, class_name = INCONCLUSIVE, NO_DIAGNOSIS
        if states_class:
            class_id = CLASS_IDS.get(named.key, named.key)
            class_name = CLASS_NAMES.get(named.key, condition.names.en)
        treatment = sentences.treatment_note if may_describe else ""
        return cls(
            class_id=class_id,
            class_name=class_name,
            severity=SEVERITIES[risk_of(finding)],
            risk_score=round(RISK_SCORE_OF_BAND[finding.band] + 2 * score, 1),
            confidence=probability_of(without_normal_skin(finding.ranked), named.key)
            if states_class
            else 0.0,
            clinical_indicators=_indicators(
                classified.shape, may_be_low=states_class and facts.all_clear
            ),
            abcd_details=_details(classified.shape),
            treatment=f"{action} {treatment}".strip(),
            description=_describe(
                Facts.from_finding(finding, NOTHING_TOLD),
                sentences.what_it_is if may_describe else "",
                classified.shape,
            ),
            epidemiology=sentences.epidemiology if may_describe else ASK,
            processing_time=f"{finding.timings.total / 1000:.1f}s",
            model_version=finding.model_version,
            notice=finding.notices[0].en,
            action=action,
        )

    @classmethod
    def inconclusive(cls, error: SkinAPIError) -> Self:
        table = conditions_table()
        return cls(
            class_id=INCONCLUSIVE,
            class_name=NO_DIAGNOSIS,
            severity="Moderate",
            risk_score=UNKNOWN_RISK,
            confidence=0.0,
            clinical_indicators=_indicators(None, may_be_low=False),
            abcd_details=_details(None),
            treatment=ASK,
            description=error.detail,
            epidemiology=ASK,
            processing_time="0.0s",
            model_version="none",
            notice=table.notices.information_only.en,
            action=ASK,
        )


def _describe(facts: Facts, what_it_is: str, shape: Shape | None) -> str:
    graver = say_graver(facts) if facts.headline.sent_for or not what_it_is else []
    unmeasured = [f"ABCD: {NOT_ASSESSED}."] if shape is None else []
    return " ".join(filter(None, [*graver, what_it_is, *unmeasured]))


def _measured(shape: Shape | None) -> dict[str, float | None]:
    if shape is None:
        return dict.fromkeys(INDICATORS)
    return {"A": shape.asymmetry, "B": shape.border, "C": shape.colour, "D": shape.diameter}


def _indicators(shape: Shape | None, *, may_be_low: bool) -> dict[str, float]:
    # A green "Low" would be reassuring, so it is only shown for an all-clear.
    least = 0.0 if may_be_low else LEAST_NOT_LOW
    measured = _measured(shape)
    return {n: UNKNOWN_INDICATOR if v is None else max(v, least) for n, v in measured.items()}


def _details(shape: Shape | None) -> dict[str, Detail]:
    details = {}
    for name, measured in _measured(shape).items():
        label, description = INDICATORS[name]
        if measured is None:
            description = interpretation = NOT_ASSESSED
        else:
            interpretation = f"Measured in this picture: {measured:.2f}"
        details[name] = Detail(label=label, description=description, interpretation=interpretation)
    return details


def inconclusive(error: SkinAPIError) -> Response:
    return Response(Diagnosis.inconclusive(error).model_dump_json(), mimetype="application/json")


@routes.route(
    "POST",
    "/api/predict",
    access=OpenedToClient((CLIENT,), roles=("researcher", "admin")),
    rate=Rate.ANONYMOUS,
    renderer=inconclusive,
    carries_photo=True,
    when=lambda request: request.mimetype == "application/json",
    raises=(BadRequest, Refused, NoModel),
)
def predict_for_lab(
    clients: ClientsService, *, body: DataUrl, subject: Subject | None
) -> Diagnosis:
    """Answer a photo in a data URL as DermaScan lab does; every error is "inconclusive"."""
    content = clients.decode_photo(text=body.image)
    return Diagnosis.from_photo(clients.classify_photo(content=content, by=subject, measure=True))


ROUTES = ((routes, ClientsService),)
