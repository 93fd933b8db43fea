"""https://hl7.org/fhir/R4/http.html"""

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Response, request
from werkzeug.http import parse_options_header

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    InvalidBody,
    InvalidQuery,
    NoModel,
    NotFound,
    PredictionQuotaReached,
    Refused,
    SkinAPIError,
    UnsupportedMediaType,
)
from skinapi.base.languages import LANGUAGES, Language, known_language
from skinapi.findings.errors import (
    FindingErased,
    FindingSigned,
    LesionFull,
    OtherPlace,
    StorageQuotaReached,
)
from skinapi.integrations.fhir.elements import (
    FHIR_JSON,
    Element,
    Resource,
    entry_of,
    instant,
    issue_of,
    outcome_of,
)
from skinapi.integrations.fhir.kinds import KINDS, Kind, capability_statement
from skinapi.integrations.fhir.order_intake import (
    FhirIntakeService,
    IdentifierReused,
    PhotosApart,
    UnknownPerformer,
)
from skinapi.integrations.fhir.search import AFTER, MOST_PARAMETERS, Search, read_search
from skinapi.integrations.fhir.sent_resources import is_r4, read_json
from skinapi.integrations.fhir.service import FhirService, FoundPage
from skinapi.platform.storage.unreadable import name_left_out
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes
from skinapi.platform.web.request_parsing import BodyStream, client_stream

FORM = "application/x-www-form-urlencoded"
JSON_FORMS = (FHIR_JSON, "application/json", "text/json", "json", "application/*", "*/*")
SCOPES = ("fhir",)
# https://hl7.org/fhir/R4/http.html#ops
RETURN = re.compile(r"return=(minimal|representation|OperationOutcome)", re.ASCII)


class NotAcceptable(SkinAPIError):
    status, code = 406, "not_acceptable"
    sentence = "FHIR R4 is answered, as JSON alone: ask for application/fhir+json"


class UnknownKind(NotFound):
    code, sentence = "unknown_kind", "This server has no resources of that kind"


REFUSED_BODIES = (BadRequest, UnsupportedMediaType, NotAcceptable)
REFUSALS = (
    *(*REFUSED_BODIES, Forbidden, NotFound, IdentifierReused, FindingErased, ChangedMeanwhile),
    *(FindingSigned, UnknownPerformer),
    *(Refused, PhotosApart, LesionFull, OtherPlace, NoModel),
    *(PredictionQuotaReached, StorageQuotaReached),
)


def operation_outcome(error: SkinAPIError) -> Response:
    return Response(json.dumps(outcome_of(issue_of(error))), error.status, mimetype=FHIR_JSON)


FHIR: dict[str, Any] = {
    "produces": FHIR_JSON,
    "renderer": operation_outcome,
    "errors_in": FHIR_JSON,
}
routes: Routes[FhirService] = Routes(access=Authenticated(scopes=SCOPES), **FHIR)
intake_routes: Routes[FhirIntakeService] = Routes(
    access=Authenticated(scopes=SCOPES), consumes=FHIR_JSON, **FHIR
)


@routes.route(
    "GET", "/fhir/metadata", access=Public(), rate=Rate.ANONYMOUS, raises=(NotAcceptable,)
)
def show_capabilities(fhir: FhirService) -> Response:
    """What this server can do, as a `CapabilityStatement`."""
    _refuse_other_forms()
    return _answer(capability_statement(fhir.base))


@routes.route("GET", "/fhir/<kind>", raises=(NotFound, NotAcceptable, InvalidQuery))
def search_resources(fhir: FhirService, *, kind: str, subject: Subject) -> Response:
    """Search resources of a kind, as a `Bundle` in pages: see `/fhir/metadata` for the parameters.

    Pages go on with the link `next`. `_count` is at most 200.
    """
    return _search(fhir, kind, list(request.args.items(multi=True)), subject)


@routes.route(
    "POST",
    "/fhir/<kind>/_search",
    rate=Rate.READ,
    raises=(NotFound, NotAcceptable, UnsupportedMediaType, InvalidBody),
)
def search_by_form(fhir: FhirService, *, kind: str, subject: Subject) -> Response:
    """The same search, with its parameters in a form, so that no log of addresses has them."""
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"A search is sent as {FORM}")
    with client_stream(request, "The request body could not be read"):
        body = request.get_data(cache=False)
    try:
        sent = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:
        raise InvalidBody(f"Not a form in UTF-8 of at most {MOST_PARAMETERS} fields") from error
    return _search(fhir, kind, [*request.args.items(multi=True), *sent], subject)


@routes.route(
    "GET",
    "/fhir/<kind>/<identifier>",
    or_produces=("image/jpeg", "application/pdf"),
    raises=(NotFound, Forbidden, NotAcceptable),
)
def read_resource(fhir: FhirService, *, kind: str, identifier: str, subject: Subject) -> Response:
    """Read one resource. A `Binary` is sent as what it is, unless `Accept` asks for FHIR."""
    if _kind(kind).name == "Binary":
        return _read_binary(fhir, identifier, subject)
    _refuse_other_forms()
    return _answer(fhir.read(_kind(kind), identifier, to=subject))


