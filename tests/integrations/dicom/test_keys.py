"""A key with the scope `dicom`: what it counts for, and for whom it files."""

from pathlib import Path

from tests.integrations.dicom.sent_objects import sends_dicom
from tests.integrations.test_doctors_of_patients import GREY, HOUSE, in_charge
from tests.integrations.test_keys import clinic_wide, made
from tests.support.backends import Backend


def test_what_the_proxy_asks_first_does_not_count_against_its_quota(backend: Backend) -> None:
    program, _ = made(backend.member(), scopes=["dicom"], quota=1)
    for _ in range(3):
        assert program.call("GET", "/dicom/admission").status_code == 200
    assert program.call("POST", "/dicom/studies").status_code == 415
    assert program.call("POST", "/dicom/studies").status_code == 429


def test_an_object_whose_number_has_a_character_that_nobody_sees_is_refused(
    shared_backend: Backend,
) -> None:
    caller = clinic_wide(shared_backend, scopes=["dicom"])
    before = shared_backend.stored()["accounts"]
    named = {"PatientID": "PAT\u200b1", "SpecificCharacterSet": "ISO_IR 192"}
    answer = caller.call("POST", "/dicom/studies", **sends_dicom(**named))
    assert (answer.status_code, "nobody sees (U+200B)" in answer.text) == (409, True)
    assert shared_backend.stored()["accounts"] == before


def test_a_key_names_the_doctor_of_the_patients_whom_it_adds(tmp_path: Path) -> None:
    backend = Backend(tmp_path, default_doctor=GREY)
    for email in (GREY, HOUSE):
        backend.member(email, role="doctor")
    program = clinic_wide(backend, scopes=["dicom"], doctor=HOUSE)
    sent = program.call("POST", "/dicom/studies", **sends_dicom())
    assert sent.status_code == 200, sent.text
    newest = backend.stored()["submissions"][-1]
    assert in_charge(backend, newest["owner"]) == HOUSE
