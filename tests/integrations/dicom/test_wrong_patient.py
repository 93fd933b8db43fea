from functools import partial
from typing import Any

import pytest

from skinapi.platform.storage.ports import Documents
from tests.integrations.dicom.sent_objects import jpeg_object
from tests.integrations.dicom.test_receiving import FAILED, PHOTO, send
from tests.integrations.test_keys import made
from tests.served.wire import at_once
from tests.support.backends import Backend, erase
from tests.support.photos import photo_of
from tests.support.reviews import signed_review
from tests.support.size import size
from tests.use_cases.use_case import acts_on

UID = "1.2.3.4"
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
        told = {"scopes": ["dicom", "findings:read"], "doctor": self.doctor.email}
        self.archive, self.key = made(self.admin, "/admin/keys", **told)

    def send(self, number: str, photo: bytes = PHOTO, **told: Any) -> tuple[int, str]:
        status, answer = send(self.archive, picture_for(number, photo, **told))
        if status == 200:
            return 0, ""
        (said,) = answer[FAILED]["Value"]
        return said["00081197"]["Value"][0], said["0040A160"]["Value"][0]

    @property
    def stored(self) -> Documents:
        return self.backend.services.store.collection("submissions")

    def findings(self) -> list[Any]:
        return [item for item in self.stored.find(sort="number") if item["id"] not in self.earlier]

    def case(self, number: int) -> Any:
        return self.doctor.call("GET", f"/submissions/{number}/case").get_json()

    def is_whole(self) -> bool:
        services = self.backend.services
        assert [*services.findings.check_integrity(), *services.reviews.check_integrity()] == []
        return True


@pytest.fixture
def ward(real_backend: Backend) -> Ward:
    return Ward(real_backend)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("photo", [PHOTO, MOLE])
def test_a_finding_stays_and_waits_for_its_doctor(ward: Ward, signed: bool, photo: bytes) -> None:
    ward.send("P-1")
    (before,) = ward.findings()
    number, accounts = before["number"], len(ward.backend.stored()["accounts"])
    if signed:
        signed_review(ward.doctor, number, MELANOMA)
        assert ward.doctor.call("GET", "/queue?reviewed=false").get_json() == []
    for _ in range(2):
        reason, said = ward.send("P-2", photo)
        assert (reason, "another patient" in said) == (0x0111, True)
    (after,) = ward.findings()
    assert (after["owner"], "error" in after) == (before["owner"], False)
    assert len(ward.backend.stored()["accounts"]) == accounts
    acts = acts_on(ward.backend, before["id"])
    assert acts.count(("submission.enter_in_error", "other_patient")) == 1
    (waiting,) = ward.doctor.call("GET", "/queue?reviewed=false").get_json()
    assert (waiting["id"], ward.case(number)["disputed"]) == (number, "other_patient")
    shown = ward.doctor.call("GET", f"/submissions/{number}").get_json()
    assert (shown["decision"] and shown["decision"]["label"]) == ("melanoma" if signed else None)
    assert ward.send("P-1")[0] == 0
    assert ward.is_whole()


def test_an_object_whose_finding_a_doctor_has_entered_in_error_comes_to_no_patient(
    ward: Ward,
) -> None:
    ward.send("P-1")
    path = f"/submissions/{ward.findings()[0]['number']}/entered-in-error"
    ward.doctor.call_ok("POST", path, json={"reason": "It is of somebody else."})
    before = ward.findings()
    assert [ward.send(number)[0] for number in ("P-1", "P-2")] == [0x0110, 0x0111]
    assert ward.findings() == before


def test_what_was_deleted_comes_back_by_no_other_key(ward: Ward) -> None:
    ward.send("P-1")
    services, first = ward.backend.services, ward.key
    erase(services, services.data.accounts.get(ward.findings()[0]["owner"]))
    ward.get_key()
    ward.admin.call_ok("DELETE", f"/admin/keys/{first['_id']}")
    reason, said = ward.send("P-1")
    assert (reason, "deleted" in said) == (0x0110, True)
    assert ward.findings() == []


@pytest.mark.parametrize("others", ["A", "B"])
def test_two_first_objects_at_once_leave_one_finding(real_backend: Backend, others: str) -> None:
    for place in range(size(4, 20)):
        ward = Ward(real_backend)
        uid = f"{UID}.{place}"
        sent = [picture_for(f"{number}-{place}", SOPInstanceUID=uid) for number in ("A", others)]
        statuses = [
            status for status, _ in at_once([partial(send, ward.archive, one) for one in sent])
        ]
        assert sorted(statuses) == [200, 200 if others == "A" else 409]
        (filed,) = ward.findings()
        assert ("disputed" in filed) == (others == "B")
        assert ward.is_whole()
