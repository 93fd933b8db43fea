"""Elements of FHIR R4 resources, errors and bundles, as plain JSON values.

Models of `fhir.resources` would take 29 MB and 0.7 s at the start, and ten times as long for a
page. The tests validate every kind of resource with these models and a second implementation.
Neither checks statuses and codes. https://hl7.org/fhir/R4/datatypes.html
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from skinapi.base.errors import SkinAPIError
from skinapi.model.conditions import conditions_table

Resource = dict[str, Any]
Element = dict[str, Any]

FHIR_VERSION = "4.0.1"
FHIR_JSON = "application/fhir+json"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
DATA_ABSENT_CODES = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
OF_BODY_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/bodySite"
# An order is not stored, so it is named by the number of its report.
ORDERS = "orders"
# https://hl7.org/fhir/R4/valueset-issue-type.html
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


def own_system(name: str) -> str:
    return f"urn:skinapi:{name}"


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reference(kind: str, identifier: object, **more: str) -> Element:
    return {"reference": f"{kind}/{identifier}", **more}


def coding(system: str, code: str, display: str | None = None) -> Element:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: Element, text: str | None = None) -> Element:
    return {
        **({"coding": list(codings)} if codings else {}),
        **({"text": text} if text else {}),
    }


def own_concept(system: str, code: str, text: str | None = None) -> Element:
    return concept(coding(own_system(system), code), text=text)


def absent(reason: str, text: str) -> Element:
    return concept(coding(DATA_ABSENT_CODES, reason), text=text)


def share(value: float) -> Element:
    """A number from 0 to 1. JSON writes a very small one as 1e-07, which is a valid decimal."""
    return {"value": round(value, 6), "system": UCUM, "code": "1"}


def condition_concept(key: str) -> Element:
    """A condition in our words, and in equivalent public codes. A bundle of diseases has none: each
    of its codes means less than the bundle.
    """
    known = conditions_table().label(key)
    codings = [coding(own_system("conditions"), key, known.names.en)]
    if not known.bundle:
        by_system: Mapping[str, Iterable[str]] = {
            SNOMED: known.codes.snomed,
            ICD10CM: known.codes.icd10cm,
            ICDO3: known.codes.icdo3,
        }
        codings += [coding(system, code) for system, codes in by_system.items() for code in codes]
    return concept(*codings, text=known.names.en)


def made(kind: str, resource_id: object, changed_at: datetime, /, **elements: Any) -> Resource:
    content = {name: value for name, value in elements.items() if value not in (None, [], {})}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    meta = {
        # It is the ETag too: what has another content has another version.
        "versionId": hashlib.sha256(text.encode()).hexdigest()[:16],
        "lastUpdated": instant(changed_at),
    }
    return {"resourceType": kind, "id": str(resource_id), "meta": meta, **content}


def outcome_of(*issues: Element) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def information(text: str) -> Element:
    return {"severity": "information", "code": "informational", "diagnostics": text}


def issue_of(error: SkinAPIError) -> Element:
    return {
        "severity": "error",
        "code": ISSUE_TYPES.get(error.status, "exception"),
        "details": own_concept("errors", error.code, error.detail),
        "diagnostics": error.detail,
    }


def entry_of(resource: Resource, base: str, mode: str | None = None) -> Element:
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    searched = {"search": {"mode": mode}} if mode else {}
    return {"fullUrl": address, "resource": resource, **searched}
