"""A row of the audit trail as an `AuditEvent`. https://hl7.org/fhir/R4/auditevent.html"""

from skinapi.integrations.fhir.elements import (
    DICOM,
    Element,
    Resource,
    coding,
    instant,
    made,
    own_system,
    reference,
)
from skinapi.platform.storage.ports import Document

ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
ACTIONS = {"create": "C", "read": "R", "delete": "D"}
DONE, MINOR_FAILURE = "0", "4"


def audit_event_of(row: Document) -> Resource:
    """Accounts are named by their ids alone, as in the trail."""
    action, outcome, owner = str(row["action"]), row.get("outcome"), row.get("owner")
    about: Element = {"what": _named("records", str(row["target"]))}
    patient: Element = {"what": reference("Patient", owner), "role": coding(ROLES, "1", "Patient")}
    kind = ("110110", "Patient Record") if owner else ("110100", "Application Activity")
    return made(
        "AuditEvent",
        row["id"],
        row["created_at"],
        type=coding(DICOM, *kind),
        subtype=[coding(own_system("audit-actions"), action)],
        action=ACTIONS.get(action.rpartition(".")[2], "U"),
        recorded=instant(row["created_at"]),
        outcome=DONE if outcome in (None, "done") else MINOR_FAILURE,
        outcomeDesc=outcome,
        agent=[{"who": _named("accounts", str(row["by"])), "requestor": True}],
        source={"observer": {"display": "SkinAPI"}},
        entity=[about, *([patient] if owner else [])],
    )


def _named(system: str, identifier: str) -> Element:
    return {"identifier": {"system": own_system(system), "value": identifier}}
