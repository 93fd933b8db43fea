"""The routes that several clients share."""

import time

from skinapi.base.errors import BadRequest, NoModel, PayloadTooLarge, Refused
from skinapi.base.subject import Subject
from skinapi.integrations.clients import guide, skinartify
from skinapi.integrations.clients.guide import GuideAnswer, Inconclusive, guide_problem
from skinapi.integrations.clients.service import ClientsService
from skinapi.integrations.clients.skinartify import PredictionsAndResults
from skinapi.integrations.clients.undecided import Undecided
from skinapi.platform.web.answers import problem_json, rendering_errors
from skinapi.platform.web.declaration import Opened, Public, Rate, Routes
from skinapi.platform.web.schemas import Answer, ContractForm, Upload

STARTED = time.monotonic()

routes: Routes[ClientsService] = Routes("clients")


class EitherForm(ContractForm):
    """The form of both clients: the guide sends `file`, Skinartify sends `image`."""

    missing = "No image uploaded"
    file: Upload | None = None
    image: Upload | None = None
    skin_tone: str | None = None
    lesion_location: str | None = None


class ClientsHealth(Answer):
    status: str
    uptime_seconds: int
    backend: str
    tensorflow: bool


@routes.route(
    "POST",
    "/api/predict",
    access=Opened((guide.CLIENT, skinartify.CLIENT)),
    rate=Rate.ANONYMOUS,
    renderer=guide_problem,
    raises=(BadRequest, Refused, Undecided, PayloadTooLarge, NoModel),
)
def predict_for_either(
    clients: ClientsService, *, form: EitherForm, subject: Subject | None
) -> GuideAnswer | Inconclusive | PredictionsAndResults:
    """As a form: with `file` DermaScan guide's answer, with `image` Skinartify's.

    A page in a browser, which sends its Origin, gets the guide's errors as inconclusive answers
    with status 200.
    """
    # Which client asks is known only from the body, so the renderer is chosen here.
    if form.file is None and form.image is not None:
        with rendering_errors(problem_json):
            clients.refuse_closed(client=skinartify.CLIENT, caller=subject)
            classified = clients.classify_photo(content=form.image.content, by=subject)
            return PredictionsAndResults.of(classified.finding)
    clients.refuse_closed(client=guide.CLIENT, caller=subject)
    if form.file is None:
        raise BadRequest(EitherForm.missing)
    guide.refuse_type(form.file)
    guide.refuse_large(form.file)
    return GuideAnswer.of(clients.classify_photo(content=form.file.content, by=subject))


@routes.route("GET", "/api/health", access=Public())
def say_health(_: ClientsService) -> ClientsHealth:
    """Liveness, with the fields that both clients read."""
    uptime = int(time.monotonic() - STARTED)
    return ClientsHealth(
        status="healthy", uptime_seconds=uptime, backend="SkinAPI", tensorflow=False
    )
