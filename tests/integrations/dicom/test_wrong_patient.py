"""An archive sends its object again with another PatientID. Before a review the finding is then
that patient's, and the one before is in error. After one nothing changes, and a doctor decides.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import NotFound, Refused, StoreUnavailable
from skinapi.findings.prediction.service import Quotas
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.model.refusals import Reason
from skinapi.model.registry.inference import InferenceService
from skinapi.platform.storage.ports import Documents
from tests.integrations.dicom.reading_back import objects_in_archive
from tests.integrations.dicom.sent_objects import (
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    RLE,
    jpeg_object,
    pixels_of,
    raw_object,
)
from tests.integrations.dicom.test_receiving import FAILED, PHOTO, PIXELS, send
from tests.integrations.test_keys import made
from tests.served.wire import at_once
from tests.support.backends import Backend, erase
from tests.support.photos import photo_of
from tests.support.reviews import signed_review
from tests.support.size import size
from tests.use_cases.use_case import acts_on

UID = "1.2.3.4"
ELSEWHERE: dict[str, Any] = {"IssuerOfPatientID": "ELSEWHERE"}
MOLE = photo_of("melanocytic_nevus")
MELANOMA = {"label": "melanoma", "certainty": "sure"}


def picture_for(number: str, photo: bytes = PHOTO, **told: Any) -> bytes:
    return jpeg_object(photo, **{"SOPInstanceUID": UID, "PatientID": number, **told})


class Ward:
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.admin, self.doctor = (backend.member(role=role) for role in ("admin", "doctor"))
        self.get_key()
        self.earlier = {item["id"] for item in self.stored.find()}

    def get_key(self) -> None:
        """The archive sends by this key from now on."""
        told = {"scopes": ["dicom", "findings:read"], "doctor": self.doctor.email}
        self.archive, self.key = made(
            self.admin, "/admin/keys", shows_patients_of=["clinic", "ELSEWHERE"], **told
        )

    def revoke(self, key: Any) -> None:
        self.admin.call_ok("DELETE", f"/admin/keys/{key['_id']}")

    def send(self, number: str, photo: bytes = PHOTO, **told: Any) -> tuple[int, str]:
        return self.send_object(picture_for(number, photo, **told))

    def send_object(self, one: bytes) -> tuple[int, str]:
        status, answer = send(self.archive, one)
        if status == 200:
            return 0, ""
        (said,) = answer[FAILED]["Value"]
        return said["00081197"]["Value"][0], said["0040A160"]["Value"][0]

    @property
    def stored(self) -> Documents:
        return self.backend.services.store.collection("submissions")

    def findings(self) -> list[Any]:
        return [item for item in self.stored.find(sort="number") if item["id"] not in self.earlier]

    def live(self) -> Any:
        (one,) = [item for item in self.findings() if "error" not in item]
        return one

    def sign(self, **more: str) -> None:
        signed_review(self.doctor, self.live()["number"], {**MELANOMA, **more})

    def enter_in_error(self) -> None:
        path = f"/submissions/{self.live()['number']}/entered-in-error"
        self.doctor.call_ok("POST", path, json={"reason": "It is of somebody else."})

    def queue(self) -> list[int]:
        waiting = self.doctor.call("GET", "/queue?reviewed=false").get_json()
        return [item["id"] for item in waiting]

    def case(self) -> Any:
        return self.doctor.call("GET", f"/submissions/{self.live()['number']}/case").get_json()

    def email_of(self, owner: str) -> str:
        account = self.backend.services.data.accounts.find_by_id(owner)
        assert account
        return account.email

    def is_whole(self) -> bool:
        services = self.backend.services
        assert [*services.findings.check_integrity(), *services.reviews.check_integrity()] == []
        return True


@pytest.fixture
def ward(real_backend: Backend) -> Ward:
    return Ward(real_backend)


def test_the_old_finding_stands_for_nothing_and_the_new_one_is_shown(ward: Ward) -> None:
    assert ward.send("P-1")[0] == ward.send("P-2")[0] == ward.send("P-2")[0] == 0
    first, second = ward.findings()
    assert first["owner"] != second["owner"]
    assert first["error"]["reason"].startswith("The clinic's system")
    assert "error" not in second
    assert acts_on(ward.backend, first["id"])[-1] == ("submission.enter_in_error", "done")
    read = ward.archive.call("GET", f"/submissions/{first['number']}")
    assert (read.status_code, read.get_json()["code"]) == (404, "entered_in_error")
    assert objects_in_archive(ward.backend, second["number"])
    with pytest.raises(NotFound):
        objects_in_archive(ward.backend, first["number"])


def test_a_patient_who_was_corrected_away_does_not_get_the_object_again(ward: Ward) -> None:
    assert [ward.send(number)[0] for number in ("P-1", "P-2", "P-1")] == [0, 0, 0x0110]
    second = ward.live()
    assert ward.send("P-3")[0] == 0
    assert ward.live()["owner"] != second["owner"]
    assert ward.send("P-2")[0] == 0x0110
    assert ward.is_whole()


def test_a_signed_finding_is_refused_and_waits_for_its_doctor(ward: Ward) -> None:
    ward.send("P-1")
    ward.sign()
    before = ward.live()
    assert before["number"] not in ward.queue()
    for _ in range(2):
        reason, said = ward.send("P-2")
        assert (reason, said.startswith("A doctor has signed")) == (0x0110, True)
    assert [item["owner"] for item in ward.findings()] == [before["owner"]]
    assert acts_on(ward.backend, before["id"])[-1] == (
        "submission.enter_in_error",
        "finding_signed",
    )
    assert ward.queue()[0] == before["number"]
    assert ward.case()["disputed"] == "other_patient"
    shown = ward.doctor.call("GET", f"/submissions/{before['number']}").get_json()
    assert shown["decision"]["label"] == "melanoma"
    assert ward.is_whole()


def test_a_refused_photo_whose_result_is_awaited_has_its_day_again(ward: Ward) -> None:
    ward.send("P-1")
    ward.sign(sample="waiting")
    number = ward.live()["number"]
    path = f"/lesions/{ward.live()['lesion']}"
    assert ward.doctor.call("GET", path).get_json()["reminder"]["act"] == "ask_result"
    ward.send("P-2")
    assert ward.queue()[0] == number
    assert ward.doctor.call("GET", path).get_json()["reminder"]["act"] == "see_doctor"
    assert ward.is_whole()


def test_a_photo_that_a_doctor_has_moved_stays_there(real_backend: Backend, tmp_path: Path) -> None:
    ward = Ward(Backend(tmp_path, real_backend.services.store, photos="always"))
    ward.send("P-1")
    ward.send_object(jpeg_object(MOLE, PatientID="P-2"))
    wrong, other = ward.findings()
    body = {"reason": "It is of somebody else.", "patient": other["owner"]}
    moved = ward.doctor.call("POST", f"/submissions/{wrong['number']}/move", json=body)
    assert moved.status_code < 300, moved.text
    before = ward.findings()
    for number in ("P-2", "P-3"):
        reason, said = ward.send(number)
        assert (reason, "moved this photo to another patient" in said) == (0x0110, True)
    assert ward.findings() == before


def test_a_patient_whom_a_doctor_has_denied_does_not_get_the_object(ward: Ward) -> None:
    ward.send("P-1")
    ward.enter_in_error()
    for number, reason in (("P-1", 0x0110), ("P-2", 0), ("P-1", 0x0110)):
        assert ward.send(number)[0] == reason
    first, second = ward.findings()
    assert (first["error"]["reason"], "error" in second) == ("It is of somebody else.", False)


def test_another_picture_voids_no_other_patients_finding(ward: Ward) -> None:
    ward.send("P-1")
    ward.sign()
    before = ward.findings()
    assert ward.send("P-9", MOLE) == ward.send("P-1", MOLE)
    reason, said = ward.send("P-9", MOLE)
    assert reason == 0x0111
    assert "SOPInstanceUID" in said
    assert ward.findings() == before
    reviews = ward.doctor.call("GET", f"/submissions/{ward.live()['number']}/reviews").get_json()
    assert [item["label"] for item in reviews] == ["melanoma"]


def fail(error: Exception) -> Callable[..., Any]:
    def raise_it(*_: Any, **__: Any) -> Any:
        raise error

    return raise_it


REFUSALS: list[tuple[type, str, Exception, int]] = [
    (InferenceService, "classify_pictures", Refused(Reason.BLURRED), 0x0110),
    (FindingRecords, "add", StoreUnavailable(), 0),
]


@pytest.mark.parametrize(("service", "method", "error", "reason"), REFUSALS)
def test_what_refuses_the_new_finding_leaves_the_old_one(
    ward: Ward,
    monkeypatch: pytest.MonkeyPatch,
    service: type,
    method: str,
    error: Exception,
    reason: int,
) -> None:
    ward.send("P-1")
    before, accounts = ward.findings(), ward.backend.stored()["accounts"]
    with monkeypatch.context() as patch:
        patch.setattr(service, method, fail(error))
        status, answer = send(ward.archive, picture_for("P-2"))
    if reason:
        assert answer[FAILED]["Value"][0]["00081197"]["Value"] == [reason]
    else:
        assert status == 503
    assert ward.findings() == before
    assert ward.backend.stored()["accounts"] == accounts
    assert ward.send("P-2")[0] == 0
    assert ward.live()["owner"] != before[0]["owner"]
    assert ward.is_whole()


def test_a_full_quota_of_the_right_patient_leaves_the_old_finding(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.send("P-1")
    before = ward.findings()
    ward.send_object(jpeg_object(MOLE, PatientID="P-2"))
    with monkeypatch.context() as patch:
        patch.setattr(Quotas, "most_findings", 1, raising=False)
        assert ward.send("P-2")[0] == 0xA700
    assert ward.findings()[:1] == before


@pytest.mark.parametrize("syntax", [IMPLICIT, RLE, JPEG_2000])
def test_the_same_pixels_in_another_transfer_syntax_are_the_same_picture(
    ward: Ward, syntax: Any
) -> None:
    for number, of in (("P-1", EXPLICIT), ("P-2", syntax)):
        one = raw_object(PIXELS, of, SOPInstanceUID=UID, PatientID=number)
        assert ward.send_object(one) == (0, "")
    assert len(ward.findings()) == 2
    assert ward.live() == ward.findings()[1]


def test_a_jpeg_that_an_archive_has_unpacked_is_another_picture(ward: Ward) -> None:
    """Decoders differ by a step of a colour, so nothing says that it is the same."""
    ward.send("P-1")
    before = ward.findings()
    unpacked = raw_object(pixels_of(PHOTO), SOPInstanceUID=UID, PatientID="P-2")
    assert ward.send_object(unpacked)[0] == 0x0111
    assert ward.findings() == before


def test_a_correction_of_more_than_the_number_is_one(ward: Ward) -> None:
    """Whoever corrects a patient's number corrects sex and birth with it. No photo is kept here."""
    ward.send("P-1")
    assert ward.send("P-2", PatientSex="M", PatientBirthDate="19900101") == (0, "")
    assert "photo_blob" not in ward.live()
    assert ward.live()["context"]["sex"] == "male"


