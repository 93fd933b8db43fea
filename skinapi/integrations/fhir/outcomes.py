"""Errors as `OperationOutcome`, and the errors that only FHIR has.

https://hl7.org/fhir/R4/operationoutcome.html, https://hl7.org/fhir/R4/valueset-issue-type.html
"""

import json
from collections.abc import Mapping

from flask import Response

from skinapi.base.errors import NotFound, SkinAPIError
from skinapi.integrations.fhir.elements import FHIR_JSON, Element, Resource, own_concept

ISSUE_TYPES: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
    507: "no-store",
}


class NotAcceptable(SkinAPIError):
    status, code = 406, "not_acceptable"
    sentence = "FHIR R4 is answered, as JSON alone: ask for application/fhir+json"


class UnknownKind(NotFound):
    code, sentence = "unknown_kind", "This server has no resources of that kind"


def outcome_of(*issues: Mapping[str, object]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def information(text: str) -> Element:
    return {"severity": "information", "code": "informational", "diagnostics": text}


def warning(text: str) -> dict[str, object]:
    return {"severity": "warning", "code": "not-supported", "diagnostics": text}


def operation_outcome(error: SkinAPIError) -> Response:
    """The answer for a client of FHIR. The code that other clients read stands in `details`."""
    return Response(json.dumps(outcome_of(issue_of(error))), error.status, mimetype=FHIR_JSON)


def issue_of(error: SkinAPIError) -> Element:
    return {
        "severity": "error",
        "code": ISSUE_TYPES.get(error.status, "exception"),
        "details": own_concept("errors", error.code, error.detail),
        "diagnostics": error.detail,
    }
