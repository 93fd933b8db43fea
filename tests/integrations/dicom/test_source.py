import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pydicom import Dataset

from skinapi.base.area_parts import list_parts
from skinapi.findings.records.stored_finding import Source
from skinapi.integrations.patients import PATIENTS
from tests.integrations.dicom.reading_back import errors_in, objects_in_archive
from tests.integrations.dicom.sent_objects import DERMOSCOPIC, jpeg_object
from tests.integrations.dicom.test_objects import sign
from tests.integrations.dicom.test_receiving import FAILED, send
from tests.integrations.test_keys import clinic_wide, made
from tests.privacy.made_files import ASKED, make, read
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

NUMBER, ISSUER, OID, ORDER = "HOSPITAL-4711-Ü", "clinic", "1.2.276.0.76.3", "A-2026-0815"
STUDY, SERIES, OBJECT = "1.2.276.4711.1", "1.2.276.4711.2", "1.2.276.4711.3"
MARKS = (NUMBER, "HOSPITAL-4711", OID, ORDER, STUDY, SERIES, OBJECT)


# The number has one place; its system is the account's, and a key shows findings to its patients.
PLACES = {"submissions": "source", "accounts": "number_system", "keys": "shows_patients_of"}


def list_beside(backend: Backend) -> list[dict[str, Any]]:
    stored = backend.stored().items()
    return [{**row, PLACES.get(name, "id"): None} for name, rows in stored for row in rows]


def sent_object(**elements: Any) -> bytes:
    qualifiers = Dataset()
    qualifiers.UniversalEntityID, qualifiers.UniversalEntityIDType = OID, "ISO"
    told = {
        "PatientID": NUMBER,
        "IssuerOfPatientID": ISSUER,
        "IssuerOfPatientIDQualifiersSequence": [qualifiers],
        "AccessionNumber": ORDER,
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "SOPInstanceUID": OBJECT,
    }
    return jpeg_object(photo_of("melanoma"), **{**told, **elements})


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    made_here = Backend(tmp_path / "clinic", photos="always", default_doctor="grace@example.org")
    made_here.member("grace@example.org", role="doctor", name="Dr Grace Hopper")
    yield made_here
    made_here.services.store.close()


@pytest.fixture
def archive(backend: Backend) -> Person:
    return clinic_wide(
        backend, scopes=["dicom", "findings:read"], shows_patients_of=[f"urn:oid:{OID}"]
    )


@pytest.fixture
def doctor(backend: Backend) -> Person:
    return backend.log_in("grace@example.org")


def file(backend: Backend, sender: Person, **elements: Any) -> int:
    stored = backend.services.store.collection("submissions")
    before = {item["number"] for item in stored.find()}
    status, answer = send(sender, sent_object(**elements))
    assert status == 200, answer
    [number] = {item["number"] for item in stored.find()} - before
    return int(number)


def test_each_object_carries_what_the_archives_own_object_carried(
    backend: Backend, archive: Person, doctor: Person, tmp_path: Path
) -> None:
    number = file(backend, archive)
    sign(doctor, number)
    objects = objects_in_archive(backend, number)
    assert [item.Modality for item in objects] == ["DMS", "OT", "SR", "DOC"]
    for item in objects:
        assert (item.PatientID, item.IssuerOfPatientID) == (NUMBER, ISSUER)
        assert item.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == OID
        assert item.AccessionNumber == ORDER
        assert item.StudyInstanceUID != STUDY
        assert item.ReferencedStudySequence[0].ReferencedSOPInstanceUID == STUDY
    photo, heat, report, printed = objects
    named = [photo.SourceImageSequence[-1], heat.SourceImageSequence[-1]]
    for item in (*named, printed.SourceInstanceSequence[0]):
        sent_uids = (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)
        assert sent_uids == (DERMOSCOPIC, OBJECT)
    for item in (photo, heat):
        [where] = item.StudiesContainingOtherReferencedInstancesSequence
        assert where.StudyInstanceUID == STUDY
        assert where.ReferencedSeriesSequence[0].SeriesInstanceUID == SERIES
    assert heat.SourceImageSequence[0].ReferencedSOPInstanceUID == photo.SOPInstanceUID
    [order] = report.ReferencedRequestSequence
    assert (order.AccessionNumber, order.StudyInstanceUID) == (ORDER, STUDY)
    evidence = report.CurrentRequestedProcedureEvidenceSequence
    assert [item.StudyInstanceUID for item in evidence] == [photo.StudyInstanceUID, STUDY]
    assert errors_in(tmp_path, *objects) == []
    assert OBJECT in str(report.ContentSequence), "an image of the measurements"


