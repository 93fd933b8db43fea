from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from skinapi.model.context import Context
from tests.care.clinic import file_for, patient_in_care
from tests.care.test_cases import give
from tests.care.test_lesions import begin
from tests.care.test_sorting import MOLE, SELF, URGENT
from tests.support.backends import Backend, Person
from tests.support.reviews import review_of, spot_version_of


def sign(doctor: Person, number: int, version: int, key: str = "") -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    body = review_of({**MOLE, "spot_version": version})
    return doctor.call("POST", f"/submissions/{number}/review", json=body, headers=headers)


def add_photo(backend: Backend, ada: Person, doctor: Person, number: int, spot: str) -> None:
    file_for(backend, ada, URGENT, lesion=spot)


def correct_side(backend: Backend, ada: Person, doctor: Person, number: int, spot: str) -> None:
    path = f"/submissions/{number}/facts"
    assert ada.call("PUT", path, json={"body_laterality": "right"}).status_code == 200


@pytest.mark.parametrize(("act", "changed_by"), [(add_photo, "added"), (correct_side, "corrected")])
def test_what_came_since_the_page_was_read_is_read_first(
    any_backend: Backend, act: Callable[..., None], changed_by: str
) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada)
    place = Context(body_site="back")
    number = file_for(any_backend, ada, SELF, lesion=spot, context=place).number
    version = spot_version_of(doctor, number)
    act(any_backend, ada, doctor, number, spot)
    assert spot_version_of(doctor, number) == version + 1
    refused = sign(doctor, number, version)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "spot_changed")
    assert str(version + 1) in refused.get_json()["detail"]
    now, answer = (
        refused.get_json()["spot"],
        doctor.call("GET", f"/submissions/{number}").get_json(),
    )
    assert now["version"] == answer["spot_version"] == version + 1
    said = answer["instruction"]
    stated = [now[name] for name in ("urgency", "said_by", "since", "due")]
    assert stated == [said[name] for name in ("band", "from", "since", "due")]
    assert now["changed_by"] == changed_by
    assert sign(doctor, number, version + 1).status_code == 201


def test_an_opinion_that_came_is_read_first_and_a_retry_is_no_other_version(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    colleague = any_backend.member(role="doctor")
    number = file_for(any_backend, ada, SELF).number
    asked = {"colleague": colleague.email}
    path = f"/submissions/{number}/second-opinion"
    assert doctor.call("PUT", path, json=asked).status_code == 200
    version = spot_version_of(doctor, number)
    give(colleague, number)
    assert sign(doctor, number, version).get_json()["code"] == "spot_changed"
    version = spot_version_of(doctor, number)
    for _ in range(2):
        assert sign(doctor, number, version, key="one").status_code == 201
    assert spot_version_of(doctor, number) == version + 1
