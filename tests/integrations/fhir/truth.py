"""What a health record reads of a spot, for tests/use_cases/test_one_truth.py."""

import re
from collections.abc import Iterator
from typing import Any

from skinapi.findings.status.decisions import WaitsFor
from skinapi.model.conditions import Band, conditions_table
from tests.integrations.fhir.test_search import OF_PATIENT, walk_patient
from tests.use_cases.spot_history import History, Patient
from tests.use_cases.test_one_truth import Told, Truth, text_of


def walk(history: History) -> Iterator[Told]:
    """What an EHR reads: each report and what its doctor has decided."""
    found = everything(history, history.patient)
    for number in history.numbers:
        truth, path = Truth(history, number, "program"), f"DiagnosticReport/{number}"
        report = found[path]
        text = text_of(f"<main>{report['text']['div']}")
        if truth.own.decision or truth.elsewhere:
            yield Told(f"{path} text", asked_of_doctor(text), asks_doctor(truth))
        decided = found.get(f"Observation/{number}-decided-urgency", {})
        codes = [item["code"] for item in decided.get("valueCodeableConcept", {}).get("coding", [])]
        yield Told(f"{path} decided-urgency", codes, [truth.decided] if truth.decided else [])
        if not truth.elsewhere:
            settled = truth.own.decision is not None and truth.own.decision.final
            is_settled = report["status"] in ("final", "amended")
            yield Told(f"{path} status", is_settled, settled)


def walk_gone(history: History, patient: Patient, number: int) -> Iterator[Told]:
    report = history.program.call("GET", f"/fhir/DiagnosticReport/{number}").get_json(force=True)
    yield Told(f"gone {number} FHIR", report.get("status", "entered-in-error"), "entered-in-error")
    for path, resource in everything(history, patient.id).items():
        if re.search(rf"/{number}(-|$)", path) and not path.startswith("Patient/"):
            yield Told(f"gone {path}", resource.get("status"), "entered-in-error")


def list_paths(patient: str) -> list[str]:
    return [f"/fhir/{kind}?patient={patient}&_count=200" for kind in OF_PATIENT]


def everything(history: History, patient: str) -> dict[str, Any]:
    found = walk_patient(history.program, patient)
    return {f"{record['resourceType']}/{record['id']}": record for record in found}


def asked_of_doctor(text: str) -> set[Band]:
    """The bands whose words for a doctor stand in a text."""
    table = conditions_table()
    labels = {band: table.band_words(band, "en").doctor_label for band in Band}
    return {band for band, said in labels.items() if f"{said}." in " ".join(text.split())}


def asks_doctor(truth: Truth) -> set[Band]:
    return set() if truth.counts.waits_for is WaitsFor.PHOTO else {truth.counts.band}
