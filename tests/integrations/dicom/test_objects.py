import io
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pypdf import PdfReader

from skinapi.base.errors import NotFound
from skinapi.integrations.dicom import object_maker
from skinapi.integrations.dicom.header import open_instance
from skinapi.integrations.dicom.objects import site_code
from skinapi.integrations.dicom.patient_facts import read_context
from skinapi.integrations.standards import SITE_OF
from skinapi.model.context import BODY_SITES, Context
from skinapi.model.patient_facts import Fact
from tests.care.clinic import file_for
from tests.findings.prediction.photographer import predicted
from tests.findings.prediction.test_several_pictures import joined
from tests.integrations.dicom.reading_back import errors_in, objects_in_archive, tool
from tests.model.photos import skin_with_spot
from tests.support.backends import Backend, Person
from tests.support.findings import told_finding
from tests.support.photos import UNCERTAIN, photo_in, photo_of
from tests.support.reviews import signed_review

PHOTO, DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.77.1.7"
CAPTURE, REPORT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.104.1"
STRUCTURED = "1.2.840.10008.5.1.4.1.1.88.22"


def clinic_with_finding(backend: Backend, **told: Any) -> tuple[Person, Person, int]:
    doctor = backend.member(role="doctor", name="Dr Grace Hopper")
    ada = backend.member(name="Ada Example", doctor_id=backend.account(doctor.email).id)
    return doctor, ada, predicted(ada, **{"keep_photo": "true", **told})["id"]


def sign(doctor: Person, number: int, **said: object) -> None:
    body = {"label": "melanoma", "certainty": "sure", **said}
    signed_review(doctor, number, body)


def objects_of(backend: Backend, number: int, *there: Dataset) -> dict[str, Dataset]:
    return {item.SOPClassUID: item for item in objects_in_archive(backend, number, *there)}


def test_the_photo_is_the_kept_jpeg_and_names_nobody(backend: Backend) -> None:
    _, ada, number = clinic_with_finding(backend, body_site="back", sex="female")
    made = objects_of(backend, number)
    assert objects_of(backend, number) == made, "made again, each is the same"
    assert list(made) == [PHOTO, CAPTURE, STRUCTURED, REPORT]
    kept = ada.call("GET", f"/submissions/{number}/photo").data
    photo = made[PHOTO]
    assert kept in photo.PixelData
    assert photo.pixel_array.shape == (photo.Rows, photo.Columns, 3)
    assert photo.AnatomicRegionSequence[0].CodeValue == "66643007"
    assert {item.PatientID for item in made.values()} == {backend.account(ada.email).id}
    assert {item.PatientSex for item in made.values()} == {"F"}
    assert {item.StudyID for item in made.values()} == {str(number)}
    for item in made.values():
        assert "Ada" not in str(item)
        assert ada.email not in str(item)
    report = PdfReader(pdf_of(made[REPORT]))
    text = "".join(page.extract_text() for page in report.pages)
    assert "Melanoma" in text
    # Not in the file's bytes, where three letters may stand by chance: they are compressed.
    assert "Ada" not in text + str(report.metadata)


def pdf_of(report: Dataset) -> io.BytesIO:
    return io.BytesIO(report.EncapsulatedDocument[: report.EncapsulatedDocumentLength])


def test_other_software_finds_no_error_in_any_object(backend: Backend, tmp_path: Path) -> None:
    doctor, _, number = clinic_with_finding(backend, body_site="back")
    found = [*objects_of(backend, number).values()]
    sign(doctor, number, certainty="laboratory")
    found += objects_of(backend, number).values()
    for told in (
        {"modality": "dermoscopic", "language": "fr", "checklist": "oozing"},
        {"content": photo_in(UNCERTAIN), "body_site": "acral"},
        {"content": spot_on_skin(), "keep_photo": "true", "body_laterality": "left"},
        {"keep_photo": "false"},
    ):
        number = clinic_with_finding(backend, **told)[2]
        found += objects_of(backend, number).values()
    found += objects_of_two_pictures(backend)
    assert {record.SOPClassUID for record in found} == {
        PHOTO,
        DERMOSCOPY,
        CAPTURE,
        STRUCTURED,
        REPORT,
    }
    assert errors_in(tmp_path, *found) == []
    for file in tmp_path.glob("*.dcm"):
        assert "error" not in tool("dcmdump", file).lower()


def objects_of_two_pictures(backend: Backend) -> list[Dataset]:
    person = backend.member()
    sent = {"same_spot": "true", "keep_photo": "true"}
    number = joined(person, photo_of("melanoma"), spot_on_skin(), **sent)["id"]
    made = objects_in_archive(backend, number)
    assert [item.Modality for item in made] == ["XC", "XC", "OT", "OT", "SR", "DOC"]
    assert [item.InstanceNumber for item in made[:4]] == [1, 2, 1, 2]
    seen = made[4].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    named = {item.ReferencedSOPInstanceUID for item in seen[0].ReferencedSOPSequence}
    assert named == {item.SOPInstanceUID for item in made[:2]}
    return made


def spot_on_skin() -> bytes:
    out = io.BytesIO()
    skin_with_spot().save(out, "JPEG", quality=95)
    return out.getvalue()


