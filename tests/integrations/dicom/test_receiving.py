import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydicom import Dataset

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Unavailable
from skinapi.base.subject import KeyUse
from skinapi.findings.prediction.service import PredictionService
from skinapi.integrations.dicom.header import open_instance
from skinapi.integrations.dicom.patient_facts import read_context
from tests.integrations.dicom.sent_objects import (
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    NAME,
    NUMBER,
    PHOTOGRAPHIC,
    PRIVATE,
    RELATED,
    SECONDARY_CAPTURE,
    body_of,
    file_of,
    header_of,
    jpeg_object,
    pixels_of,
    raw_object,
    region,
)
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

ROOT = Path(__file__).parents[3]
TAKEN, FAILED, OTHERS = "00081199", "00081198", "0008119A"
PHOTO = photo_of("melanoma")
PIXELS = pixels_of()
TOLD = {
    "modality": "dermoscopic",
    "age": 64,
    "age_band": "60-74",
    "sex": "female",
    "body_site": "chest",
    "body_laterality": "left",
}


def send(person: Person, *objects: bytes, path: str = "/dicom/studies") -> tuple[int, Any]:
    answer = person.call("POST", path, data=body_of(objects), content_type=RELATED)
    return answer.status_code, answer.get_json()


def find(person: Person, one: bytes) -> Any:
    before = {listed["id"] for listed in person.pages("/submissions")}
    status, answer = send(person, one)
    assert status == 200, answer
    assert len(answer[TAKEN]["Value"]) == 1
    [number] = {listed["id"] for listed in person.pages("/submissions")} - before
    return person.call("GET", f"/submissions/{number}").get_json()


def judged(finding: Any) -> dict[str, Any]:
    own = ("_id", "id", "lesion", "time", "narrative", "report", "heat", "instruction")
    return {name: value for name, value in finding.items() if name not in own}


def test_a_jpeg_in_an_object_is_judged_as_the_photo_itself(ada: Person) -> None:
    form = {"image": (io.BytesIO(PHOTO), "a.jpg"), **TOLD}
    alone = ada.call("POST", "/predict", data=form).get_json()
    assert judged(find(ada, jpeg_object(PHOTO))) == judged(
        ada.call("GET", f"/submissions/{alone['id']}").get_json()
    )


def planes_of(pixels: Any) -> bytes:
    made: bytes = pixels.transpose(2, 0, 1).tobytes()
    return made


def raw_with(data: bytes, **elements: Any) -> bytes:
    height, width, _ = PIXELS.shape
    described: dict[str, Any] = {"Columns": width, "Rows": height, "SamplesPerPixel": 3, **elements}
    described |= {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    return file_of(header_of(**described), EXPLICIT, data)


def test_pixels_without_loss_are_judged_as_a_png_of_them(ada: Person) -> None:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, "PNG")
    form = {"image": (io.BytesIO(out.getvalue()), "a.png"), **TOLD}
    alone = ada.call("POST", "/predict", data=form).get_json()
    planes = {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 1}
    for lossless in (
        *(raw_object(PIXELS, syntax) for syntax in (EXPLICIT, IMPLICIT, JPEG_2000)),
        raw_with(planes_of(PIXELS), **planes),
    ):
        found = find(ada, lossless)
        assert found["probabilities"] == alone["probabilities"]
        assert found["quality"] == alone["quality"]


