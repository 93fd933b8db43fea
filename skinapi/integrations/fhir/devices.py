"""A version of the model as a `Device`, and which one made which finding as a `Provenance`.

https://hl7.org/fhir/R4/device.html, https://hl7.org/fhir/R4/provenance.html
"""

import hashlib
import re
from datetime import datetime

from skinapi.findings.records.submission import Submission
from skinapi.integrations.fhir.elements import (
    Element,
    Resource,
    coding,
    concept,
    instant,
    made,
    own_concept,
    own_system,
    reference,
)
from skinapi.model.registry.version_service import VersionState

FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
STATUSES = {"in_service": "active", "older": "inactive", "withdrawn": "inactive"}


def device_id(version: str) -> str:
    """The version itself where FHIR takes it as an id."""
    if FHIR_ID.fullmatch(version):
        return version
    return hashlib.sha256(version.encode()).hexdigest()[:32]


def device_reference(version: str) -> Element:
    return reference("Device", device_id(version), display=version)


def device_of(version: str, standing: VersionState, since: datetime) -> Resource:
    """`since` is when the version was added, or its first finding was made."""
    withdrawn_at = standing.withdrawn_at
    note = f"Withdrawn: rolled back at {instant(withdrawn_at)}" if withdrawn_at else None
    return made(
        "Device",
        device_id(version),
        withdrawn_at or since,
        identifier=[{"system": own_system("models"), "value": version}],
        status=STATUSES[standing.state],
        deviceName=[{"name": f"SkinAPI {version}", "type": "model-name"}],
        type=own_concept("devices", "model", "Neural network that assesses photos of skin lesions"),
        version=[{"value": version}],
        note=[{"text": note}] if note else None,
        safety=[own_concept("safety", "not-a-diagnosis", "Research and decision support. No "
                            "medical device; its output is no diagnosis")],
    )  # fmt: skip


def provenance_of(
    submission: Submission, targets: list[Element], sources: list[Element]
) -> Resource:
    """Which model made the finding, of which photos, and which doctor signed what counts."""
    decision = submission.decision
    agents: list[Element] = [
        {
            "type": concept(coding(PARTICIPANTS, "assembler")),
            "who": device_reference(submission.finding.model_version),
        }
    ]
    if decision:
        verifier = concept(coding(PARTICIPANTS, "verifier"))
        agents.append({"type": verifier, "who": {"display": decision.decided_by}})
    return made(
        "Provenance",
        submission.number,
        submission.changed_at,
        target=targets,
        occurredDateTime=instant(submission.created_at),
        recorded=instant(decision.decided_at if decision else submission.created_at),
        agent=agents,
        entity=[{"role": "source", "what": source} for source in sources],
    )
