"""A doctor signs what the page has shown: what has come since is read first."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.model.context import Context
from tests.care.clinic import file_for, patient_in_care
from tests.care.test_cases import give
from tests.care.test_comparisons import sign as review
from tests.care.test_lesions import begin
from tests.care.test_sorting import MELANOMA, MOLE, SELF, URGENT, by_sorting
from tests.support.backends import Backend, Person
from tests.support.reviews import review_of


def state_of(doctor: Person, number: int) -> str:
    state: str = doctor.call("GET", f"/submissions/{number}").get_json()["spot_state"]
    return state


def sign(
    doctor: Person, number: int, state: str, said: dict[str, Any] | None = None, key: str = ""
) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    body = {**(said or MOLE), "spot_state": state}
    return doctor.call(
        "POST", f"/submissions/{number}/review", json=review_of(body), headers=headers
    )


def ask(doctor: Person, number: int, colleague: Person) -> None:
    path = f"/submissions/{number}/second-opinion"
    assert doctor.call("PUT", path, json={"colleague": colleague.email}).status_code == 200


def test_what_was_sorted_in_since_the_page_was_read_is_not_ended_unseen(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    grave = file_for(any_backend, ada, SELF, lesion=back).number
    review(doctor, grave, MELANOMA)
    mild = file_for(any_backend, ada, SELF, lesion=chest).number
    state = state_of(doctor, mild)
    by_sorting(ada, grave, chest)
    refused = sign(doctor, mild, state)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "spot_changed")
    told = ada.call("GET", f"/submissions/{mild}").get_json()["instruction"]
    assert (told["band"], told["finding"]) == (URGENT, grave)
    assert sign(doctor, mild, state_of(doctor, mild)).status_code == 201


def test_a_second_opinion_or_a_photo_that_came_since_is_read_first(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    colleague, spot = any_backend.member(role="doctor"), begin(ada)
    number = file_for(any_backend, ada, SELF, lesion=spot).number
    ask(doctor, number, colleague)
    state = state_of(doctor, number)
    give(colleague, number)
    assert sign(doctor, number, state).get_json()["code"] == "spot_changed"
    state = state_of(doctor, number)
    file_for(any_backend, ada, URGENT, lesion=spot)
    assert sign(doctor, number, state).get_json()["code"] == "spot_changed"
    state = state_of(doctor, number)
    assert sign(doctor, number, state, key="one").status_code == 201
    again = sign(doctor, number, state, key="one")
    assert again.status_code == 201, "sent again after a broken connection"
    assert state_of(doctor, number) != state


@pytest.mark.parametrize(("site", "elsewhere"), [("foot", True), ("back", False), (None, False)])
def test_a_sample_of_one_place_takes_no_day_from_a_photo_told_to_be_of_another(
    any_backend: Backend, site: Any, *, elsewhere: bool
) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada)
    back = Context(body_site="back")
    number = file_for(any_backend, ada, URGENT, lesion=spot, context=back).number
    other = file_for(any_backend, ada, URGENT, lesion=spot, context=Context(body_site=site)).number
    review(doctor, number, {**MELANOMA, "sample": "waiting"})
    for finding in (number, other):
        told = ada.call("GET", f"/submissions/{finding}").get_json()["instruction"]
        if elsewhere:
            assert (told["finding"], told["waits_for"]) == (other, None)
            assert told["due"]
        else:
            assert (told["finding"], told["waits_for"]) == (number, "result")