NOWHERE = {"body_site": None, "body_laterality": None}
HEADERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"SOPClassUID": PHOTOGRAPHIC, "Modality": "XC"}, {"modality": "clinical"}),
    ({"SOPClassUID": PHOTOGRAPHIC, "Modality": "DMS"}, {}),
    ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT"}, {"modality": "unknown"}),
    ({"PatientSex": "O"}, {"sex": "other"}),
    ({"PatientSex": ""}, {"sex": None}),
    ({"PatientAge": "029Y"}, {"age": 29, "age_band": "0-29"}),
    ({"PatientAge": "018M"}, {"age": 1, "age_band": "0-29"}),
    ({"PatientBirthDate": "19510201"}, {"age": 75, "age_band": "75+"}),
    ({"PatientBirthDate": "19510202"}, {"age": 74, "age_band": "60-74"}),
    ({"PatientBirthDate": ""}, {"age": None, "age_band": None}),
    ({"PatientBirthDate": "17000101"}, {"age": None, "age_band": None}),
    ({"ImageLaterality": "R"}, {"body_laterality": "right"}),
    ({"ImageLaterality": "B"}, {"body_laterality": None}),
    (
        {"AnatomicRegionSequence": region("4578000")},
        {"body_site": "lower_extremity", "body_side": "rear"},
    ),
    ({"AnatomicRegionSequence": region("T-D1100", scheme="SRT")}, NOWHERE),
    ({"AnatomicRegionSequence": region("T-02102", scheme="SRT")}, {"body_site": "scalp"}),
    ({"AnatomicRegionSequence": region("5665001")}, NOWHERE),  # the retina
]


def test_the_header_tells_the_facts() -> None:
    for elements, told in HEADERS:
        instance = open_instance(io.BytesIO(jpeg_object(PHOTO, **elements)))
        context, wanted = read_context(instance), TOLD | told
        assert {name: getattr(context, name) for name in wanted} == wanted, elements


def test_text_that_the_header_tells_of_is_a_doubt(ada: Person) -> None:
    plain = find(ada, jpeg_object(photo_of("melanocytic_nevus"), BurnedInAnnotation="NO"))
    assert not plain["uncertain"]
    found = find(ada, jpeg_object(photo_of("melanocytic_nevus"), BurnedInAnnotation="YES"))
    assert found["reasons"] == ["unlike_training"]
    assert any("Text is written into this picture" in notice for notice in found["notices"])
    assert found["band"] != plain["band"]


def test_a_study_that_is_sent_again_is_there_already(ada: Person) -> None:
    one = jpeg_object(PHOTO)
    find(ada, one)
    before = ada.pages("/submissions")
    assert send(ada, one)[0] == 200
    assert ada.pages("/submissions") == before


def test_another_picture_under_the_same_uid_is_refused(ada: Person) -> None:
    find(ada, jpeg_object(PHOTO, SOPInstanceUID="1.2.3.4"))
    other = jpeg_object(photo_of("melanocytic_nevus"), SOPInstanceUID="1.2.3.4")
    status, answer = send(ada, other)
    assert status == 409
    assert answer[FAILED]["Value"][0]["00081197"]["Value"] == [0x0111]


def test_what_is_taken_and_what_is_not_is_said_of_each(ada: Person) -> None:
    good, bad = jpeg_object(PHOTO), jpeg_object(photo_of("melanoma", size=(64, 64)))
    status, answer = send(ada, b"no object", good, bad)
    assert status == 202
    assert [len(answer[kind]["Value"]) for kind in (TAKEN, FAILED, OTHERS)] == [1, 1, 1]
    for part in (answer, answer[TAKEN]["Value"][0]):
        assert part["00081190"] == {"vr": "UR"}, "required, and empty: nothing is retrieved here"
    refused = answer[FAILED]["Value"][0]
    assert refused["00081197"]["Value"] == [0x0110]
    assert "The picture is too small" in refused["0040A160"]["Value"][0]
    assert "00081155" not in answer[OTHERS]["Value"][0]


