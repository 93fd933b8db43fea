from typing import Any

from tests.support.backends import Person

SCOPE = "fhir"


def path_of_finding(number: int) -> str:
    return f"/fhir/DiagnosticReport/{number}"


def path_of_patient(patient: str) -> str:
    return f"/fhir/Patient/{patient}"


def read_report(person: Person, number: int) -> Any:
    return person.call("GET", path_of_finding(number)).get_json(force=True)


def read_likely(person: Person, number: int) -> str:
    likely = person.call("GET", f"/fhir/Observation/{number}-likely-condition").get_json()
    assert likely["resourceType"] == "Observation"
    return f"{read_report(person, number)['text']} {likely}"


def list_ids(person: Person, patient: str) -> list[list[str]]:
    found = [
        person.call("GET", f"/fhir/{kind}?patient={patient}").get_json()["entry"]
        for kind in ("DiagnosticReport", "BodyStructure")
    ]
    return [[record["resource"]["id"] for record in records] for records in found]