@intake_routes.route(
    "POST",
    "/fhir",
    access=Authenticated(scopes=SCOPES, test_keys=True),
    carries_photo=True,
    raises=REFUSALS,
)
def take_bundle(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Take a `Bundle`: a transaction with a `ServiceRequest`, its `Patient` and its photos (`Media`
    or `Binary`), which is all or nothing.

    The answer has the `DiagnosticReport` in place of the `ServiceRequest`, and says what was not
    read. The same `ServiceRequest.identifier` gets the same report again; another request under it
    is 409. Of names, addresses and numbers nothing is kept.
    """
    _refuse_other_forms()
    answer = intake.take_bundle(read_json(stream), by=subject, language=_language())
    return Response(json.dumps(answer), mimetype=FHIR_JSON)


@intake_routes.route(
    "POST",
    "/fhir/ServiceRequest",
    access=Authenticated(scopes=SCOPES, test_keys=True),
    carries_photo=True,
    raises=REFUSALS,
)
def take_request(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Take a `ServiceRequest` that contains its photos, and answer with the `DiagnosticReport`,
    which `Location` names. With `Prefer: return=OperationOutcome` the answer says what was not
    read of it.
    """
    _refuse_other_forms()
    taken = intake.take_request(read_json(stream), by=subject, language=_language())
    address = f"{intake.fhir.base}/DiagnosticReport/{taken.report['id']}"
    return _created(taken.report, address, taken.new, taken.outcome)


@intake_routes.route(
    "POST", "/fhir/Patient", raises=(*REFUSED_BODIES, Forbidden, NotFound, Conflict)
)
def take_patient(intake: FhirIntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """The `Patient` of this identifier, who is added if there is none: with a clinic-wide key.

    Only a hash of the identifier is kept, and nothing else of what is sent.
    """
    _refuse_other_forms()
    condition = request.headers.get("If-None-Exist")
    patient, new, outcome = intake.take_patient(read_json(stream), condition=condition, by=subject)
    address = f"{intake.fhir.base}/Patient/{patient['id']}"
    return _created(patient, address, new, outcome)


def _kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind
    return kind


def _search(fhir: FhirService, name: str, sent: list[tuple[str, str]], to: Subject) -> Response:
    _refuse_other_forms()
    kind = _kind(name)
    if not kind.searched:
        raise UnknownKind(f"{kind.name} is read by its id alone")
    search = read_search(kind, sent, base=fhir.base)
    page = fhir.page(search, to=to)
    return _answer(_searchset(page, search, f"{fhir.base}/{kind.name}", fhir.base))


def _searchset(page: FoundPage, search: Search, address: str, base: str) -> Resource:
    """A page as a `Bundle`. `meta.lastUpdated` is the time up to which this page and the following
    ones are complete: a client that next asks for changes since then misses nothing.
    """
    links = [_link("self", address, search.used)]
    if page.following and search.count:
        links.append(_link("next", address, (*search.used, (AFTER, str(page.following)))))
    entries = [entry_of(resource, base, "match") for resource in page.resources]
    if warnings := [*_warn(search)]:
        entries.append({"resource": outcome_of(*warnings), "search": {"mode": "outcome"}})
    return {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": instant(page.complete_until)},
        "type": "searchset",
        "link": links,
        **({"entry": entries} if entries else {}),
    }


def _warn(search: Search) -> Iterator[Element]:
    if search.ignored:
        said = f"Ignored, because it is not searched by that here: {', '.join(search.ignored)}"
        yield {"severity": "warning", "code": "not-supported", "diagnostics": said}
    if left_out := name_left_out():
        said = f"This list is not complete. Left out, as they cannot be read: {left_out}"
        yield {"severity": "warning", "code": "incomplete", "diagnostics": said}


def _link(relation: str, address: str, parameters: tuple[tuple[str, str], ...]) -> Element:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return {"relation": relation, "url": f"{address}{query}"}


def _read_binary(fhir: FhirService, identifier: str, to: Subject) -> Response:
    content, media_type = fhir.read_binary(identifier, to=to)
    asked = request.accept_mimetypes.best_match([media_type, FHIR_JSON, "application/json"])
    if asked in (FHIR_JSON, "application/json") or request.args.get("_format") in JSON_FORMS:
        data = base64.b64encode(content).decode()
        return _answer(
            {"resourceType": "Binary", "id": identifier, "contentType": media_type, "data": data}
        )
    return Response(content, mimetype=media_type)


def _refuse_other_forms() -> None:
    wanted = request.args.get("_format")
    accepted = [wanted] if wanted else [value for value, _ in request.accept_mimetypes]
    if accepted and not any(map(_is_served, accepted)):
        raise NotAcceptable


def _is_served(form: str) -> bool:
    name, parameters = parse_options_header(form.replace("fhir json", "fhir+json"))
    return name.lower() in JSON_FORMS and is_r4(parameters)


def _answer(resource: Resource) -> Response:
    response = Response(json.dumps(resource), mimetype=FHIR_JSON)
    meta = resource.get("meta", {})
    if version := meta.get("versionId"):
        response.set_etag(version, weak=True)
        response.last_modified = datetime.fromisoformat(meta["lastUpdated"])
        response.make_conditional(request)
    return response


def _created(resource: Resource, address: str, new: bool, outcome: Resource) -> Response:
    wanted = RETURN.search(request.headers.get("Prefer", ""))
    form = wanted[1] if wanted else "representation"
    answered = {"representation": resource, "OperationOutcome": outcome}.get(form)
    text = json.dumps(answered) if answered else ""
    response = Response(text, 201 if new else 200, mimetype=FHIR_JSON)
    response.headers["Location"] = address
    response.set_etag(resource["meta"]["versionId"], weak=True)
    return response


def _language() -> Language | None:
    return known_language(request.accept_languages.best_match(LANGUAGES))