def test_with_a_clinics_key_each_finding_is_that_of_the_patient_whom_the_object_names(
    backend: Backend,
) -> None:
    program = clinic_wide(backend, scopes=["dicom"])
    qualifier = Dataset()
    qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = "1.2.276.0.76", "ISO"
    first, again, elsewhere, by_oid = (
        jpeg_object(PHOTO, **told)
        for told in (
            {},
            {},
            {"IssuerOfPatientID": "another clinic"},
            {"IssuerOfPatientIDQualifiersSequence": [qualifier]},
        )
    )
    status, answer = send(program, first, again, elsewhere, by_oid)
    assert status == 200, answer
    filed = backend.services.store.collection("submissions").find(sort="number")
    owners = [item["owner"] for item in filed]
    assert owners[0] == owners[1]
    assert len({*owners}) == 3
    patients = backend.services.patients
    use = KeyUse("0" * 32, ("dicom",), clinic_wide=True)
    for system, place in (("clinic", 0), ("another clinic", 2), ("urn:oid:1.2.276.0.76", 3)):
        nobody = Accounts.draft(email="", name="", password_hash="")
        by = Subject("0" * 32, "user", "", nobody, key=use)
        found = patients.find(system, NUMBER, by=by)
        assert found
        assert found.id == owners[place]


def test_a_busy_server_judges_nothing_or_says_what_is_to_be_sent_again(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, calls = PredictionService.predict, iter(range(9))

    def predict(service: PredictionService, **options: Any) -> Any:
        if next(calls) != 1:
            raise Unavailable(retry_after=2)
        return judge(service, **options)

    monkeypatch.setattr(PredictionService, "predict", predict)
    objects = [jpeg_object() for _ in range(2)]
    answer = ada.call("POST", "/dicom/studies", data=body_of(objects), content_type=RELATED)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    status, said = send(ada, *objects)
    assert status == 202
    assert said[FAILED]["Value"][0]["00081197"]["Value"] == [0xA700]


@pytest.mark.parametrize("by_an_archive", [False, True])
def test_nothing_of_the_header_is_kept_but_the_facts_and_an_archives_source(
    tmp_path: Path, *, by_an_archive: bool
) -> None:
    backend = Backend(tmp_path, photos="always")
    sender = clinic_wide(backend, scopes=["dicom"]) if by_an_archive else backend.member()
    uids = ("1.2.276.4711.1", "1.2.276.4711.2", "1.2.276.4711.3")
    object_ = jpeg_object(
        SOPInstanceUID=uids[0],
        StudyInstanceUID=uids[1],
        SeriesInstanceUID=uids[2],
        AccessionNumber="ORDER-4711-X",
        ReferringPhysicianName="Hopper^Grace",
        StudyDescription="A study of the test",
    )
    status, answer = send(sender, object_)
    assert status == 200, answer
    backend.services.data.trail.seal()
    kept = repr(backend.stored()).encode()
    kept += b"".join(
        path.read_bytes() for path in backend.settings.instance_dir.rglob("*") if path.is_file()
    )
    assert b"photo_blob" in kept
    for secret in (NAME, PRIVATE, "Lovelace", "19610203", "Charity", "Hopper", "A study of"):
        assert secret.encode() not in kept, secret
    for named in (NUMBER, "ORDER-4711-X", *uids):
        assert (named.encode() in kept) is by_an_archive, named


def test_without_pydicom_the_door_says_what_is_missing(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    answer = ada.call("POST", "/dicom/studies", data=body_of([b""]), content_type=RELATED)
    assert answer.status_code == 501
    assert "requirements-dicom.txt" in answer.get_json()["detail"]


def test_a_header_is_never_quoted_in_the_log() -> None:
    """pydicom quotes values that it does not understand, in its log and in warnings."""
    script = (
        "import io, warnings, logging; logging.basicConfig(level=0);"
        "from tests.integrations.dicom.sent_objects import jpeg_object;"
        "from skinapi.integrations.dicom.header import open_instance;"
        "from skinapi.integrations.dicom.patient_facts import read_context;"
        "one = jpeg_object(PatientAge='Lovelace', PatientSex='Lovelace', StudyDate='Lovelace');"
        "open('/dev/stderr', 'w').write('MADE ');"
        "read_context(open_instance(io.BytesIO(one)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Lovelace" not in done.stderr.partition("MADE")[2]