def test_what_the_model_says_and_what_a_doctor_says_are_kept_apart(
    backend: Backend, tmp_path: Path
) -> None:
    told = {"age": "50", "sex": "female", "checklist": "oozing"}
    doctor, _, number = clinic_with_finding(backend, content=spot_on_skin(), **told)
    first = objects_of(backend, number)[STRUCTURED]
    before = dumped(first, tmp_path)
    assert "Person Observer" not in before
    assert '"Conclusion' not in before
    assert first.PreliminaryFlag == "PRELIMINARY"
    assert "Device Observer Name" in before
    assert 'NUM:(,,"Probability: Melanoma")' in before
    assert "(93655004,SCT," in before
    assert '"Finding")=(93655004' not in before, "of a probability"
    assert (first.PatientSex, first.PatientAge) == ("F", "050Y")
    for name, value in (("Age group in years, as told", "45-59"), ("Sign of the", "Oozing")):
        assert re.search(f'{name}.*"{value}"', before), name
    assert "For information only. Not a medical diagnosis." in before
    sign(doctor, number, label="melanocytic_nevus", certainty="sure")
    second = objects_of(backend, number, first)[STRUCTURED]
    after = dumped(second, tmp_path)
    conclusions = after.partition('CONTAINER:(,,"Conclusions")')[2]
    assert 'PNAME:(,,"Person Observer Name")="Dr Grace Hopper^"' in conclusions
    assert '"Conclusion")=(400010006,SCT,' in conclusions
    assert "melanoma" not in conclusions
    assert second.PreliminaryFlag == "FINAL"
    assert second.VerificationFlag == "UNVERIFIED"
    [study] = second.PredecessorDocumentsSequence
    [predecessor] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert predecessor.ReferencedSOPInstanceUID == first.SOPInstanceUID


def test_what_facts_changed_is_a_comment(backend: Backend, tmp_path: Path) -> None:
    finding, ada = told_finding("melanoma", moved_by=(Fact.AGE,)), backend.member()
    number = file_for(backend, ada, finding.band, finding=finding).number
    said = dumped(objects_of(backend, number)[STRUCTURED], tmp_path)
    assert "From the picture alone, without age: melanoma (31%)." in said


