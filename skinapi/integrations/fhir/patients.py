"""A person, their consents and their spots: `Patient`, `Consent`, `BodyStructure`.

A program reads a pseudonym: names and words that a person wrote are there for whoever reads them
elsewhere too (`may_name`).
"""

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

# https://hl7.org/fhir/R4/consent.html
CONSENT_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_CATEGORIES = "http://terminology.hl7.org/CodeSystem/consentcategorycodes"
# What each consent of an account allows. What a person agreed to:
# skinapi/base/words_en/consents.py.
PURPOSES = {
    "photos": "Photos are kept with the findings",
    "llm": "Figures of a finding may be sent to a language model, which words the report",
    "training": "Kept photos may be used to train models",
    "sharing": "The doctor in charge may ask a colleague about a finding",
}


def may_name(to: Subject) -> bool:
    """Whether the caller reads names: a person does; a program, where its key may read findings,
    which name their owner.
    """
    return to.key is None or "findings:read" in to.key.scopes


def patient_reference(account_id: str) -> Element:
    return reference("Patient", account_id)


def patient_of(account: Account, to: Subject) -> Resource:
    named = may_name(to)
    return made(
        "Patient",
        account.id,
        account.created_at,
        identifier=[{"system": own_system("accounts"), "value": account.id}],
        active=account.approved,
        link=[{"other": patient_reference(other), "type": "replaces"} for other in account.joined]
        or (
            account.joined_to
            and [{"other": patient_reference(account.joined_to), "type": "replaced-by"}]
        ),
        name=[{"text": account.name}] if named else None,
        telecom=[{"system": "email", "value": account.email}] if named else None,
    )


def consents_of(
    account: Account, latest: Mapping[str, ConsentGiven], before: datetime
) -> Iterator[Resource]:
    """What the person has allowed, or not: nothing of what was never asked. `latest` is the last
    change of each; of one that was not noted the date is `before`. The version is that of the text
    that was shown, where that is known.
    """
    for purpose, allowed in sorted(account.consents.items()):
        last = latest.get(purpose)
        changed_at = last.created_at if last else before
        rule = own_concept("consents", purpose, PURPOSES.get(purpose, purpose))
        if last and last.version:
            rule["coding"][0]["version"] = str(last.version)
        yield made(
            "Consent",
            f"{account.id}-{purpose}",
            changed_at,
            status="active",
            scope=concept(coding(CONSENT_SCOPES, "patient-privacy")),
            category=[concept(coding(CONSENT_CATEGORIES, "idscl"))],
            patient=patient_reference(account.id),
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
        patient=patient_reference(lesion.owner),
    )
