from typing import Any

from werkzeug.test import TestResponse

from tests.integrations.dicom.sent_objects import sends_dicom
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, Person
from tests.support.reviews import signed_review
from tests.use_cases.findings import rows_of
from tests.use_cases.use_case import UseCase, notices_to


def with_an_archive(backend: Backend) -> tuple[Person, Person]:
    grey = backend.member(role="doctor")
    archive = clinic_wide(backend, scopes=["dicom"], doctor=grey.email)
    file_for_number(archive, "P-1")
    (waiting,) = grey.call("GET", "/queue").get_json()
    said = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(grey, waiting["id"], said)
    return archive, grey


def file_for_number(archive: Person, number: str) -> TestResponse:
    told = {"SOPInstanceUID": "1.2.3.4", "PatientID": number, "IssuerOfPatientID": archive.token}
    return archive.call("POST", "/dicom/studies", **sends_dicom(**told))


def correct_the_number(_: Backend, people: tuple[Person, Person]) -> TestResponse:
    return file_for_number(people[0], "P-2")


def archived_findings(backend: Backend, people: tuple[Person, Person]) -> Any:
    archive, grey = people
    key = backend.services.data.keys.find_by_secret(archive.token)
    mine = {"filed_by": key and key.account}
    stored = backend.services.store.collection("submissions").find(mine, sort="number")
    waiting = [grey.call("GET", f"/queue?reviewed={said}").get_json() for said in ("true", "false")]
    return (
        ["error" in item for item in stored],
        [len(items) for items in waiting],
        grey.call("GET", "/outcomes").get_json(),
        notices_to(backend, backend.account(grey.email).id),
        [rows_of(backend, item["id"]) for item in stored],
    )


USE_CASES = (UseCase("correct a number", with_an_archive, correct_the_number, archived_findings),)
