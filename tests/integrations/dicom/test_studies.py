"""QIDO-RS and WADO-RS: who finds and fetches which studies, and how they are asked for."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import dcmread

from skinapi.base.errors import NotFound
from skinapi.findings.reports.service import ReportsService
from tests.findings.prediction.photographer import predicted
from tests.findings.records.test_holds import in_days
from tests.integrations.dicom.reading_back import (
    OBJECTS,
    fetch,
    parts_of,
    search,
    study_of,
    value_of,
)
from tests.integrations.dicom.test_objects import clinic_with_finding, sign
from tests.integrations.test_keys import clinic_wide, made
from tests.support.backends import Backend, Person, change_account

JPEG, UNCOMPRESSED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"


def test_a_study_says_its_patient_its_day_and_what_it_holds(backend: Backend) -> None:
    _, ada, number = clinic_with_finding(backend, modality="dermoscopic")
    [found] = search(ada)
    assert value_of(found, "PatientID") == backend.account(ada.email).id
    assert value_of(found, "PatientName") == ""
    assert value_of(found, "StudyID") == str(number)
    assert value_of(found, "ModalitiesInStudy") == ["DMS", "DOC", "OT", "SR"]
    assert value_of(found, "NumberOfStudyRelatedInstances") == 4
    study = value_of(found, "StudyInstanceUID")
    assert value_of(found, "RetrieveURL").endswith(f"/dicom/studies/{study}")
    series = search(ada, f"/dicom/studies/{study}/series")
    assert [value_of(one, "Modality") for one in series] == ["DMS", "OT", "SR", "DOC"]
    instances = search(ada, f"/dicom/studies/{study}/instances")
    assert len(instances) == 4
    assert value_of(instances[0], "Rows") == 225
    named = {value_of(one, "SOPInstanceUID") for one in instances}
    assert named == {one.SOPInstanceUID for one in fetch(ada, f"/dicom/studies/{study}")}
    for one in instances:
        [only] = fetch(ada, f"/dicom{path_of(one)}")
        assert only.SOPInstanceUID == value_of(one, "SOPInstanceUID")


def path_of(instance: dict[str, Any]) -> str:
    return str(value_of(instance, "RetrieveURL")).partition("/dicom")[2]


def test_a_query_selects_by_day_patient_and_what_a_study_holds(backend: Backend) -> None:
    doctor, ada, _ = clinic_with_finding(backend)
    bob = backend.member(doctor_id=backend.account(doctor.email).id)
    predicted(bob, keep_photo="false")
    predicted(bob, keep_photo="true", modality="dermoscopic")
    [first, second, third] = search(doctor)
    day = value_of(first, "StudyDate")
    patient = value_of(first, "PatientID")
    for query, wanted in (
        ({"StudyDate": day}, [first, second, third]),
        ({"StudyDate": f"20200101-{day}"}, [first, second, third]),
        ({"StudyDate": f"{int(day) + 1}-"}, []),
        ({"00100020": patient}, [first]),
        ({"PatientID": patient[:-1] + "*"}, [first]),
        ({"ModalitiesInStudy": "XC"}, [first]),
        ({"ModalitiesInStudy": "DMS,XC"}, [first, third]),
        ({"SOPClassesInStudy": "1.2.840.10008.5.1.4.1.1.88.22"}, [first, second, third]),
        ({"StudyInstanceUID": value_of(third, "StudyInstanceUID")}, [third]),
        ({"StudyInstanceUID": "1.2.3"}, []),
        ({"StudyInstanceUID": value_of(third, "StudyInstanceUID"), "StudyDate": "20200101"}, []),
        ({"AccessionNumber": "7"}, []),
        ({"PatientID": "\0"}, []),
        ({"PatientName": "*"}, [first, second, third]),
        ({"limit": 1}, [first]),
        ({"limit": 1, "offset": 1}, [second]),
        ({"offset": 3}, []),
    ):
        assert uids_of(search(doctor, **query)) == uids_of(wanted), query
    assert uids_of(search(ada)) == uids_of([first])
    for limit, more in ((2, True), (3, False)):
        answer = doctor.call("GET", f"/dicom/studies?limit={limit}")
        assert ("offset" in answer.headers.get("Warning", "")) == more
    assert search(ada, PatientID=value_of(second, "PatientID")) == []


def uids_of(found: list[dict[str, Any]]) -> list[str]:
    return [value_of(one, "StudyInstanceUID") for one in found]


def test_a_query_that_means_nothing_gets_a_sentence(ada: Person) -> None:
    for query in (
        {"StudyDate": "yesterday"},
        {"StudyDate": "20261399"},
        {"StudyDate": "-"},
        {"StudyTime": "101500-"},
        {"limit": "-1"},
        {"limit": "٣"},
        {"offset": "99999999999"},
        {"Nonsense": "1"},
        {"includefield": "<script>"},
        {"fuzzymatching": "true"},
        {"ffffffff": "1"},
    ):
        answer = ada.call("GET", "/dicom/studies", query_string=query)
        assert answer.status_code == 400, answer.text
        assert answer.get_json()["code"] == "invalid_query"


def test_what_is_no_study_is_not_found(ada: Person) -> None:
    strange = ("1.2.3", "2.25.", "2.25.1", f"2.25.{'9' * 39}", "2.25.1.9", "x", "2.25.1.1.1.1", "٣")
    for uid in strange:
        for path in ("", "/series", "/instances", "/metadata", f"/series/{uid}.1"):
            assert ada.call("GET", f"/dicom/studies/{uid}{path}").status_code == 404


def test_objects_come_as_the_client_accepts_them(backend: Backend) -> None:
    _, ada, _ = clinic_with_finding(backend)
    path = f"/dicom/studies/{study_of(ada)}"
    for accept, syntax in (
        (OBJECTS, JPEG),
        ('multipart/related; type="application/dicom"', UNCOMPRESSED),
        ("*/*", UNCOMPRESSED),
        (f"multipart/related; type=application/dicom; transfer-syntax={JPEG}", JPEG),
        (f"image/png, {OBJECTS}; q=0.5", JPEG),
    ):
        answer = ada.call("GET", path, headers={"Accept": accept})
        photo, *_ = [dcmread(io.BytesIO(part)) for part in parts_of(answer)]
        assert photo.file_meta.TransferSyntaxUID == syntax
        assert photo.pixel_array.shape == (225, 300, 3)
    for accept in (
        "application/json",
        'multipart/related; type="application/dicom+xml"',
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90',
        ";;;=,",
    ):
        answer = ada.call("GET", path, headers={"Accept": accept})
        assert answer.status_code == 406, answer.text
        assert "Accept" in answer.get_json()["detail"]


def test_pictures_and_the_report_are_shown_by_a_browser(backend: Backend) -> None:
    _, ada, number = clinic_with_finding(backend)
    photo, heat, structured, report = search(ada, f"/dicom/studies/{study_of(ada)}/instances")
    kept = ada.call("GET", f"/submissions/{number}/photo").data
    drawn = ada.call("GET", f"/submissions/{number}/heatmap").data
    for one, content in ((photo, kept), (heat, drawn)):
        path = f"/dicom{path_of(one)}"
        answer = ada.call("GET", f"{path}/rendered", headers={"Accept": "image/jpeg"})
        assert (answer.mimetype, answer.data) == ("image/jpeg", content)
        accept = {"Accept": 'multipart/related; type="image/jpeg"'}
        assert parts_of(ada.call("GET", f"{path}/frames/1", headers=accept)) == [content]
        assert ada.call("GET", f"{path}/frames/2").status_code == 404
    paper = ada.call("GET", f"/dicom{path_of(report)}/rendered")
    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF")
    assert ada.call("GET", f"/dicom{path_of(structured)}/rendered").status_code == 406
    assert ada.call("GET", f"/dicom{path_of(structured)}/frames/1").status_code == 404


def test_a_report_that_is_gone_breaks_the_answer_off(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out, it would look as if the study had none."""
    _, ada, _ = clinic_with_finding(backend)
    study = study_of(ada)

    def refuse(*_: object, **__: object) -> bytes:
        raise NotFound

    monkeypatch.setattr(ReportsService, "print_unnamed", refuse)
    with pytest.raises(NotFound):
        fetch(ada, f"/dicom/studies/{study}")


