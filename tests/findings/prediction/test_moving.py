"""A finding is moved to the right patient: in error for the one, new for the other."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.care.clinic import numbers, patient_in_care, patient_of
from tests.findings.prediction.photographer import predicted
from tests.support.backends import MAIL, Backend, Person
from tests.use_cases.use_case import acts_on, notices_to

REASON = "This photo was taken of the next patient."


class Mistake:
    """A photo of Bob that was filed for Ada, who has told of herself. One doctor has both."""

    def __init__(self, backend: Backend, **told: Any) -> None:
        self.backend = backend
        self.doctor, self.ada = patient_in_care(backend)
        self.bob = patient_of(backend, self.doctor)
        self.to = backend.account(self.bob.email).id
        given = {"keep_photo": "true", "sex": "female", "age_band": "30-44", **told}
        self.wrong = predicted(self.ada, modality="dermoscopic", **given)["id"]

    def move(self, by: Person | None = None, **body: Any) -> TestResponse:
        sent = {"reason": REASON, "patient": self.to, **body}
        return (by or self.doctor).call("POST", f"/submissions/{self.wrong}/move", json=sent)


@pytest.fixture
def mistake(backend: Backend) -> Mistake:
    return Mistake(backend)


def stored(backend: Backend, number: int) -> Any:
    found = backend.services.data.submissions.find_by_number(number)
    assert found
    return found


def test_it_is_in_error_for_the_one_and_judged_anew_for_the_other(tmp_path: Path) -> None:
    mistake = Mistake(Backend(tmp_path / "mails", **MAIL))
    backend, bob = mistake.backend, mistake.bob
    answer = mistake.move()
    assert answer.status_code == 200, answer.text
    moved = answer.get_json()
    assert moved == {"id": moved["id"], "moved_from": mistake.wrong}
    assert numbers(mistake.ada, "/submissions") == []
    assert numbers(bob, "/submissions") == numbers(mistake.doctor, "/queue") == [moved["id"]]
    gone = mistake.ada.call("GET", f"/submissions/{mistake.wrong}")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "entered_in_error")
    new = stored(backend, moved["id"])
    assert new.context.modality == "dermoscopic"
    assert (new.context.sex, new.context.age_band, new.lesion, new.source) == (None,) * 4
    assert new.photo_blob is None  # Bob was never asked whether photos are kept
    ada, doctor = (backend.account(one.email).id for one in (mistake.ada, mistake.doctor))
    assert notices_to(backend, ada) == ["entered_in_error"]
    assert notices_to(backend, mistake.to) == ["filed"]
    old = stored(backend, mistake.wrong)
    assert acts_on(backend, old.id)[-1] == ("submission.enter_in_error", "done")
    (filed,) = backend.services.store.collection("audit").find({"target": new.id})
    assert (filed["action"], filed["by"], filed["owner"]) == (
        "submission.create", doctor, mistake.to,
    )  # fmt: skip
    assert mistake.move().get_json() == moved
    assert len(numbers(bob, "/submissions")) == 1
    assert [*backend.services.faults()] == []
    backend.services.store.close()


def test_the_right_patients_consent_and_a_named_spot_count(mistake: Mistake) -> None:
    bob = mistake.bob
    bob.call("PUT", "/me/consents", json={"photos": True})
    place = {"place": {"site": "back"}}
    spot = bob.call("POST", "/lesions", json=place).get_json()["id"]
    number = mistake.move(lesion=spot).get_json()["id"]
    new = stored(mistake.backend, number)
    assert (new.lesion, bool(new.photo_blob)) == (spot, True)
    assert numbers(bob, f"/lesions/{spot}/submissions") == [number]


def test_what_cannot_be_filed_for_the_right_one_stays_with_the_wrong_one(mistake: Mistake) -> None:
    other = mistake.backend.member()
    assert mistake.move(lesion="0" * 32).status_code == 404
    own = mistake.backend.account(mistake.ada.email).id
    assert mistake.move(patient=own).get_json()["code"] == "moved_to_same_patient"
    stranger = mistake.backend.account(other.email).id
    assert mistake.move(patient=stranger).status_code == 404
    assert numbers(mistake.ada, "/submissions") == [mistake.wrong]
    assert numbers(mistake.bob, "/submissions") == []
    # An admin knows of patients of any doctor, or none.
    assert mistake.move(mistake.backend.member(role="admin"), patient=stranger).status_code == 200
    assert mistake.move().get_json()["code"] == "entered_in_error"
    assert numbers(mistake.bob, "/submissions") == []


def test_without_a_kept_photo_it_says_what_to_do_instead(backend: Backend) -> None:
    mistake = Mistake(backend, keep_photo="false")
    refused = mistake.move()
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_photo_to_move")
    assert "enter the finding in error here" in refused.get_json()["detail"]
    assert numbers(mistake.ada, "/submissions") == [mistake.wrong]
