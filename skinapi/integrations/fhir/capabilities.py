"""What this server can do, as a `CapabilityStatement`: made of the table of kinds.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from collections.abc import Iterator

from skinapi.base.settings import VERSION
from skinapi.integrations.fhir.elements import FHIR_JSON, FHIR_VERSION, Element, Resource
from skinapi.integrations.fhir.kinds import KINDS, TAKEN, Kind

RELEASED = "2026-11-26"
SECURITY = (
    "Authorization: Bearer, with the token of a person or the key of a program with the scope fhir"
)
OPERATIONS = "http://hl7.org/fhir/OperationDefinition"


def capability_statement(base: str) -> Resource:
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
                "resource": [*map(_resource, KINDS.values()), *_only_created()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(kind: Kind) -> Element:
    searched = [{"name": one.name, "type": one.type} for one in kind.all_params]
    operations = [_operation(kind, name) for name in kind.operations]
    interactions = ["read", *(["search-type"] if kind.searched else [])]
    created = TAKEN.get(kind.name)
    if created:
        interactions.append("create")
    return {
        "type": kind.name,
        "documentation": ". ".join(filter(None, [kind.says, created])),
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "conditionalRead": "full-support",
        **({"conditionalCreate": True} if created else {}),
        **({"searchParam": searched} if searched else {}),
        **({"operation": operations} if operations else {}),
    }


def _only_created() -> Iterator[Element]:
    """What can be sent and not read."""
    for name, says in TAKEN.items():
        if name not in KINDS:
            yield {"type": name, "documentation": says, "interaction": [{"code": "create"}]}


def _operation(kind: Kind, name: str) -> Element:
    # $document is defined for Composition: https://hl7.org/fhir/R4/composition-operation-document.html
    definer = "Composition" if name == "document" else kind.name
    return {"name": name, "definition": f"{OPERATIONS}/{definer}-{name}"}