def test_whoever_fetches_a_photo_stands_in_the_audit_trail(backend: Backend) -> None:
    doctor, ada, _ = clinic_with_finding(backend)
    path = f"/dicom/studies/{study_of(ada)}"
    for person, paths in ((doctor, ("/metadata", "/instances")), (ada, ("",))):
        for ending in paths:
            assert person.call("GET", path + ending).status_code == 200
    assert "photo.read" not in [row["action"] for row in backend.audit()]
    fetch(doctor, path)
    [row] = [row for row in backend.audit() if row["action"] == "photo.read"]
    assert row["by"] == backend.account(doctor.email).id


def test_what_a_doctor_holds_back_is_in_nobodys_study(backend: Backend) -> None:
    doctor, ada, number = clinic_with_finding(backend)
    path, callers = (
        f"/dicom/studies/{study_of(ada)}",
        (ada, doctor, made(doctor, scopes=["dicom"])[0]),
    )
    before = [fetch(one, path) for one in callers]
    sign(doctor, number, hold_until=in_days(2))
    assert [fetch(one, path) for one in callers] == before
    assert doctor.call("DELETE", f"/submissions/{number}/hold").status_code == 200
    after = [fetch(one, path) for one in callers]
    assert all(one != another for one, another in zip(after, before, strict=True))


def test_a_program_finds_what_its_key_opens(backend: Backend) -> None:
    doctor, ada, _ = clinic_with_finding(backend)
    bob = backend.member()
    predicted(bob, keep_photo="true")
    archive = clinic_wide(backend, scopes=["dicom"])
    mine, theirs = search(ada), search(bob)
    assert uids_of(search(archive)) == uids_of([*mine, *theirs])
    assert uids_of(search(archive, PatientID=backend.account(bob.email).id)) == uids_of(theirs)
    assert fetch(archive, f"/dicom/studies/{study_of(bob)}")
    for owner, wanted in ((ada, mine), (doctor, mine), (bob, theirs)):
        assert uids_of(search(made(owner, scopes=["dicom"])[0])) == uids_of(wanted)
    program, _ = made(ada, scopes=["dicom"])
    assert program.call("GET", f"/dicom/studies/{study_of(bob)}").status_code == 404
    blind, _ = made(ada, scopes=["findings:read"])
    for path in ("", f"/{study_of(ada)}", f"/{study_of(ada)}/metadata"):
        assert blind.call("GET", f"/dicom/studies{path}").status_code == 403


def test_a_program_finds_no_doctors_own_and_nothing_that_is_being_deleted(backend: Backend) -> None:
    _, ada, _ = clinic_with_finding(backend)
    doctor, leaving = backend.member(role="doctor"), backend.member()
    for person in (doctor, leaving):
        predicted(person)
    change_account(backend.services, backend.account(leaving.email).id, status="deleting")
    program = clinic_wide(backend, scopes=["dicom"])
    assert uids_of(search(program)) == uids_of(search(ada))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    backend = Backend(tmp_path_factory.mktemp("asked"))
    ada = backend.member()
    predicted(ada)
    yield ada
    backend.services.store.close()