def test_what_waits_is_preliminary_and_concludes_nothing_in_public_codes(
    backend: Backend, tmp_path: Path
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    sign(doctor, number, label=None, certainty="suspected", photo_wanted=True)
    unjudged = objects_of(backend, number)[STRUCTURED]
    assert "another photo" in concluded(unjudged, tmp_path).lower()
    sign(doctor, number, sample="waiting")
    awaited = objects_of(backend, number)[STRUCTURED]
    said = concluded(awaited, tmp_path)
    assert '"Suspected, not concluded")=(melanoma,99SKINAPI,' in said
    assert '"Urgency")=(urgent_referral,' in said
    assert "SCT" not in said
    assert {item.PreliminaryFlag for item in (unjudged, awaited)} == {"PRELIMINARY"}
    sign(doctor, number, sample="none")
    said = concluded(objects_of(backend, number)[STRUCTURED], tmp_path)
    assert '"Suspected, not concluded")=(melanoma,99SKINAPI,' in said, "however sure the doctor is"
    assert "SCT" not in said


def test_actinic_keratosis_alone_is_concluded_in_its_own_code(
    backend: Backend, tmp_path: Path
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    sign(doctor, number, label="actinic_keratosis_alone", certainty="sure")
    said = concluded(objects_of(backend, number)[STRUCTURED], tmp_path)
    assert "(201101007,SCT," in said
    assert "Suspected" not in said


def test_no_object_has_a_letter(backend: Backend) -> None:
    doctor, _, number = clinic_with_finding(backend)
    sign(doctor, number)
    path = f"/submissions/{number}/letters"
    draft = doctor.call("POST", path, json={"reader": "patient"}).get_json()
    draft["text"] = "Dear Ada Example,\nit is left of Bernadette."
    text = {name: draft[name] for name in ("text", "version", "spot_version")}
    doctor.call_ok("POST", f"/letters/{draft['_id']}/sign", json=text)
    objects = objects_in_archive(backend, number)
    report = PdfReader(io.BytesIO(objects[-1].EncapsulatedDocument))
    said = "".join([*(page.extract_text() for page in report.pages), *map(str, objects)])
    assert not [name for name in ("Bernadette", "Ada") if name in said]


def test_a_report_that_is_gone_is_not_left_out(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = clinic_with_finding(backend)[2]

    def refuse(*_: object, **__: object) -> bytes:
        raise NotFound

    monkeypatch.setattr(object_maker, "print_pdf", refuse)
    with pytest.raises(NotFound):
        objects_of(backend, number)


def concluded(report: Dataset, folder: Path) -> str:
    return dumped(report, folder).partition('CONTAINER:(,,"Conclusions")')[2]


def test_what_is_written_is_read_back_with_the_same_facts(backend: Backend) -> None:
    told = {"sex": "female", "body_laterality": "left", "modality": "dermoscopic"}
    number = clinic_with_finding(backend, body_site="ear", **told)[2]
    file = io.BytesIO()
    objects_of(backend, number)[DERMOSCOPY].save_as(file, enforce_file_format=True)
    context = read_context(open_instance(file))
    read = (context.sex, context.body_site, context.body_laterality, context.modality)
    assert read == ("female", "ear", "left", "dermoscopic")
    for site in BODY_SITES:  # hands and feet together have no code
        code = site_code(Context(body_site=site))
        assert (SITE_OF[code.value] if code else "acral") == site


def dumped(report: Dataset, folder: Path) -> str:
    file = folder / "report.dcm"
    report.save_as(file, enforce_file_format=True)
    return tool("dsrdump", "+Pl", "+U8", file)


def text_of(report: Dataset) -> str:
    return "\n".join(str(item.value) for item in report.iterall() if item.VR != "SQ")


def content_time(report: Dataset) -> str:
    return f"{report.ContentDate} {report.ContentTime}"


TOLD = {"body_site": "back", "sex": "female", "checklist": "none"}
MOLE = {"label": "melanocytic_nevus", "certainty": "sure"}
SIGNS = ["change_in_size", "oozing"]


def correct(person: Person, number: int, **facts: Any) -> None:
    seen = {"version": person.newest_of(number)}
    body = {**TOLD, "checklist": ["none"], **seen, **facts}
    person.call_ok("PUT", f"/submissions/{number}/facts", json=body)


def named_before(report: Dataset) -> str:
    [series] = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
    return str(series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)


def test_each_version_of_a_finding_has_objects_of_its_own_and_names_those_before(
    backend: Backend, tmp_path: Path
) -> None:
    doctor, ada, number = clinic_with_finding(
        backend, content=photo_of("melanocytic_nevus"), **TOLD
    )
    steps = [objects_of(backend, number)]
    happened: list[Callable[[], None]] = [
        lambda: correct(ada, number, checklist=None),
        lambda: sign(doctor, number, **MOLE),
        lambda: correct(ada, number, checklist=None, body_site="chest"),
        lambda: sign(doctor, number, **MOLE),
        lambda: correct(ada, number, checklist=SIGNS, body_site="chest"),
        lambda: sign(doctor, number, **MOLE),
    ]
    for happen in happened:
        happen()
        steps.append(objects_of(backend, number, *chain(*(step.values() for step in steps))))
    reports = [step[STRUCTURED] for step in steps]
    assert "PredecessorDocumentsSequence" not in reports[0]
    assert [*map(named_before, reports[1:])] == [report.SOPInstanceUID for report in reports[:-1]]
    assert [*map(content_time, reports)] == sorted(map(content_time, reports))
    for kind in (CAPTURE, PHOTO):
        assert placed(steps, kind) == [0, 1, 1, 2, 2, 3, 3], "a version has pictures of its own"
    assert placed(steps, REPORT) == placed(steps, STRUCTURED) == [*range(7)]
    sites = [step[PHOTO].AnatomicRegionSequence[0].CodeMeaning for step in steps]
    assert len(set(sites[:3])) == len(set(sites[3:])) == 1 < len(set(sites))
    for step in steps:
        photo, heat = step[PHOTO].SOPInstanceUID, step[CAPTURE]
        assert heat.SourceImageSequence[0].ReferencedSOPInstanceUID == photo
        assert photo in text_of(step[STRUCTURED])
    reopened = text_of(reports[5])
    assert "It became more urgent, because the answers about" in reopened
    assert "Dr Grace Hopper" in reopened
    assert reports[5].PreliminaryFlag == "PRELIMINARY"
    assert errors_in(tmp_path, *(item for step in steps for item in step.values())) == []


def placed(steps: list[dict[str, Dataset]], kind: str) -> list[int]:
    """Return which of the objects of this class each step has: 0 the first, 1 the next."""
    uids = [step[kind].SOPInstanceUID for step in steps]
    return [[*dict.fromkeys(uids)].index(uid) for uid in uids]


def test_a_corrected_side_is_in_new_objects_of_the_same_version(backend: Backend) -> None:
    arm = {"body_site": "upper_extremity", "body_laterality": "left"}
    doctor, ada, number = clinic_with_finding(backend, **arm)
    sign(doctor, number)
    steps = [objects_of(backend, number)]
    for side in ("right", "left"):
        answer = ada.call("PUT", f"/submissions/{number}/facts", json={"body_laterality": side})
        assert answer.get_json()["version"] == 1, answer.text
        steps.append(objects_of(backend, number, *steps[-1].values()))
    assert ada.newest_of(number) == 1
    for kind in (PHOTO, CAPTURE, STRUCTURED, REPORT):
        assert placed(steps, kind) == [0, 1, 2], kind
    assert [step[PHOTO].ImageLaterality for step in steps] == ["L", "R", "L"]
    reports = [step[STRUCTURED] for step in steps]
    assert named_before(reports[2]) == reports[1].SOPInstanceUID
    assert [*map(content_time, reports)] == sorted(map(content_time, reports))
    assert objects_of(backend, number)[PHOTO] == steps[2][PHOTO], "made again, it is the same"
