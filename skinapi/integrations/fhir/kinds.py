"""The one table of resources: what can be read and searched, and by which parameters. Routes and
the `CapabilityStatement` are made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ParamType = Literal["token", "reference", "date", "string"]


@dataclass(frozen=True)
class Param:
    """A search parameter. `path` is the element that it is compared with; the others are read from
    the store by.
    """

    name: str
    type: ParamType
    path: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of resource. `dated`: it can be searched by `_lastUpdated`, and sorted by it."""

    name: str
    says: str
    params: tuple[Param, ...] = ()
    operations: tuple[str, ...] = ()
    searched: bool = True
    dated: bool = False

    def param(self, name: str) -> Param | None:
        return next((one for one in self.all_params if one.name == name), None)

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
# The identifier of an order, in the two ways that R4 has; the order itself is not kept.
BY_ORDER = ("based-on:identifier", "based-on.identifier")
CONCLUSION = Param("conclusion", "token", "conclusionCode")

_ALL = (
    Kind(
        "Patient",
        "An account under its id. Name and e-mail are there for a person, and for a program whose "
        "key has findings:read too",
        (IDENTIFIER,),
        operations=("everything",),
    ),
    Kind(
        "DiagnosticReport",
        "A finding. Preliminary until a doctor has signed; the conclusion is the doctor's",
        (
            *(PATIENT, SUBJECT, IDENTIFIER, STATUS, CODE, CATEGORY, DATE, ISSUED, CONCLUSION),
            BASED_ON,
        ),
        operations=("document",),
        dated=True,
    ),
    Kind(
        "Observation",
        "What the model says of a photo, and what was measured or decided",
        (PATIENT, SUBJECT, STATUS, CODE, CATEGORY, DATE),
        dated=True,
    ),
    Kind(
        "Media",
        "A photo that is kept; its content is a Binary",
        (PATIENT, SUBJECT, IDENTIFIER, STATUS, CREATED),
        dated=True,
    ),
    Kind(
        "Provenance",
        "Which model made a finding, and which doctor signed what counts",
        (PATIENT,),
        dated=True,
    ),
    Kind("BodyStructure", "A spot of the skin", (PATIENT, IDENTIFIER)),
    Kind("Consent", "What a person has allowed, or not", (PATIENT, STATUS)),
    Kind("Device", "A version of the model", (IDENTIFIER, STATUS)),
    Kind("AuditEvent", "A row of the audit trail", (Param("subtype", "token", "subtype"),),
         dated=True),
    Kind("Binary", "A photo as JPEG, or a report as PDF", searched=False),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
# Of $everything.
EVERYTHING = Kind("Patient", "", (Param("_since", "date"), Param("_type", "token", "resourceType")))
# What can be sent, and what becomes of it.
TAKEN: Mapping[str, str] = {
    "Patient": "Found by its identifier, or added. Of what is sent, a hash of that is kept",
    "ServiceRequest": "With an identifier, and with photos: contained (Media or Binary), or beside "
    "it in a transaction. It becomes a DiagnosticReport and is not kept itself",
}
# Those that are made of a finding.
OF_FINDINGS = ("DiagnosticReport", "Observation", "Media", "Provenance")
