from datetime import datetime
from typing import Any

import pytest

from skinapi.care.pending_comparisons import PendingComparisons
from skinapi.findings.records import new_findings as module
from skinapi.findings.records.new_findings import NewFinding, NewVersion
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from tests.support.access import SECTIONS
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.reviews import signed_review

URGENT, REFERRAL, REVIEW, ROUTINE = list(Band)[:4]


def patient_in_care(backend: Backend) -> tuple[Person, Person]:
    doctor = backend.member(role="doctor")
    return doctor, patient_of(backend, doctor)


def file_at(
    backend: Backend, patient: Person, band: Band, at: datetime, patch: pytest.MonkeyPatch
) -> int:
    patch.setattr(module, "now", lambda: at)
    return file_for(backend, patient, band).number


def file_for(backend: Backend, patient: Person, band: Band, **fields: Any) -> StoredFinding:
    given = {"finding": finding_of(band=band), "context": Context(), "language": "en", **fields}
    photo = given.pop("photo_blob", None)
    if photo:
        given["blobs"] = (photo,)
    new = NewFinding(
        owner=backend.account(patient.email).id,
        sections=dict.fromkeys(SECTIONS, "said"),
        narrative_source={"writer": "template"},
        **given,
    )
    return file_new(backend, new)


def judge_anew(backend: Backend, number: int, band: Band, **fields: Any) -> StoredFinding:
    findings = backend.services.findings
    before = findings.records.find_by_number(number)
    assert before
    given = {
        "finding": finding_of(band=band),
        "context": before.context,
        "sections": before.sections,
        "narrative_source": before.narrative_source,
        "corrected": (),
        "by": before.owner,
        **fields,
    }
    findings.add_version(before=before, new=NewVersion(**given))
    after = findings.records.find_by_number(number)
    assert after
    return after


def file_new(backend: Backend, new: NewFinding) -> StoredFinding:
    findings = backend.services.findings
    number = findings.records.take_number()
    return findings.file(new, findings.records.prepare(new, number=number))


def file_scored(backend: Backend, patient: Person, score: float, band: Band = REVIEW) -> int:
    finding = finding_of(band=band, malignant_score=score)
    return file_for(backend, patient, band, finding=finding).number


def compare_pending(backend: Backend) -> None:
    backend.services.get(PendingComparisons).run_once()


def patient_of(backend: Backend, doctor: Person, name: str = "Ada Example") -> Person:
    return backend.member(name=name, doctor_id=backend.account(doctor.email).id)


def numbers(person: Person, path: str) -> list[int]:
    return [item["id"] for item in person.pages(path)]


def review(doctor: Person, number: int, **more: str) -> None:
    # Its photo was not kept.
    body = {"label": "melanoma", "certainty": "sure", **more}
    signed_review(doctor, number, body)
