"""What was promised to a patient stays in sight: a laboratory's result, and another photo."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.findings.records import review_service
from tests.care.clinic import REVIEW, URGENT, file_for, numbers, patient_in_care, patient_of
from tests.support.backends import Backend, Person

AWAITED = {"label": "basal_cell_carcinoma", "certainty": "sure", "histology": "awaited"}
PHOTO = {"new_picture_wanted": True, "certainty": "unsure"}
RESULTS, PHOTOS = "/queue?awaited=result", "/queue?awaited=photo"
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


def decide(doctor: Person, number: int, body: dict[str, Any]) -> None:
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
    assert answer.status_code == 201, answer.get_json()


def counts(doctor: Person) -> Any:
    return doctor.call("GET", "/queue/counts").get_json()["awaited"]


def test_what_is_awaited_is_listed_and_counted_the_oldest_first(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(shared_backend)
    ben = patient_of(shared_backend, doctor, "Ben Okri")
    late, early, photo = (file_for(shared_backend, one, URGENT).number for one in (ada, ben, ada))
    with monkeypatch.context() as patch:
        patch.setattr(review_service, "now", lambda: LONG_AGO)
        decide(doctor, early, AWAITED)
    decide(doctor, late, AWAITED)
    decide(doctor, photo, PHOTO)
    for limit in ("", "&limit=1"):
        assert numbers(doctor, RESULTS + limit) == [early, late]
    assert numbers(doctor, PHOTOS) == [photo]
    assert counts(doctor) == {"result": 2, "photo": 1}
    overdue = doctor.call("GET", "/queue/counts").get_json()["overdue"]
    assert overdue == {"result": 1, "photo": 0}
    shown = [doctor.call("GET", f"/submissions/{one}/case").get_json() for one in (early, late)]
    assert [one.get("overdue", False) for one in shown] == [True, False]
    oldest = doctor.pages(RESULTS)[0]["awaited"]
    since = LONG_AGO.isoformat().replace("+00:00", "Z")
    assert oldest == {"what": "result", "since": since, "overdue": True, "submission": early}
    told = {one["name"]: one["awaited"] for one in doctor.pages("/patients")}
    assert told["Ben Okri"] == oldest
    assert (told["Ada Example"]["what"], told["Ada Example"]["overdue"]) == ("result", False)
    decide(
        doctor, early, {"label": "basal_cell_carcinoma", "histology_result": "basal_cell_carcinoma"}
    )
    assert numbers(doctor, RESULTS) == [late]
    assert counts(shared_backend.member(role="doctor")) == {"result": 0, "photo": 0}
    assert list(shared_backend.services.faults()) == []


def test_a_newer_photo_of_the_spot_answers_the_wish_for_one(shared_backend: Backend) -> None:
    doctor, ada = patient_in_care(shared_backend)
    place = {"place": {"site": "back"}}
    spot = ada.call("POST", "/lesions", json=place).get_json()["id"]
    asked, other = (file_for(shared_backend, ada, REVIEW, lesion=one) for one in (spot, None))
    for one in (asked, other):
        decide(doctor, one.number, PHOTO)
    assert numbers(doctor, PHOTOS) == [asked.number, other.number]
    file_for(shared_backend, ada, REVIEW, lesion=spot)
    assert numbers(doctor, PHOTOS) == [other.number]
    decide(doctor, asked.number, PHOTO)  # the newer one is not good enough either
    assert numbers(doctor, PHOTOS) == [other.number, asked.number]
    assert list(shared_backend.services.faults()) == []


@pytest.mark.parametrize("other", ["reviewed=false", "urgency=urgent_referral"])
def test_no_other_choice_goes_with_it(shared_backend: Backend, other: str) -> None:
    doctor = shared_backend.member(role="doctor")
    assert doctor.call("GET", f"{RESULTS}&{other}").status_code == 400
