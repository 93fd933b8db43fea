import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from skinapi.base.pages import PageRequest
from skinapi.integrations.dicom import archive as archive_module
from skinapi.integrations.dicom.archive import ARCHIVE
from skinapi.integrations.dicom.object_maker import ObjectMaker
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.keys.service import ReadingKeys
from skinapi.platform.notices.deliveries import Delivery
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.storage.ids import now
from tests.findings.prediction.photographer import predicted
from tests.integrations.dicom.fake_archive import FakeArchive, Mood, fake_archive
from tests.integrations.dicom.orthanc import Orthanc
from tests.integrations.dicom.reading_back import errors_in
from tests.integrations.dicom.test_objects import (
    MOLE,
    SIGNS,
    STRUCTURED,
    TOLD,
    clinic_with_finding,
    content_time,
    correct,
    named_before,
    objects_of,
    sign,
    text_of,
)
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, erase
from tests.support.photos import photo_of


@pytest.fixture
def archive() -> Iterator[FakeArchive]:
    with fake_archive() as archive:
        yield archive


@pytest.fixture
def backend(archive: FakeArchive, tmp_path: Path) -> Iterator[Backend]:
    made = Backend(tmp_path, archive_url=archive.url, archive_token="let-me-in")
    yield made
    made.services.store.close()


def send_due(backend: Backend) -> None:
    rows = backend.services.store.collection("deliveries")
    rows.update_all({"lane": ARCHIVE}, {"$set": {"due_at": now()}})
    sender = backend.services.get(DeliverySender)
    sender._lanes.clear()
    sender.finish_pass()


def newest(backend: Backend) -> Delivery:
    return backend.services.data.deliveries.page(ARCHIVE, PageRequest(1)).items[0]


