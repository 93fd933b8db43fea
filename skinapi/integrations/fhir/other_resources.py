"""A person (`Patient`) and their spots (`BodyStructure`).

A program reads a pseudonym. It gets names and free text only if its key may read them elsewhere too
(`may_name`).
"""

from skinapi.accounts.auth.account import Account, Subject
from skinapi.findings.records.lesions import Lesion
from skinapi.integrations.fhir.elements import (
    Resource,
    made,
    own_concept,
    own_system,
    reference,
)


def may_name(to: Subject) -> bool:
    """A person may read names, and so may a program whose key reads findings, which include
    them.
    """
    return to.key is None or "findings:read" in to.key.scopes


def patient_of(account: Account, to: Subject) -> Resource:
    named = may_name(to)
    return made(
        "Patient",
        account.id,
        account.created_at,
        identifier=[{"system": own_system("accounts"), "value": account.id}],
        active=account.approved,
        name=[{"text": account.name}] if named else None,
        telecom=_telecoms(account) if named else None,
    )


def moved_patient(identifier: str, into: Account) -> Resource:
    return made(
        "Patient",
        identifier,
        into.created_at,
        identifier=[{"system": own_system("accounts"), "value": identifier}],
        active=False,
        link=[{"other": reference("Patient", into.id), "type": "replaced-by"}],
    )


def _telecoms(account: Account) -> list[Resource]:
    ways = {"email": account.email, "phone": account.phone}
    return [{"system": system, "value": value} for system, value in ways.items() if value]


def body_structure_of(lesion: Lesion, to: Subject) -> Resource:
    place = lesion.place
    qualifiers = [("laterality", place.laterality), ("sides", place.side)] if place else []
    return made(
        "BodyStructure",
        lesion.id,
        lesion.created_at,
        identifier=[{"system": own_system("spots"), "value": lesion.id}],
        active=True,
        morphology=own_concept("morphologies", "spot", "Spot of the skin"),
        location=own_concept("body-sites", place.site, place.site.replace("_", " "))
        if place
        else None,
        locationQualifier=[own_concept(system, word, word) for system, word in qualifiers if word],
        description=lesion.name if may_name(to) else None,
        patient=reference("Patient", lesion.owner),
    )
