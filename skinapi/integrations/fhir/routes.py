"""The routes of FHIR R4. https://hl7.org/fhir/R4/http.html"""

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, request
from werkzeug.http import parse_options_header

from skinapi.base.errors import Forbidden, InvalidBody, InvalidQuery, NotFound, UnsupportedMediaType
from skinapi.base.subject import Scope, Subject
from skinapi.integrations.fhir.bundles import document, searchset, write_searchset
from skinapi.integrations.fhir.capabilities import capability_statement
from skinapi.integrations.fhir.elements import FHIR_JSON, Resource
from skinapi.integrations.fhir.json_reading import is_r4
from skinapi.integrations.fhir.kinds import EVERYTHING, KINDS, Kind
from skinapi.integrations.fhir.outcomes import NotAcceptable, UnknownKind, operation_outcome
from skinapi.integrations.fhir.search import MOST_PARAMETERS, read_search
from skinapi.integrations.fhir.service import FhirService
from skinapi.platform.web.declaration import Public, Rate, Routes, Signed
from skinapi.platform.web.request_parsing import client_stream

FORM = "application/x-www-form-urlencoded"
JSON_FORMS = (FHIR_JSON, "application/json", "text/json", "json", "application/*", "*/*")
NO_JSON = "This form of FHIR is not taken; send application/fhir+json"
SCOPES: tuple[Scope, ...] = ("fhir",)
FHIR: dict[str, Any] = {
    "produces": FHIR_JSON,
    "renderer": operation_outcome,
    "errors_in": FHIR_JSON,
}

routes: Routes[FhirService] = Routes("FHIR", access=Signed(scopes=SCOPES), **FHIR)


@routes.route(
    "GET", "/fhir/metadata", access=Public(), rate=Rate.ANONYMOUS, raises=(NotAcceptable,)
)
def show_capabilities(fhir: FhirService) -> Response:
    """What this server can do, as a `CapabilityStatement`."""
    refuse_other_forms()
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
    refuse_other_forms()
    return _answer(fhir.read(_kind(kind), identifier, to=subject))


@routes.route(
    "GET", "/fhir/Patient/<identifier>/$everything", raises=(NotFound, NotAcceptable, InvalidQuery)
)
def read_everything(fhir: FhirService, *, identifier: str, subject: Subject) -> Response:
    """All resources of a patient as one `Bundle`, which is written while it is read; in pages with
    `_count`. `_since` and `_type` choose among them.
    """
    refuse_other_forms()
    patient = fhir.get_patient(identifier, to=subject)
    sent = list(request.args.items(multi=True))
    search = read_search(EVERYTHING, sent, strict=_strict(), base=fhir.base)
    address = f"{fhir.base}/Patient/{patient.id}/$everything"
    if "_count" in request.args:
        page = fhir.page_everything(patient, search, to=subject)
        return _answer(searchset(page, search, address, fhir.base))
    head = searchset(fhir.empty_page(), search, address, fhir.base)
    found = fhir.walk_everything(patient, search, to=subject)
    return Response(write_searchset(found, head, fhir.base), mimetype=FHIR_JSON)


@routes.route(
    "GET", "/fhir/DiagnosticReport/<identifier>/$document", raises=(NotFound, NotAcceptable)
)
def read_document(fhir: FhirService, *, identifier: str, subject: Subject) -> Response:
    """A report with all that it refers to, as a document."""
    refuse_other_forms()
    resources, others = fhir.read_document(identifier, to=subject)
    return _answer(document(resources, others, fhir.base))


def _search(fhir: FhirService, name: str, sent: list[tuple[str, str]], to: Subject) -> Response:
    refuse_other_forms()
    kind = _kind(name)
    if not kind.searched:
        raise UnknownKind(f"{kind.name} is read by its id alone")
    search = read_search(kind, sent, strict=_strict(), base=fhir.base)
    page = fhir.page(search, to=to)
    return _answer(searchset(page, search, f"{fhir.base}/{kind.name}", fhir.base))


def _kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind
    return kind


def _read_binary(fhir: FhirService, identifier: str, to: Subject) -> Response:
    content, media_type = fhir.read_binary(identifier, to=to)
    asked = request.accept_mimetypes.best_match([media_type, FHIR_JSON, "application/json"])
    if asked in (FHIR_JSON, "application/json") or request.args.get("_format") in JSON_FORMS:
        data = base64.b64encode(content).decode()
        return _answer(
            {"resourceType": "Binary", "id": identifier, "contentType": media_type, "data": data}
        )
    return Response(content, mimetype=media_type)


def _strict() -> bool:
    return "handling=strict" in request.headers.get("Prefer", "").replace(" ", "")


def refuse_other_forms() -> None:
    """Raises NotAcceptable where the answer is wanted in another form than JSON."""
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