def test_a_finding_is_sent_after_its_review_and_is_then_there(
    backend: Backend, archive: FakeArchive
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    send_due(backend)
    assert archive.asked == []
    sign(doctor, number)
    send_due(backend)
    assert archive.kept == {item.SOPInstanceUID: item for item in archive.kept.values()}
    sent = {item.SOPClassUID: item for item in archive.kept.values()}
    assert sent.keys() == objects_of(backend, number).keys()
    assert "Conclusions" in str(sent[STRUCTURED])
    assert archive.authorizations == {"Bearer let-me-in"}
    assert (newest(backend).state, newest(backend).answer) == ("delivered", 200)
    reads = [row for row in backend.audit() if row["action"] == "photo.read"]
    assert {row["by"] for row in reads} == {ARCHIVE}


def test_what_is_entered_in_error_while_it_is_sent_is_no_damaged_record(
    backend: Backend, archive: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    sign(doctor, number)
    made = StudiesService.maker

    def maker(studies: StudiesService) -> ObjectMaker:
        path, body = f"/submissions/{number}/entered-in-error", {"reason": "Of somebody else."}
        assert doctor.call("POST", path, json=body).status_code == 200
        return made(studies)

    monkeypatch.setattr(StudiesService, "maker", maker)
    send_due(backend)
    assert backend.services.data.failed_items.find_all("delivery") == {}


def test_a_finding_that_became_more_urgent_is_sent_before_a_doctor_has_answered(
    backend: Backend, archive: FakeArchive
) -> None:
    doctor, ada, number = clinic_with_finding(
        backend, content=photo_of("melanocytic_nevus"), **TOLD
    )
    sign(doctor, number, **MOLE)
    send_due(backend)
    before = set(archive.kept)
    correct(ada, number, checklist=SIGNS)
    send_due(backend)
    sent = {item.Modality: item for uid, item in archive.kept.items() if uid not in before}
    assert sorted(sent) == ["DOC", "OT", "SR", "XC"]
    assert "It became more urgent" in text_of(sent["SR"])


def test_no_photo_is_sent_once_its_owner_has_withdrawn_the_consent(
    backend: Backend, archive: FakeArchive
) -> None:
    doctor, ada, number = clinic_with_finding(backend)
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status_code == 200
    sign(doctor, number)
    assert ada.call("PUT", "/me/consents", json={"photos": False}).status_code == 200
    assert doctor.call("GET", f"/submissions/{number}/photo").status_code == 200  # it is kept
    send_due(backend)
    sent = {item.Modality: item for item in archive.kept.values()}
    assert sorted(sent) == ["DOC", "SR"]
    pages = PdfReader(io.BytesIO(sent["DOC"].EncapsulatedDocument)).pages
    assert [image for page in pages for image in page.images] == []
    assert not [
        row for row in backend.audit() if row["action"] == "photo.read" and row["by"] == ARCHIVE
    ]
    assert newest(backend).state == "delivered"
    # Given again, what was not sent is sent with the next review, and the report with its photo.
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status_code == 200
    sign(doctor, number)
    send_due(backend)
    assert len({item.Modality for item in archive.kept.values()}) > len(sent)


FAULTS = {
    Mood.FORGETS: ("waiting", "not_stored"),
    Mood.IS_DOWN: ("waiting", "status"),
    Mood.IS_SLOW: ("waiting", "deadline"),
    Mood.IS_FULL: ("waiting", "failed_A700"),
    Mood.TAKES_NO_PHOTOS: ("failed", "failed_0122"),
    Mood.KNOWS_US_NOT: ("waiting", "credentials"),
    Mood.HAS_NO_CODES: ("failed", "failed_0000"),
    Mood.TALKS_NONSENSE: ("waiting", "unreadable"),
}


def test_what_an_archive_does_not_take_is_told_and_sent_later(
    backend: Backend, archive: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    for mood, told in FAULTS.items():
        archive.mood = mood
        monkeypatch.setattr(archive_module, "CALL_S", 0.5 if mood is Mood.IS_SLOW else 30.0)
        archive.kept.clear()
        sign(doctor, number)
        send_due(backend)
        assert (newest(backend).state, newest(backend).fault) == told, mood
        if mood is Mood.TAKES_NO_PHOTOS:  # all that it takes it has
            assert sorted(item.Modality for item in archive.kept.values()) == ["DOC", "OT", "SR"]
        archive.mood = Mood.WORKS
        monkeypatch.setattr(archive_module, "CALL_S", 30.0)
        again = f"/archive/deliveries/{newest(backend).id}/again"
        assert backend.admin().call("POST", again).status_code == 202
        send_due(backend)
        assert newest(backend).state == "delivered"
        assert len(archive.kept) == 4


def test_an_admin_sees_where_findings_are_sent_and_how_it_went(
    backend: Backend, archive: FakeArchive
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    sign(doctor, number)
    archive.mood = Mood.FORGETS
    send_due(backend)
    admin = backend.admin()
    shown = admin.call("GET", "/archive").get_json()
    assert shown == {"address": archive.url}
    [delivery] = admin.pages("/archive/deliveries")
    assert (delivery["state"], delivery["fault"], delivery["type"]) == (
        "waiting",
        "not_stored",
        "study",
    )
    assert admin.call("POST", "/archive/deliveries/none/again").status_code == 404


def test_what_is_deleted_meanwhile_is_not_sent(backend: Backend, archive: FakeArchive) -> None:
    doctor, ada, number = clinic_with_finding(backend)
    sign(doctor, number)
    ada.call("DELETE", f"/submissions/{number}")
    send_due(backend)
    assert (archive.kept, newest(backend).state) == ({}, "delivered")
    sign(doctor, predicted(ada, keep_photo="true")["id"])
    erase(backend.services, backend.account(ada.email))
    assert backend.services.data.deliveries.page(ARCHIVE, PageRequest(9)).items == []


def test_orthanc_keeps_what_is_sent_and_is_asked_for_it(orthanc: Orthanc, tmp_path: Path) -> None:
    backend = Backend(tmp_path, archive_url=orthanc.dicomweb)
    doctor, ada, number = clinic_with_finding(backend, body_site="back")
    before = set(orthanc.instances())
    sign(doctor, number)
    send_due(backend)
    assert newest(backend).state == "delivered", newest(backend)
    sent = set(orthanc.instances()) - before
    assert_shown(orthanc, sent)
    patient = backend.account(ada.email).id
    [study] = orthanc.call("GET", f"/dicom-web/studies?PatientID={patient}").json
    path = f"/dicom-web/studies/{study['0020000D']['Value'][0]}"
    made = {item.SOPInstanceUID for item in objects_of(backend, number).values()}
    found = orthanc.call("GET", f"{path}/instances").json
    assert {record["00080018"]["Value"][0] for record in found} == made
    backend.services.store.close()


def assert_shown(orthanc: Orthanc, instances: set[str]) -> None:
    kinds = set()
    for instance in instances:
        kind = orthanc.call("GET", f"/instances/{instance}/simplified-tags").json["Modality"]
        if kind in ("XC", "OT"):
            drawn = orthanc.call("GET", f"/instances/{instance}/preview")
            assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/png")
        if kind == "DOC":
            assert orthanc.call("GET", f"/instances/{instance}/pdf").data.startswith(b"%PDF")
        kinds.add(kind)
    assert kinds == {"XC", "OT", "SR", "DOC"}


def test_what_is_said_again_is_sent_again_as_the_latest(
    backend: Backend, archive: FakeArchive, tmp_path: Path
) -> None:
    doctor, _, number = clinic_with_finding(backend)
    for label in ("melanoma", "melanocytic_nevus", "melanoma"):
        before = set(archive.kept)
        sign(doctor, number, label=label)
        send_due(backend)
    kept = dict(archive.kept)
    assert sorted(kept[uid].Modality for uid in kept.keys() - before) == ["DOC", "SR"]
    reports, printed = (
        sorted((item for item in kept.values() if item.Modality == kind), key=content_time)
        for kind in ("SR", "DOC")
    )
    assert len({*map(content_time, reports)}) == len({*map(content_time, printed)}) == 3
    concluded = [text_of(item).partition("Conclusions")[2] for item in reports]
    assert ["\nmelanoma\n" in said for said in concluded] == [True, False, True]
    assert [*map(named_before, reports[1:])] == [item.SOPInstanceUID for item in reports[:-1]]
    assert errors_in(tmp_path, *kept.values()) == []
    again = f"/archive/deliveries/{newest(backend).id}/again"
    assert backend.admin().call("POST", again).status_code == 202
    send_due(backend)
    assert (archive.kept, newest(backend).state) == (kept, "delivered")


@pytest.mark.parametrize("what", ["voided", "moved to a new spot"])
def test_an_archive_learns_that_a_signed_review_does_not_count_any_more(
    backend: Backend, archive: FakeArchive, what: str
) -> None:
    doctor, ada, number = clinic_with_finding(backend)
    path = f"/submissions/{number}"
    sign(doctor, number)
    stays = predicted(ada, lesion=doctor.call("GET", path).get_json()["lesion"])["id"]
    send_due(backend)
    before = set(archive.kept)
    if what == "voided":
        (review,) = doctor.call("GET", f"{path}/reviews").get_json()
        void = f"{path}/reviews/{review['_id']}/void"
        doctor.call_ok("POST", void, json={"reason": "Of somebody else."})
    else:
        doctor.call_ok("PUT", f"{path}/lesion", json={"lesion": None})
    send_due(backend)
    new = [item for uid, item in archive.kept.items() if uid not in before]
    sent = {item.Modality: item for item in new if item.StudyID == str(stays)}
    assert sorted(sent) == ["DOC", "SR"]
    assert "Conclusions" not in text_of(sent["SR"])


def test_a_key_that_only_sends_may_say_that_its_archive_shows_what_comes_to_it(
    backend: Backend, tmp_path: Path
) -> None:
    keys = backend.services.get(ReadingKeys)
    patient = backend.account(backend.member().email).model_copy(update={"number_system": "dicom"})
    clinic_wide(backend, scopes=["dicom"])
    assert not keys.may_show(patient)
    clinic_wide(backend, scopes=["dicom"], shows_patients_of=["dicom"])
    assert keys.may_show(patient)
    without = Backend(tmp_path / "without")
    assert "dicom" not in without.services.get(ReadingKeys).scopes
    without.services.store.close()
