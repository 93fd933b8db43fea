from io import BytesIO
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.model.conditions import Band
from tests.care.clinic import file_for, patient_in_care
from tests.care.test_comparisons import sign
from tests.care.test_lesions import begin, code_of, sort
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

URGENT, SELF = Band.URGENT_REFERRAL, Band.SELF_MONITORING
MELANOMA = {"label": "melanoma", "certainty": "sure"}
MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": SELF}
ANOTHER = {"photo_wanted": True}
LEFT = {"site": "back", "laterality": "left"}


def instructed(reader: Person, number: int) -> tuple[Any, ...]:
    told = reader.call("GET", f"/submissions/{number}").get_json()["instruction"]
    return told["band"], told["finding"], told["photo_wanted"]


def test_a_patient_moves_only_what_no_review_covers_and_no_sample_holds(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    signed = file_for(any_backend, ada, SELF, lesion=back).number
    sign(doctor, signed, {**MELANOMA, "sample": "waiting"})
    newer = file_for(any_backend, ada, SELF, lesion=back).number
    for spot in (chest, None):
        assert code_of(sort(ada, signed, spot)) == (409, "finding_signed")
        assert code_of(sort(ada, newer, spot)) == (409, "sample_awaited")
    sign(doctor, newer, {**MELANOMA, "certainty": "laboratory"})
    assert code_of(sort(ada, newer, chest)) == (409, "finding_signed")
    last = file_for(any_backend, ada, SELF, lesion=back).number
    assert sort(ada, last, chest).status_code == 200
    assert [item["lesion"] for item in ada.pages("/submissions")] == [back, back, chest]
    assert not list(check_integrity(any_backend.services))


def predict(sender: Person, key: str = "first", **fields: str) -> Any:
    data = {"image": (BytesIO(photo_of("melanoma", (600, 450))), "photo.jpg"), **fields}
    return sender.call("POST", "/predict", data=data, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("by_doctor", [False, True])
@pytest.mark.parametrize("told", ["trunk", None])
def test_a_photo_in_place_of_another_is_of_one_spot_with_it(
    any_backend: Backend, told: str | None, by_doctor: bool
) -> None:
    doctor, ada = patient_in_care(any_backend)
    sender = doctor if by_doctor else ada
    place = {"body_site": told, "body_laterality": "left"} if told else {}
    first = predict(ada, **place).get_json()["id"]
    sign(doctor, first, ANOTHER)

    def send(key: str, **fields: str) -> Any:
        patient = {"patient": any_backend.account(ada.email).id} if by_doctor else {}
        return predict(sender, key, in_place_of=str(first), **patient, **fields)

    answers = [send("two", body_site="back") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    before, after = ada.pages("/submissions")
    assert answers[0].get_json()["id"] == answers[1].get_json()["id"] == after["id"]
    [spot] = ada.pages("/lesions")
    assert before["lesion"] == after["lesion"] == spot["id"]
    site = told or "back"
    assert spot["place"]["site"] == answers[0].get_json()["context"]["body_site"] == site
    assert instructed(ada, first)[2] is False, "it has come"
    sign(doctor, after["id"], MOLE)
    assert instructed(ada, first)[2] is False, "it answers the request also once it is decided"
    assert list(check_integrity(any_backend.services)) == []


def test_nobody_sends_a_photo_in_place_of_that_of_somebody_else(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    _, bob = patient_in_care(backend)
    number = str(predict(ada).get_json()["id"])
    assert predict(bob, in_place_of=number).status_code == 404
    assert bob.pages("/submissions") == bob.pages("/lesions") == []


@pytest.mark.parametrize(
    "elsewhere", [{"laterality": "right"}, {"site": "face", "laterality": "left"}]
)
def test_what_is_told_to_be_elsewhere_does_not_come_to_a_spot(
    any_backend: Backend, elsewhere: dict[str, str]
) -> None:
    _, ada = patient_in_care(any_backend)
    place = {**LEFT, **elsewhere}
    left, other = begin(ada, place=LEFT), begin(ada, place=place)
    told = {"body_site": place["site"], "body_laterality": place["laterality"]}
    number = predict(ada, lesion=other, **told).get_json()["id"]
    for refused in (predict(ada, "again", lesion=left, **told), sort(ada, number, left)):
        assert code_of(refused) == (409, "other_place")
    assert [item["lesion"] for item in ada.pages("/submissions")] == [other]
    right = {"body_site": "back", "body_laterality": "left", "version": 1}
    assert ada.call("PUT", f"/submissions/{number}/facts", json=right).status_code in (200, 409)
    assert ada.call("PATCH", f"/lesions/{other}", json={"place": LEFT}).status_code == 200


def test_a_spot_without_a_side_has_that_of_its_photos(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    spot, other = (begin(ada, place={"site": "back"}) for _ in range(2))
    left, right = ({"body_site": "back", "body_laterality": side} for side in ("left", "right"))
    predict(ada, "one", lesion=spot, **left)
    number = predict(ada, "two", lesion=other, **right).get_json()["id"]
    for refused in (predict(ada, "three", lesion=spot, **right), sort(ada, number, spot)):
        assert code_of(refused) == (409, "other_place")
    assert predict(ada, "four", lesion=spot, **left).status_code == 200
    assert predict(ada, "five", lesion=spot).status_code == 200


def test_a_photo_in_place_of_another_is_not_told_to_be_elsewhere(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    told = {"body_site": "upper_extremity", "body_laterality": "left"}
    first = predict(ada, **told).get_json()["id"]
    sign(doctor, first, ANOTHER)
    right = {"body_laterality": "right"}
    for turn, elsewhere in enumerate(({**told, **right}, {**told, "body_site": "face"}, right)):
        refused = predict(ada, f"{turn}", in_place_of=str(first), **elsewhere)
        assert code_of(refused) == (409, "other_place")
    assert [item["id"] for item in ada.pages("/submissions")] == [first]
    near = {**told, "body_site": "hand"}
    assert predict(ada, "near", in_place_of=str(first), **near).status_code == 200
