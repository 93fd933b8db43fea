"""Findings: filed, reviewed, reported, deleted."""

from typing import Any

from tests.backends import Backend, Person
from tests.prediction.photographer import predicted, send
from tests.use_cases.use_case import UseCase


def a_patient_of_a_doctor(backend: Backend) -> tuple[Person, Person]:
    grey = backend.member(role="doctor")
    return backend.member(doctor_id=backend.account(grey.email).id), grey


def with_a_finding(backend: Backend) -> tuple[Person, Person]:
    people = a_patient_of_a_doctor(backend)
    predicted(people[0])
    return people


def file_one(_: Backend, people: tuple[Person, Person]) -> object:
    return send(people[0])


def file_one_with_its_photo(_: Backend, people: tuple[Person, Person]) -> object:
    return send(people[0], keep_photo="true")


def delete_it(_: Backend, people: tuple[Person, Person]) -> object:
    (finding,) = people[0].call("GET", "/submissions").get_json()
    return people[0].call("DELETE", f"/submissions/{finding['id']}")


def lists_and_rows(backend: Backend, people: tuple[Person, Person]) -> Any:
    """What the patient and the doctor have in their lists, and what the trail says."""
    ada, grey = people
    own = ada.call("GET", "/submissions").get_json()
    patients = grey.call("GET", "/patients").get_json()
    reader = backend.member(role="admin")
    account = backend.account(ada.email)
    rows = reader.call("GET", f"/audit?account={account.id}").get_json()
    return (
        [finding["band"] for finding in own],
        [patient["waiting_band"] for patient in patients],
        [(row["action"], row["outcome"]) for row in rows],
    )


USE_CASES = (
    UseCase("file a finding", a_patient_of_a_doctor, file_one, lists_and_rows),
    UseCase("file with photo", a_patient_of_a_doctor, file_one_with_its_photo, lists_and_rows),
    UseCase("delete a finding", with_a_finding, delete_it, lists_and_rows),
)
