"""The APIs of Skinartify and DermaScan guide, which share paths: a photo in a form.

Skinartify sends the photo in `file`, although its documentation says `image`, and reads the
probabilities of seven classes.

DermaScan guide sends it in `file`, and reads ranked labels and a heat map. Programs get documented
errors: a status and `detail`. Its page in a browser invents a benign mole for any status but 200,
so requests from a page get errors as status 200 with the label "inconclusive".
"""

import base64
import time
from typing import Self

from flask import Response, request

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    NoModel,
    PayloadTooLarge,
    Refused,
    SkinAPIError,
    Unauthenticated,
)
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.integrations.clients.service import (
    NO_DIAGNOSIS,
    ClientsService,
    Undecided,
    decided,
    name_for,
    name_seven,
    over_known_classes,
    reads_as_benign,
    undecided,
)
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Finding
from skinapi.model.heat_map_overlay import draw_overlay
from skinapi.model.refusals import Reason
from skinapi.model.registry.inference import ClassifiedPhoto
from skinapi.platform.web.answers import problem_json, rendering_errors
from skinapi.platform.web.declaration import OpenedToClient, Public, Rate, Routes, closed_to
from skinapi.platform.web.schemas import Answer, ContractForm, Upload

SKINARTIFY, GUIDE = "skinartify", "guide"
SKINARTIFYS = name_seven("melanoma", "bcc", "akiec", "bkl", "nevus", "df", "vasc")
GUIDES = name_seven(
    *("melanoma", "basal_cell_carcinoma", "actinic_keratoses", "benign_keratosis"),
    *("melanocytic_nevi", "dermatofibroma", "vascular_lesions"),
)
CLASS_ORDER = ("akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc")
LARGEST_OF_GUIDE = 8 * 1024 * 1024
FILE_FAULTS = (
    Reason.UNDECODABLE,
    Reason.TOO_LARGE,
    Reason.MOVING,
    Reason.TOO_MANY_SCANS,
    Reason.TOO_MUCH_MEMORY,
)
ALLOWED = (".jpg", ".jpeg", ".png", ".webp")
# Up to this malignant score the guide's page calls a lesion "Likely Benign".
LIKELY_BENIGN = 0.3
# The score in answers about errors: for this one, its page sends people to a dermatologist.
NO_SCORE = 0.5
STARTED = time.monotonic()

routes: Routes[ClientsService] = Routes()


class FileForm(ContractForm):
    missing = "No image uploaded"
    file: Upload | None = None


class EitherForm(FileForm):
    """The form of both clients: the guide sends `file`, Skinartify sends `image`."""

    image: Upload | None = None
    skin_tone: str | None = None
    lesion_location: str | None = None


class Predictions(Answer):
    """Probabilities that sum to one over the seven classes that the client knows."""

    predictions: dict[str, float]
    band: Band
    action: str
    uncertain: bool
    malignant_score: float
    notice: str
    model_version: str

    @classmethod
    def from_finding(cls, finding: Finding) -> Self:
        """Raises Undecided if the most probable class must not represent the finding, or differs
        from the stated one: the screen shows only that class, and calls a lesion harmless if it is
        benign.
        """
        seven = decided(finding, SKINARTIFYS)
        if _skinartify_name(seven.ranked[0].key) != name_for(finding, SKINARTIFYS):
            raise undecided(finding)
        probabilities = {_skinartify_name(entry.key): entry.probability for entry in seven.ranked}
        return cls(
            predictions={name: probabilities.get(name, 0.0) for name in CLASS_ORDER},
            band=finding.band,
            action=finding.band_words().action,
            uncertain=finding.uncertain,
            malignant_score=seven.malignant_score,
            notice=finding.notices[0].en,
            model_version=finding.model_version,
        )


class Result(Answer):
    type: str
    label: str
    confidence: float


class PredictionsAndResults(Predictions):
    results: tuple[Result, ...] = ()

    @classmethod
    def from_finding(cls, finding: Finding) -> Self:
        table, answer = conditions_table(), super().from_finding(finding)
        results = tuple(
            Result(
                type=_skinartify_name(entry.key),
                label=table.by_key(entry.key).names.en,
                confidence=entry.probability,
            )
            for entry in decided(finding, SKINARTIFYS).ranked
        )
        return answer.model_copy(update={"results": results})