def test_what_was_deleted_comes_back_by_no_other_key(ward: Ward) -> None:
    ward.send("P-1")
    services, first = ward.backend.services, ward.key
    erase(services, services.data.accounts.get(ward.live()["owner"]))
    ward.get_key()
    ward.revoke(first)
    reason, said = ward.send("P-1")
    assert (reason, "deleted" in said) == (0x0110, True)
    assert ward.findings() == []


@pytest.mark.parametrize("numbers", [("P-2", "P-3"), ("P-2", "P-2")])
def test_of_two_corrections_at_once_one_finding_stands(
    real_backend: Backend, numbers: tuple[str, str]
) -> None:
    for place in range(size(4, 20)):
        ward = Ward(real_backend)
        own = [f"{number}-{place}" for number in ("P-1", *numbers)]
        sent = [picture_for(number, SOPInstanceUID=f"{UID}.{place}") for number in own]
        first, *others = (partial(send, ward.archive, one) for one in sent)
        first()
        owner = ward.live()["owner"]
        assert [status for status, _ in at_once(others)] == [200, 200]
        assert len(ward.findings()) == 1 + len({*numbers})
        assert ward.live()["owner"] != owner
        assert ward.is_whole()


def test_two_patients_first_objects_at_once_leave_one_finding(real_backend: Backend) -> None:
    for place in range(size(4, 20)):
        ward = Ward(real_backend)
        uid = f"{UID}.{place}"
        sent = [picture_for(f"{number}-{place}", SOPInstanceUID=uid) for number in ("A", "B")]
        calls = [partial(send, ward.archive, one) for one in sent]
        assert [status for status, _ in at_once(calls)] == [200, 200]
        assert len(ward.findings()) == 2
        assert ward.live()
        assert ward.is_whole()