def test_what_was_made_here_is_no_new_picture(backend: Backend, archive: Person) -> None:
    number = file(backend, archive)
    own = [bytes_of(item) for item in objects_in_archive(backend, number)]
    refuse_as_own(archive, own)
    stored = backend.services.store.collection("submissions")
    [finding] = stored.find()
    backend.services.findings.erase_again(identifier=finding["id"], by="system")
    refuse_as_own(archive, own)
    assert stored.find() == []


def refuse_as_own(archive: Person, objects: list[bytes]) -> None:
    status, answer = send(archive, *objects)
    assert status == 409
    said = [item["0040A160"]["Value"][0] for item in answer[FAILED]["Value"]]
    assert ["made here" in sentence for sentence in said] == [True, True, False, False]
    assert ["is not judged here" in sentence for sentence in said] == [False, False, True, True]


def bytes_of(made_object: Dataset) -> bytes:
    out = io.BytesIO()
    made_object.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_who_is_no_archive_files_nothing_under_a_patient_of_the_clinic(backend: Backend) -> None:
    ada = backend.member()
    for sender in (ada, made(ada, scopes=["dicom"])[0]):
        uid = f"1.2.276.4711.{len(sender.email) + 9}"
        for item in objects_in_archive(backend, file(backend, sender, SOPInstanceUID=uid)):
            said = str(item)
            assert item.PatientID == backend.account(ada.email).id
            assert item.IssuerOfPatientID == "SkinAPI"
            assert not [mark for mark in MARKS if mark in said]
    assert NUMBER not in repr(backend.stored())


NOT_SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"AccessionNumber": "A" * 17}, {"AccessionNumber": ""}),
    ({"AccessionNumber": "A\x1b1"}, {"AccessionNumber": ""}),
    ({"AccessionNumber": ["1", "2"]}, {"AccessionNumber": ""}),
    ({"IssuerOfPatientID": "c" * 65}, {"IssuerOfPatientID": None}),
    ({"IssuerOfPatientID": ""}, {"IssuerOfPatientID": None}),
    ({"SeriesInstanceUID": "1.02"}, {"IssuerOfPatientID": "SkinAPI", "AccessionNumber": ""}),
    ({"PatientID": "4711" * 17}, {"IssuerOfPatientID": "SkinAPI", "AccessionNumber": ""}),
]


@pytest.mark.filterwarnings("ignore:.*value.*:UserWarning")
def test_what_no_object_may_say_is_not_said_again(
    backend: Backend, archive: Person, tmp_path: Path
) -> None:
    for place, (elements, kept) in enumerate(NOT_SAID):
        number = file(backend, archive, SOPInstanceUID=f"1.2.276.4711.{place + 9}", **elements)
        objects = objects_in_archive(backend, number)
        assert {name: objects[0].get(name) for name in kept} == kept
        assert errors_in(tmp_path, *objects) == []


def test_the_source_is_stored_once_and_goes_with_its_finding(
    backend: Backend,
    archive: Person,
    doctor: Person,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    number = file(backend, archive)
    finding = backend.services.data.findings.find_by_number(number)
    assert finding
    assert finding.source == Source(
        patient_id=NUMBER,
        issuer=ISSUER,
        issuer_oid=OID,
        accession_number=ORDER,
        study_uid=STUDY,
        series_uid=SERIES,
        sop_class_uid=DERMOSCOPIC,
        sop_instance_uid=OBJECT,
    )
    patient = f"{finding.owner}@{PATIENTS}"
    backend.edit(patient, consents={"training": True})
    sign(doctor, number, certainty="laboratory")
    shown = [
        doctor.call("GET", f"/submissions/{number}{path}").text for path in ("", "/report.json")
    ]
    for area in list_parts("sources", "tests"):
        shown += area.show(backend, doctor)
    assert not [mark for mark in MARKS if mark in repr(shown)]

    filed = files_of(backend, patient, tmp_path)
    [described] = read(filed)["findings"]
    assert described["source"]["patient_id"] == NUMBER
    backend.services.data.trail.seal()
    rest = list_beside(backend)
    logged = capfd.readouterr()
    assert "/dicom/studies" in logged.err
    assert not [mark for mark in MARKS if mark in repr(rest) + logged.out + logged.err]

    backend.services.findings.erase_again(identifier=finding.id, by="system")
    assert backend.stored()["submissions"] == []
    assert not [mark for mark in MARKS if mark in repr(list_beside(backend))]


def files_of(backend: Backend, patient: str, folder: Path) -> ZipFile:
    admin = backend.admin()
    answer = admin.call("POST", f"/me/file?patient={patient}", json=ASKED)
    assert answer.status_code == 202, answer.text
    make(backend, Person(backend.client, "", patient), folder / "work")
    answer = admin.call("POST", f"/me/file/download?patient={patient}")
    assert answer.status_code == 200, answer.text
    return ZipFile(io.BytesIO(answer.data))
