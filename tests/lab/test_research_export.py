"""What research gets of reviewed findings: whose, what of each, and what never."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from skinapi.domain.subject import Subject
from skinapi.lab import research_export
from skinapi.storage.ids import now
from tests.lab.test_from_reviews import CONFIRMED, Clinic, clinic_of
from tests.support.backends import Backend, Person


@pytest.fixture
def clinic(backend: Backend) -> Clinic:
    return clinic_of(backend)


def patient_of(clinic: Clinic, **fields: Any) -> Person:
    doctor = clinic.backend.account(clinic.doctor.email).id
    given = {"doctor_id": doctor, "consents": {"research": True}, **fields}
    return clinic.backend.member(**given)


def lines(clinic: Clinic, by: Person | None = None) -> list[dict[str, Any]]:
    answer = (by or clinic.researcher).call("GET", "/research/findings?format=ndjson")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def noted(clinic: Clinic) -> list[str]:
    return [
        row["target"] for row in clinic.backend.audit() if row["action"] == research_export.ACTION
    ]


def test_only_reviewed_findings_of_who_agrees_are_in_it(clinic: Clinic) -> None:
    ada = patient_of(clinic, name="Ada Example")
    clinic.finding(ada, {"label": "melanocytic_nevus", "note": "by her sister"}, CONFIRMED)
    clinic.finding(ada, {"label": "dermatofibroma"}, photo=False)
    clinic.finding(ada)  # nobody has reviewed it
    for given in ({}, {"research": False, "training": True}):
        clinic.finding(patient_of(clinic, consents=given), {})
    clinic.finding(patient_of(clinic, status="suspended"), {})
    leaves = patient_of(clinic)
    clinic.finding(leaves, {})
    clinic.backend.edit(leaves.email, deletion_due_at=now() + timedelta(days=7))
    rows = lines(clinic)
    assert {row["condition"] for row in rows} == {"melanoma", "dermatofibroma"}
    assert len(rows) == 2
    assert len({row["patient"] for row in rows}) == 1
    assert {row["histology"] for row in rows} == {"melanoma", None}
    assert all(len(row["month"]) == len("2026-11") for row in rows)
    said = json.dumps(rows)
    account = clinic.backend.account(ada.email)
    for secret in (account.id, "Ada", ada.email, "sister"):
        assert secret not in said
    assert noted(clinic) == [account.id]


def test_the_table_says_the_same_as_the_lines(clinic: Clinic) -> None:
    ada = patient_of(clinic)
    clinic.finding(ada, CONFIRMED)
    (line,) = lines(clinic)
    answer = clinic.researcher.call("GET", "/research/findings")
    assert answer.mimetype == "text/csv"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    for name in ("finding", "patient", "band", "stated", "condition", "histology", "month"):
        assert row[name] == (line[name] or "")
    assert float(row["p_melanoma"]) == line["probabilities"]["melanoma"]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_its_codes_are_the_same_each_time_and_not_those_of_a_data_set(clinic: Clinic) -> None:
    ada = patient_of(clinic, consents={"research": True, "training": True})
    clinic.finding(ada, CONFIRMED)
    (first,), (second,) = lines(clinic), lines(clinic)
    assert (first["patient"], first["finding"]) == (second["patient"], second["finding"])
    (image,) = clinic.images(clinic.dataset())
    assert not {first["patient"], first["finding"]} & {image["patient"], image["image_id"]}


def test_who_withdraws_the_consent_is_in_no_later_row(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while an export is being written; whoever is in it already stands in the audit trail."""
    monkeypatch.setattr(research_export, "READ_AT_ONCE", 1)
    ada, bob = (patient_of(clinic) for _ in range(2))
    for person in (ada, bob):
        clinic.finding(person, CONFIRMED)
    services = clinic.backend.services
    batches = services.lab.research.walk(by=_subject(clinic))
    first = next(batches)
    assert len(first) == 1
    (seen,) = noted(clinic)
    people = {clinic.backend.account(one.email).id: one for one in (ada, bob)}
    other = next(person for identifier, person in people.items() if identifier != seen)
    assert other.call("PUT", "/me/consents", json={"research": False}).status_code == 200
    assert [row for rows in batches for row in rows] == []
    assert noted(clinic) == [seen]
    assert people[seen].call("PUT", "/me/consents", json={"research": False}).status_code == 200
    assert lines(clinic) == []


def _subject(clinic: Clinic) -> Subject:
    account = clinic.backend.account(clinic.researcher.email)
    return Subject(id=account.id, role="researcher", session_id="", account=account)


def test_many_findings_are_all_in_it_once(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(research_export, "READ_AT_ONCE", 3)
    ada, bob = (patient_of(clinic) for _ in range(2))
    for _ in range(4):
        clinic.finding(ada, CONFIRMED)
        clinic.finding(bob, {})
    rows = lines(clinic, clinic.backend.member(role="admin"))
    assert len({row["finding"] for row in rows}) == len(rows) == 8
    assert len(noted(clinic)) == 2


@pytest.mark.parametrize("query", ["format=xlsx", "format=csv&patient=1"])
def test_another_question_is_refused(clinic: Clinic, query: str) -> None:
    assert clinic.researcher.call("GET", f"/research/findings?{query}").status_code == 400
