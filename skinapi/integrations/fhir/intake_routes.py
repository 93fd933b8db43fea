"""The routes of FHIR R4 that take resources. https://hl7.org/fhir/R4/http.html#create"""

import json
import re

from flask import Response, request

from skinapi.base.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NoModel,
    NotFound,
    PredictionQuotaReached,
    Refused,
    UnsupportedMediaType,
)
from skinapi.base.languages import LANGUAGES, Language, known_language
from skinapi.base.subject import Subject
from skinapi.findings.records.errors import FindingErased, LesionFull, StorageQuotaReached
from skinapi.integrations.fhir.elements import FHIR_JSON, Resource
from skinapi.integrations.fhir.intake import (
    FhirIntakeService,
    IdentifierReused,
    PhotosApart,
    UnknownPerformer,
)
from skinapi.integrations.fhir.json_reading import read_json
from skinapi.integrations.fhir.outcomes import NotAcceptable
from skinapi.integrations.fhir.routes import FHIR, SCOPES, refuse_other_forms
from skinapi.platform.web.declaration import Routes, Signed
from skinapi.platform.web.request_parsing import BodyStream

TAKES = {**FHIR, "consumes": FHIR_JSON}
REFUSED_BODIES = (BadRequest, UnsupportedMediaType, NotAcceptable)
REFUSALS = (
    *(*REFUSED_BODIES, Forbidden, NotFound, IdentifierReused, FindingErased),
    UnknownPerformer,
    *(Refused, PhotosApart, LesionFull, NoModel, PredictionQuotaReached, StorageQuotaReached),
)
# https://hl7.org/fhir/R4/http.html#ops
RETURN = re.compile(r"return=(minimal|representation|OperationOutcome)", re.ASCII)

routes: Routes[FhirIntakeService] = Routes("FHIR intake", access=Signed(scopes=SCOPES), **TAKES)


@routes.route(
    "POST",
    "/fhir",
    access=Signed(scopes=SCOPES, test_keys=True),
    carries_photo=True,
    raises=REFUSALS,
)
def take_bundle(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Take a `Bundle`: a transaction with a `ServiceRequest`, its `Patient` and its photos (`Media`
    or `Binary`), which is all or nothing; or a batch, of which each entry stands alone.

    The answer has the `DiagnosticReport` in place of the `ServiceRequest`, and says what was not
    read. The same `ServiceRequest.identifier` gets the same report again; another request under it
    is 409. Of names, addresses and numbers nothing is kept.
    """
    refuse_other_forms()
    answer = intake.take_bundle(read_json(stream), by=subject, language=_language())
    return _answer(answer, 200)


@routes.route(
    "POST",
    "/fhir/ServiceRequest",
    access=Signed(scopes=SCOPES, test_keys=True),
    carries_photo=True,
    raises=REFUSALS,
)
def take_request(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Take a `ServiceRequest` that contains its photos, and answer with the `DiagnosticReport`,
    which `Location` names. With `Prefer: return=OperationOutcome` the answer says what was not
    read of it.
    """
    refuse_other_forms()
    taken = intake.take_request(read_json(stream), by=subject, language=_language())
    address = f"{intake.fhir.base}/DiagnosticReport/{taken.report['id']}"
    return _created(taken.report, address, taken.new, taken.outcome)


@routes.route("POST", "/fhir/Patient", raises=(*REFUSED_BODIES, Forbidden, NotFound, Conflict))
def take_patient(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """The `Patient` of this identifier, who is added if there is none: with a clinic-wide key.

    Only a hash of the identifier is kept, and nothing else of what is sent.
    """
    refuse_other_forms()
    condition = request.headers.get("If-None-Exist")
    patient, new, outcome = intake.take_patient(read_json(stream), condition=condition, by=subject)
    address = f"{intake.fhir.base}/Patient/{patient['id']}"
    return _created(patient, address, new, outcome)


def _created(resource: Resource, address: str, new: bool, outcome: Resource) -> Response:
    wanted = RETURN.search(request.headers.get("Prefer", ""))
    form = wanted[1] if wanted else "representation"
    answered = {"representation": resource, "OperationOutcome": outcome}.get(form)
    response = _answer(answered, 201 if new else 200)
    response.headers["Location"] = address
    response.set_etag(resource["meta"]["versionId"], weak=True)
    return response


def _answer(resource: Resource | None, status: int) -> Response:
    text = "" if resource is None else json.dumps(resource)
    return Response(text, status, mimetype=FHIR_JSON)


def _language() -> Language | None:
    """That of the caller's `Accept-Language`; None where it names none that there are words in."""
    return known_language(request.accept_languages.best_match(LANGUAGES))