def _skinartify_name(condition: str) -> str:
    return SKINARTIFYS.get(condition, condition)


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
    def from_photo(cls, classified: ClassifiedPhoto) -> Self:
        """Raises Undecided if the page would say "Likely Benign" about a finding that is in doubt,
        malignant or sent to a doctor; if nothing looks like skin; if the first class in its list
        would not be the most probable one; or if it has no name for the stated class.
        """
        finding, seven = classified.finding, over_known_classes(classified.finding)
        misleads = seven.malignant_score <= LIKELY_BENIGN and not reads_as_benign(seven)
        heads_the_list = seven.most_probable == finding.headline.likely.key
        named = seven.most_probable != NORMAL_SKIN and name_for(finding, GUIDES)
        if misleads or finding.not_skin or not (named and heads_the_list):
            raise undecided(finding)
        overlay = draw_overlay(classified.photo, finding.heat, finding.quality.seen, format="PNG")
        sections = write_template(Facts.from_finding(finding, NOTHING_TOLD), "en").sections
        return cls(
            model_version=finding.model_version,
            predictions=[
                Prediction(label=GUIDES.get(entry.key, entry.key), probability=entry.probability)
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
    code: str
    detail: str

    @classmethod
    def from_error(cls, error: SkinAPIError) -> Self:
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


def guide_problem(error: SkinAPIError) -> Response:
    if isinstance(error, Refused) and error.reason in FILE_FAULTS:
        error = BadRequest(f"Invalid image file: {error.detail}")
    if isinstance(error, PayloadTooLarge):
        largest = min(error.largest or LARGEST_OF_GUIDE, LARGEST_OF_GUIDE)
        error = PayloadTooLarge(f"File size exceeds maximum of {largest} bytes")
    # Browsers send the page's origin with every POST, other programs send none:
    # https://fetch.spec.whatwg.org/#origin-header
    if request.method == "POST" and "Origin" in request.headers:
        shown = Inconclusive.from_error(error).model_dump_json()
        return Response(shown, mimetype="application/json")
    if isinstance(error, Refused | Undecided | PayloadTooLarge):
        return problem_json(error, status=BadRequest.status)
    return problem_json(error)


class ClientsHealth(Answer):
    status: str
    uptime_seconds: int
    backend: str
    tensorflow: bool


@routes.route(
    "POST",
    "/predict",
    access=OpenedToClient(
        (SKINARTIFY,), refusal=f"{Unauthenticated.sentence} {closed_to(SKINARTIFY)}"
    ),
    rate=Rate.ANONYMOUS,
    when=lambda request: "Authorization" not in request.headers,
    raises=(BadRequest, Refused, Undecided, Unauthenticated),
)
def predict_for_skinartify(
    clients: ClientsService, *, form: FileForm, subject: Subject | None
) -> Predictions:
    """Without an Authorization header: Skinartify's seven probabilities."""
    # Accounts post to this path too, with a token. A request without a token and without this
    # client's field is answered as theirs: with 401.
    if form.file is None:
        raise Unauthenticated
    classified = clients.classify_photo(content=form.file.content, by=subject)
    return Predictions.from_finding(classified.finding)


@routes.route(
    "POST",
    "/api/predict",
    access=OpenedToClient((GUIDE, SKINARTIFY)),
    rate=Rate.ANONYMOUS,
    renderer=guide_problem,
    raises=(BadRequest, Refused, Undecided, PayloadTooLarge, NoModel),
)
def predict_for_either(
    clients: ClientsService, *, form: EitherForm, subject: Subject | None
) -> GuideAnswer | Inconclusive | PredictionsAndResults:
    """Answer a form with `file` as DermaScan guide does, one with `image` as Skinartify does.

    A page in a browser, which sends its Origin, gets the guide's errors as inconclusive answers
    with status 200.
    """
    # Which client asks is known only from the body, so the renderer is chosen here.
    if form.file is None and form.image is not None:
        with rendering_errors(problem_json):
            clients.refuse_closed(client=SKINARTIFY, caller=subject)
            classified = clients.classify_photo(content=form.image.content, by=subject)
            return PredictionsAndResults.from_finding(classified.finding)
    clients.refuse_closed(client=GUIDE, caller=subject)
    if form.file is None:
        raise BadRequest(EitherForm.missing)
    # By the name alone, as the guide's own server does. Its limit holds also where MAX_UPLOAD_BYTES
    # allows more.
    if not form.file.filename.lower().endswith(ALLOWED):
        raise BadRequest(f"File type not allowed. Allowed: {', '.join(ALLOWED)}")
    if len(form.file.content) > LARGEST_OF_GUIDE:
        raise PayloadTooLarge(largest=LARGEST_OF_GUIDE)
    return GuideAnswer.from_photo(clients.classify_photo(content=form.file.content, by=subject))


@routes.route("GET", "/api/health", access=Public())
def say_health(_: ClientsService) -> ClientsHealth:
    """Liveness, with the fields that both clients read."""
    uptime = int(time.monotonic() - STARTED)
    return ClientsHealth(
        status="healthy", uptime_seconds=uptime, backend="SkinAPI", tensorflow=False
    )


ROUTES = ((routes, ClientsService),)
