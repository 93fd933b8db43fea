"""DermaScan lab's diagnosis: a data URL in, its own kind of finding out. On anything but 200 its
client invents a diagnosis, so an error is an honest "inconclusive" too."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from flask import Request, Response

from skinapi.clients.service import ClientsService
from skinapi.clients.severity import Risk, risk_of
from skinapi.errors import BadRequest, NoModel, Refused, SkinAPIError
from skinapi.registry.service import Judged
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.vision.conditions import Band, Sentences, conditions_table
from skinapi.vision.mask import Shape
from skinapi.web.access import Opened, Subject
from skinapi.web.fields import Answer, ContractBody
from skinapi.web.limits import Rate
from skinapi.web.routes import Routes

CLIENT = "lab"
Severity = Literal["Critical", "Moderate", "Benign"]
SEVERITIES: Mapping[Risk, Severity] = {"High": "Critical", "Medium": "Moderate", "Low": "Benign"}
RISK_OF_BAND: Mapping[Band, float] = {
    Band.URGENT_REFERRAL: 8.0,
    Band.REFERRAL: 6.0,
    Band.DOCTOR_REVIEW: 4.0,
    Band.ROUTINE: 2.0,
    Band.SELF_MONITORING: 1.0,
}
UNKNOWN_RISK = 5.0
NOT_ASSESSED = "Not assessed by this system"
# Its screen paints 0.3 and less as a green "Low".
UNKNOWN_INDICATOR = 0.5
INDICATORS: Mapping[str, tuple[str, str]] = {
    "A": ("Asymmetry", "How much of the lesion has no mirror image in itself, from 0 to 1"),
    "B": ("Border", "How far the outline is from a circle's, from 0 to 1"),
    "C": ("Colour", "How far the lesion's colours lie apart, from 0 to 1"),
    "D": ("Diameter", "The longest extent as a share of the picture's shorter side"),
}
ASK = "Ask a doctor."

routes: Routes[ClientsService] = Routes(CLIENT)


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
    def of(cls, judged: Judged) -> Self:
        """Raises Refused where no lesion was found."""
        finding, seven = judged.finding, judged.finding.over_seven()
        condition = conditions_table().by_key(seven.stated)
        said = _sentences(Facts.of(seven, UNKNOWN))
        return cls(
            class_id=condition.names.lab_class_id or condition.key,
            class_name=condition.names.lab_class_name or condition.names.en,
            severity=SEVERITIES[risk_of(finding)],
            risk_score=round(RISK_OF_BAND[finding.band] + 2 * seven.malignant_score, 1),
            confidence=seven.confidence,
            clinical_indicators=_indicators(judged.shape),
            abcd_details=_details(judged.shape),
            treatment=(said and said.treatment_note) or ASK,
            description=(said and said.what_it_is) or finding.band_words().action,
            epidemiology=(said and said.epidemiology) or ASK,
            processing_time=f"{finding.timings.total / 1000:.1f}s",
            model_version=finding.model_version,
            notice=finding.notices[0].en,
            action=finding.band_words().action,
        )

    @classmethod
    def inconclusive(cls, error: SkinAPIError) -> Self:
        table = conditions_table()
        return cls(
            class_id="inconclusive",
            class_name="Inconclusive - no diagnosis",
            severity="Moderate",
            risk_score=UNKNOWN_RISK,
            confidence=0.0,
            clinical_indicators=_indicators(None),
            abcd_details=_details(None),
            treatment=ASK,
            description=error.detail,
            epidemiology=ASK,
            processing_time="0.0s",
            model_version="none",
            notice=table.notices.information_only.en,
            action=ASK,
        )


def _sentences(facts: Facts) -> Sentences | None:
    """Of the stated condition; None where it is harmless and the finding may not reassure."""
    condition = conditions_table().by_key(facts.stated)
    return condition.sentences["en"] if condition.malignant or facts.may_reassure else None


def _measured(shape: Shape | None) -> dict[str, float | None]:
    if shape is None:
        return dict.fromkeys(INDICATORS)
    return {"A": shape.asymmetry, "B": shape.border, "C": shape.colour, "D": shape.diameter}


def _indicators(shape: Shape | None) -> dict[str, float]:
    measured = _measured(shape)
    return {name: UNKNOWN_INDICATOR if v is None else v for name, v in measured.items()}


def _details(shape: Shape | None) -> dict[str, Detail]:
    measured = _measured(shape)
    return {
        name: Detail(
            label=label,
            description=description,
            interpretation=NOT_ASSESSED
            if measured[name] is None
            else f"Measured in this picture: {measured[name]:.2f}",
        )
        for name, (label, description) in INDICATORS.items()
    }


def inconclusive(error: SkinAPIError) -> Response:
    return Response(Diagnosis.inconclusive(error).model_dump_json(), mimetype="application/json")


def sends_json(request: Request) -> bool:
    return request.mimetype == "application/json"


@routes.route(
    "POST",
    "/api/predict",
    access=Opened((CLIENT,), roles=("researcher", "admin")),
    rate=Rate.ANONYMOUS,
    renderer=inconclusive,
    carries_photo=True,
    when=sends_json,
    raises=(BadRequest, Refused, NoModel),
)
def predict_for_lab(
    clients: ClientsService, *, body: DataUrl, subject: Subject | None
) -> Diagnosis:
    """As JSON with a data URL: DermaScan lab's diagnosis, inconclusive whatever goes wrong."""
    content = clients.decode_photo(text=body.image)
    return Diagnosis.of(clients.judge_photo(content=content, by=subject, measure=True))
