"""What is no finding: a person (`Patient`), their consents (`Consent`) and spots (`BodyStructure`),
and the versions of the model (`Device`).

A program reads a pseudonym: names and words that a person wrote are there for whoever reads them
elsewhere too (`may_name`).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.consents import ConsentGiven
from skinapi.base.subject import Subject
from skinapi.care.spots.records import Lesion
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

# https://hl7.org/fhir/R4/consent.html
CONSENT_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_CATEGORIES = "http://terminology.hl7.org/CodeSystem/consentcategorycodes"
# What a person agreed to: skinapi/base/words_en/consents.py.
PURPOSES = {
    "photos": "Photos are kept with the findings",
    "llm": "Figures of a finding may be sent to a language model, which words the report",
    "training": "Kept photos may be used to train models",
    "sharing": "The doctor in charge may ask a colleague about a finding",
}
FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
STATUSES = {"in_service": "active", "older": "inactive", "withdrawn": "inactive"}


def may_name(to: Subject) -> bool:
    """Whether the caller reads names: a person does; a program, where its key may read findings,
    which name their owner.
    """
    return to.key is None or "findings:read" in to.key.scopes


def patient_of(account: Account, to: Subject) -> Resource:
    named = may_name(to)
    links = [{"other": reference("Patient", other), "type": "replaces"} for other in account.joined]
    if account.joined_to and not links:
        links = [{"other": reference("Patient", account.joined_to), "type": "replaced-by"}]
    return made(
        "Patient",
        account.id,
        account.created_at,
        identifier=[{"system": own_system("accounts"), "value": account.id}],
        active=account.approved,
        link=links,
        name=[{"text": account.name}] if named else None,
        telecom=[{"system": "email", "value": account.email}] if named else None,
    )


def consents_of(
    account: Account, latest: Mapping[str, ConsentGiven], before: datetime
) -> Iterator[Resource]:
    """What the person has allowed, or not: nothing of what was never asked. A consent whose last
    change is not in `latest` has the date `before`.
    """
    for purpose, allowed in sorted(account.consents.items()):
        last = latest.get(purpose)
        changed_at = last.created_at if last else before
        rule = own_concept("consents", purpose, PURPOSES.get(purpose, purpose))
        if last and last.version:  # of the text that was shown
            rule["coding"][0]["version"] = str(last.version)
        yield made(
            "Consent",
            f"{account.id}-{purpose}",
            changed_at,
            status="active",
            scope=concept(coding(CONSENT_SCOPES, "patient-privacy")),
            category=[concept(coding(CONSENT_CATEGORIES, "idscl"))],
            patient=reference("Patient", account.id),
            dateTime=instant(changed_at),
            policyRule=rule,
            provision={"type": "permit" if allowed else "deny"},
        )


def body_structure_of(lesion: Lesion, to: Subject) -> Resource:
    place = lesion.place
    qualifiers = [("laterality", place.laterality), ("sides", place.side)]
    return made(
        "BodyStructure",
        lesion.id,
        lesion.created_at,
        identifier=[{"system": own_system("spots"), "value": lesion.id}],
        active=lesion.deleted_at is None,
        morphology=own_concept("morphologies", "spot", "Spot of the skin"),
        location=own_concept("body-sites", place.site, place.site.replace("_", " ")),
        locationQualifier=[own_concept(system, word, word) for system, word in qualifiers if word],
        description=lesion.name if may_name(to) else None,
        patient=reference("Patient", lesion.owner),
    )


def device_id(version: str) -> str:
    """The version itself where FHIR takes it as an id."""
    if FHIR_ID.fullmatch(version):
        return version
    return hashlib.sha256(version.encode()).hexdigest()[:32]


def device_reference(version: str) -> Element:
    return reference("Device", device_id(version), display=version)


def device_of(version: str, standing: VersionState, added_at: datetime) -> Resource:
    withdrawn_at = standing.withdrawn_at
    note = f"Withdrawn: rolled back at {instant(withdrawn_at)}" if withdrawn_at else None
    return made(
        "Device",
        device_id(version),
        withdrawn_at or added_at,
        identifier=[{"system": own_system("models"), "value": version}],
        status=STATUSES[standing.state],
        deviceName=[{"name": f"SkinAPI {version}", "type": "model-name"}],
        type=own_concept("devices", "model", "Neural network that assesses photos of skin lesions"),
        version=[{"value": version}],
        note=[{"text": note}] if note else None,
        safety=[own_concept("safety", "not-a-diagnosis", "Research and decision support. No "
                            "medical device; its output is no diagnosis")],
    )  # fmt: skip
