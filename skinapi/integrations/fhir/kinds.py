"""The table of resources, with their searches. Routes and the `CapabilityStatement` are made from
it. https://hl7.org/fhir/R4/capabilitystatement.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skinapi.base.settings.settings import VERSION
from skinapi.integrations.fhir.elements import FHIR_JSON, FHIR_VERSION, Element, Resource

RELEASED = "2026-11-28"
SECURITY = (
    "Authorization: Bearer, with the token of a person or the key of a program with the scope fhir"
)


@dataclass(frozen=True)
class Param:
    """`path` is the element to compare. Parameters without one are resolved by the store."""

    name: str
    type: Literal["token", "reference", "date"]
    path: str | None = None


@dataclass(frozen=True)
class Kind:
    name: str
    says: str
    params: tuple[Param, ...] = ()
    searched: bool = True
    dated: bool = False

    def param(self, name: str) -> Param | None:
        return next((param for param in self.all_params if param.name == name), None)

    @property
    def all_params(self) -> tuple[Param, ...]:
        if not self.searched:
            return ()
        dated = (LAST_UPDATED,) if self.dated else ()
        return (ID, *dated, *self.params)


ID = Param("_id", "token")
LAST_UPDATED = Param("_lastUpdated", "date")
IDENTIFIER = Param("identifier", "token")
PATIENT, SUBJECT = Param("patient", "reference"), Param("subject", "reference")
STATUS, CODE = Param("status", "token", "status"), Param("code", "token", "code")
CATEGORY = Param("category", "token", "category")
DATE = Param("date", "date", "effectiveDateTime")
CREATED = Param("created", "date", "createdDateTime")
ISSUED = Param("issued", "date", "issued")
BASED_ON = Param("based-on", "reference")
# The identifier of an order, which is not stored itself.
BY_ORDER = "based-on:identifier"
CONCLUSION = Param("conclusion", "token", "conclusionCode")

_ALL = (
    Kind(
        "Patient",
        "An account under its id. Name and e-mail are there for a person, and for a program whose "
        "key has findings:read too",
        (IDENTIFIER,),
    ),
    Kind(
        "DiagnosticReport",
        "A finding. Preliminary until a doctor has signed; the conclusion is the doctor's",
        (
            *(PATIENT, SUBJECT, IDENTIFIER, STATUS, CODE, CATEGORY, DATE, ISSUED, CONCLUSION),
            BASED_ON,
        ),
        dated=True,
    ),
    Kind(
        "Observation",
        "What the model says of a photo, and what was answered or decided",
        (PATIENT, SUBJECT, STATUS, CODE, CATEGORY, DATE),
        dated=True,
    ),
    Kind(
        "Media",
        "A photo that is kept; its content is a Binary",
        (PATIENT, SUBJECT, IDENTIFIER, STATUS, CREATED),
        dated=True,
    ),
    Kind("BodyStructure", "A spot of the skin", (PATIENT, IDENTIFIER)),
    Kind("Binary", "A photo as JPEG, or a report as PDF", searched=False),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
# Resources that can be sent, and their results.
TAKEN: Mapping[str, str] = {
    "Patient": "Found by its identifier, or added. A hash of that is kept, and a phone number",
    "ServiceRequest": "With an identifier, and with photos: contained (Media or Binary), or beside "
    "it in a transaction. It becomes a DiagnosticReport and is not kept itself",
}
# Resources made from a finding.
OF_FINDINGS = ("DiagnosticReport", "Observation", "Media")


def capability_statement(base: str) -> Resource:
    # Resources that can be sent but not read.
    created = [
        {"type": name, "documentation": text, "interaction": [{"code": "create"}]}
        for name, text in TAKEN.items()
        if name not in KINDS
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": "SkinAPI", "version": VERSION},
        "implementation": {"description": "SkinAPI", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": SECURITY},
                "resource": [*map(_capability, KINDS.values()), *created],
                "interaction": [{"code": "transaction"}],
            }
        ],
    }


def _capability(kind: Kind) -> Element:
    searched = [{"name": param.name, "type": param.type} for param in kind.all_params]
    created = TAKEN.get(kind.name)
    interactions = {"read": True, "search-type": kind.searched, "create": created is not None}
    return {
        "type": kind.name,
        "documentation": ". ".join(filter(None, [kind.says, created])),
        "interaction": [{"code": code} for code, offered in interactions.items() if offered],
        "versioning": "versioned",
        "conditionalRead": "full-support",
        **({"conditionalCreate": True} if created else {}),
        **({"searchParam": searched} if searched else {}),
    }
