"""A patient sorts photos from spot to spot: nothing that was said of one becomes milder by it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.status.reviews import Reviews
from skinapi.model.conditions import Band
from tests.care.clinic import file_for, patient_in_care
from tests.care.test_comparisons import sign
from tests.care.test_lesions import begin, code_of, sort
from tests.integrations.test_keys import made
from tests.support.backends import MAIL, Backend, Person
from tests.support.channels import READERS, SCOPES
from tests.support.photos import photo_of
from tests.support.reviews import review_of

URGENT, SELF = Band.URGENT_REFERRAL, Band.SELF_MONITORING
MELANOMA = {"label": "melanoma", "certainty": "sure"}
MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": SELF}
MOLE_RESULT = {"label": "melanocytic_nevus", "certainty": "laboratory", "urgency": SELF}
ANOTHER = {"photo_wanted": True}
LEFT = {"site": "back", "laterality": "left"}
GRAVE: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "urgent, and no doctor has looked": (None, MOLE),
    "unsure": ({**MELANOMA, "certainty": "suspected"}, MOLE),
    "sure": (MELANOMA, MOLE),
    "awaited": ({**MELANOMA, "sample": "waiting"}, MOLE_RESULT),
    "proven": ({"label": "melanoma", "certainty": "laboratory"}, MOLE_RESULT),
}


def by_sorting(patient: Person, number: int, target: str) -> None:
    assert sort(patient, number, target).status_code == 200


def instructed(reader: Person, number: int) -> tuple[Any, ...]:
    told = reader.call("GET", f"/submissions/{number}").get_json()["instruction"]
    names = ("band", "finding", "from", "waits_for", "due", "picture_wanted")
    return *(told[name] for name in names), told.get("label")


def said(patient: Person, doctor: Person, program: Person, number: int, spot: str) -> Any:
    """What each channel says of the finding and its spot."""
    path = f"/submissions/{number}"
    report = patient.call("GET", f"{path}/report.json?issue=false").get_json()
    tasks = patient.call("GET", "/inbox").get_json()["tasks"]
    rows = [row for row in doctor.pages("/queue") if row["id"] == number]
    letters = patient.call("GET", f"{path}/letters").get_json()
    return {
        "patient": instructed(patient, number),
        "doctor": instructed(doctor, number),
        "report": (report["decision"], report["spot_advice"]),
        "home": [task for task in tasks if task["task"] in ("see_doctor", "picture")],
        "reminder": patient.call("GET", f"/lesions/{spot}").get_json()["reminder"],
        "queue": [{name: row.get(name) for name in ("due", "awaited", "reviewed")} for row in rows],
        "read": [reader.read_report(program, number).get("conclusion") for reader in READERS],
        "letters": [letter["superseded"] for letter in letters],
    }


def without_spots(told: Any) -> Any:
    """The home names the spot in which the finding is."""
    home = [{name: task[name] for name in ("task", "advice")} for task in told["home"]]
    return {**told, "home": home}


@pytest.mark.parametrize("name", GRAVE)
def test_a_doctor_who_has_not_seen_a_photo_ends_nothing_that_was_said_of_it(
    any_backend: Backend, name: str
) -> None:
    doctor, ada = patient_in_care(any_backend)
    program = made(any_backend.admin(), "/admin/keys", scopes=SCOPES)[0]
    first_said, then_said = GRAVE[name]
    back, chest = begin(ada), begin(ada)
    grave = file_for(any_backend, ada, URGENT, lesion=back).number
    if first_said:
        sign(doctor, grave, first_said)
        draft = doctor.call("POST", f"/submissions/{grave}/letters", json={"reader": "patient"})
        body = {item: draft.get_json()[item] for item in ("text", "version", "decision")}
        signed = doctor.call("POST", f"/letters/{draft.get_json()['_id']}/sign", json=body)
        assert signed.status_code == 200, signed.text
    mild = file_for(any_backend, ada, SELF, lesion=chest).number
    sign(doctor, mild, then_said)
    before = said(ada, doctor, program, grave, back)
    by_sorting(ada, grave, chest)
    assert without_spots(said(ada, doctor, program, grave, chest)) == without_spots(before)
    assert instructed(ada, mild) == instructed(ada, grave), "one spot, one instruction"
    [row] = [row for row in doctor.pages("/queue") if row["id"] == mild]
    assert row["replaced_by"]["finding"] == grave


def test_another_photo_stays_wanted_until_its_doctor_has_one(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    wanted = file_for(any_backend, ada, SELF, lesion=back).number
    sign(doctor, wanted, ANOTHER)
    other = file_for(any_backend, ada, SELF, lesion=chest).number
    sign(doctor, other, MOLE)
    by_sorting(ada, wanted, chest)

    def asks() -> tuple[bool, list[int], list[int]]:
        spot = ada.call("GET", f"/lesions/{chest}").get_json()["instruction"]["picture_wanted"]
        tasks = ada.call("GET", "/inbox").get_json()["tasks"]
        pictures = [task["finding"] for task in tasks if task["task"] == "picture"]
        return spot, pictures, [row["id"] for row in doctor.pages("/queue?awaited=photo")]

    assert asks() == (True, [wanted], [wanted])
    file_for(any_backend, ada, SELF, lesion=chest)
    assert asks() == (False, [], [])


def want_a_photo_beside_a_result(backend: Backend, doctor: Person, ada: Person) -> tuple[int, int]:
    """The finding that is wanted anew, with a sample out, and the newer one with the result."""
    spot = begin(ada)
    wanted = file_for(backend, ada, URGENT, lesion=spot).number
    sign(doctor, wanted, {**MOLE, "urgency": URGENT, "sample": "waiting"})
    newer = file_for(backend, ada, SELF, lesion=spot).number
    sign(doctor, newer, MOLE_RESULT)
    sign(doctor, wanted, ANOTHER)
    return wanted, newer


def test_a_photo_that_is_wanted_for_another_finding_is_asked_for_by_its_number(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    wanted, newer = want_a_photo_beside_a_result(backend, doctor, ada)
    told = ada.call("GET", f"/submissions/{wanted}").get_json()["instruction"]
    assert (told["band"], told["picture_wanted"], told["finding"]) == (SELF, True, newer)
    assert f"The photo of finding {wanted} is not good enough" in told["sentence"]


def test_who_is_to_be_seen_goes_without_another_photo(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    number = file_for(any_backend, ada, URGENT).number
    sign(doctor, number, {**ANOTHER, "urgency": URGENT})
    told = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]["sentence"]
    assert told.endswith("in the next two days. If you cannot, go without it.")
    sign(doctor, number, MOLE_RESULT)
    sign(doctor, number, ANOTHER)
    own = ada.call("GET", f"/submissions/{number}").get_json()
    said = f"{own['instruction']['sentence']} {own['decision']['remarks']} {own['report']}"
    assert "another photo of the same spot" in said
    assert "go without it" not in said


def test_a_photo_from_before_the_doctor_asked_is_not_the_one_that_is_wanted(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada)
    wanted, later = (file_for(any_backend, ada, SELF, lesion=spot).number for _ in range(2))
    sign(doctor, wanted, ANOTHER)
    assert instructed(ada, wanted)[5]
    sign(doctor, later, MOLE)
    assert not instructed(ada, wanted)[5], "the doctor found the other photo good enough"


def test_what_was_settled_in_a_spot_stays_so_when_it_comes_back(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    grave = file_for(any_backend, ada, URGENT, lesion=back).number
    mild = file_for(any_backend, ada, SELF, lesion=back).number
    sign(doctor, mild, MOLE)
    assert instructed(ada, grave)[0] == SELF
    for spot, band in ((chest, URGENT), (back, SELF), (None, URGENT), (back, SELF)):
        assert sort(ada, grave, spot).status_code == 200
        assert instructed(ada, grave)[0] == band


def test_a_doctor_who_signs_in_the_new_spot_has_seen_both(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    grave = file_for(any_backend, ada, URGENT, lesion=back).number
    mild = file_for(any_backend, ada, SELF, lesion=chest).number
    sign(doctor, mild, MOLE)
    assert sort(ada, grave, chest).status_code == 200
    assert instructed(ada, mild)[:2] == (URGENT, grave)
    sign(doctor, mild, MOLE)
    assert instructed(ada, grave)[0] == instructed(ada, mild)[0] == SELF


def test_a_review_of_the_last_version_saw_what_was_in_its_spot_when_one_comes(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    back, chest = begin(ada), begin(ada)
    settled = file_for(any_backend, ada, URGENT, lesion=chest).number
    mild = file_for(any_backend, ada, SELF, lesion=chest).number
    sign(doctor, mild, MOLE)
    grave = file_for(any_backend, ada, URGENT, lesion=back).number
    reviews = any_backend.services.store.collection(Reviews.collection)
    reviews.update_all({}, {"$unset": {"saw": True}})
    assert instructed(ada, settled)[0] == SELF, "as it was"
    by_sorting(ada, grave, chest)
    assert instructed(ada, settled)[:2] == instructed(ada, grave)[:2] == (URGENT, grave)
    assert sort(ada, grave, None).status_code == 200
    assert instructed(ada, settled)[0] == SELF
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
    assert instructed(ada, first)[-2] is False, "it has come"
    sign(doctor, after["id"], MOLE)
    assert instructed(ada, first)[-2] is False, "it answers the request also once it is decided"
    assert list(check_integrity(any_backend.services)) == []


def test_nobody_sends_a_photo_in_place_of_that_of_somebody_else(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    _, bob = patient_in_care(backend)
    number = str(predict(ada).get_json()["id"])
    assert predict(bob, in_place_of=number).status_code == 404
    assert bob.pages("/submissions") == bob.pages("/lesions") == []


@pytest.mark.parametrize("grave", [GRAVE["sure"], GRAVE["proven"]])
def test_a_mole_ends_nothing_that_is_told_to_be_of_another_place_since(
    any_backend: Backend, grave: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada, place=LEFT)
    first, newer = (
        predict(ada, f"{turn}", lesion=spot, body_site="back", body_laterality="left").get_json()
        for turn in range(2)
    )
    said, mole = grave
    sign(doctor, first["id"], said)
    sign(doctor, newer["id"], mole)
    assert instructed(ada, first["id"])[0] == instructed(ada, newer["id"])[0] == SELF
    path = f"/submissions/{first['id']}/facts"
    for side, asked in (("right", URGENT), ("left", SELF), ("right", URGENT)):
        corrected = ada.call("PUT", path, json={"body_laterality": side})
        assert corrected.status_code == 200, corrected.text
        for reader in (ada, doctor):
            told = {instructed(reader, photo["id"])[:2] for photo in (first, newer)}
            assert told == {(asked, first["id"] if asked is URGENT else newer["id"])}
        assert list(check_integrity(any_backend.services)) == []


def test_a_photo_of_another_place_is_not_the_one_that_a_doctor_waits_for(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    told = {"lesion": begin(ada, place=LEFT), "body_site": "back", "body_laterality": "left"}
    first = predict(ada, "one", **told).get_json()["id"]
    sign(doctor, first, ANOTHER)
    second = predict(ada, "two", **told).get_json()["id"]
    path = f"/submissions/{second}/facts"
    for side, wanted in (("left", False), ("right", True), ("left", False)):
        assert ada.call("PUT", path, json={"body_laterality": side}).status_code == 200
        assert instructed(ada, first)[-2] is wanted


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


def test_a_photo_is_where_its_spot_was_said_to_be(any_backend: Backend) -> None:
    """Of the one nothing was told, and of the other the right: they lie in one spot by a correction
    alone.
    """
    doctor, ada = patient_in_care(any_backend)
    left, right = (begin(ada, place={**LEFT, "laterality": side}) for side in ("left", "right"))
    first = predict(ada, "one", lesion=left).get_json()["id"]
    told = {"body_site": "back", "body_laterality": "left"}
    second = predict(ada, "two", lesion=left, **told).get_json()["id"]
    sign(doctor, first, MELANOMA)
    assert code_of(sort(ada, first, right)) == (409, "other_place"), "it is said of the left"
    assert sort(ada, first, None).status_code == 200
    assert code_of(sort(ada, first, right)) == (409, "other_place")
    assert sort(ada, first, left).status_code == 200
    path = f"/submissions/{second}/facts"
    assert ada.call("PUT", path, json={"body_laterality": "right"}).status_code == 200
    sign(doctor, second, MOLE)
    for reader in (ada, doctor):
        assert instructed(reader, first)[:2] == (URGENT, first)
    rows = any_backend.services.store.collection("submissions")
    for row in rows.find():  # as it was stored before
        rows.update({"id": row["id"]}, {"$unset": {"placed": True}})
    for fault in check_integrity(any_backend.services):
        assert fault.repair
        fault.repair()
    assert list(check_integrity(any_backend.services)) == []
    assert instructed(ada, first)[:2] == (URGENT, first)
    move = {"place": {**LEFT, "laterality": "right"}}
    assert ada.call("PATCH", f"/lesions/{left}", json=move).status_code == 200
    assert instructed(ada, first)[:2] == (URGENT, first), "its doctor did not have it in view"
    sign(doctor, second, MOLE)
    assert instructed(ada, first)[0] == SELF
    assert list(check_integrity(any_backend.services)) == []


def read_both(doctor: Person, ada: Person) -> list[int]:
    """A melanoma, and the mole of a newer photo that has ended it, which the patient has read."""
    told = {"lesion": begin(ada, place=LEFT), "body_site": "back", "body_laterality": "left"}
    numbers: list[int] = [predict(ada, f"{turn}", **told).get_json()["id"] for turn in range(2)]
    for number, said in zip(numbers, (MELANOMA, MOLE), strict=True):
        sign(doctor, number, said)
        assert ada.call("GET", f"/submissions/{number}").status_code == 200
    return numbers


def by_deleting(ada: Person, doctor: Person, number: int) -> Any:
    return ada.call("DELETE", f"/submissions/{number}")


def by_sorting_out(ada: Person, doctor: Person, number: int) -> Any:
    return sort(ada, number, None)


def by_error(ada: Person, doctor: Person, number: int) -> Any:
    path = f"/submissions/{number}/entered-in-error"
    return doctor.call("POST", path, json={"reason": "It is of somebody else."})


def by_correcting(ada: Person, doctor: Person, number: int) -> Any:
    body = {"body_laterality": "right", "version": 1}
    return doctor.call("PUT", f"/submissions/{number}/facts", json=body)


@pytest.mark.parametrize("given", [MAIL])
@pytest.mark.parametrize("act", [by_deleting, by_sorting_out, by_error, by_correcting])
def test_what_counts_again_is_not_opened_and_is_told(
    backend: Backend, act: Callable[[Person, Person, int], Any]
) -> None:
    doctor, ada = patient_in_care(backend)
    grave, mole = read_both(doctor, ada)
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {}
    outbox = backend.services.store.collection("outbox")
    outbox.delete({"sent_at": None})
    assert act(ada, doctor, mole).status_code == 200
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unopened": 1}
    mails = {(item["kind"], item["about"]) for item in outbox.find()}
    assert mails >= {("reviewed", f"finding/{grave}"), ("urgent", f"case/{grave}")}
    suspended = backend.admin().call("PATCH", f"/users/{ada.email}/suspend")
    assert suspended.status_code == 200
    [person] = doctor.call("GET", "/people-to-reach").get_json()
    assert [(item["number"], item["why"]) for item in person["findings"]] == [(grave, "unopened")]


def test_who_is_to_tell_of_a_photo_reads_what_counts_of_its_spot(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    spot = begin(ada, place=LEFT)
    grave, mole = (predict(ada, f"{turn}", lesion=spot).get_json()["id"] for turn in range(2))
    sign(doctor, grave, MELANOMA)
    assert ada.call("GET", f"/submissions/{grave}").status_code == 200
    sign(doctor, mole, {**MOLE, "certainty": "suspected", "urgency": Band.REFERRAL})
    assert instructed(doctor, mole)[:2] == (URGENT, grave)
    assert backend.admin().call("PATCH", f"/users/{ada.email}/suspend").status_code == 200
    [person] = doctor.call("GET", "/people-to-reach").get_json()
    told = [(item["number"], item["label"], item["urgency"]) for item in person["findings"]]
    assert told == [(mole, MOLE["label"], Band.REFERRAL), (grave, "melanoma", URGENT)]
    assert [item["why"] for item in person["findings"]] == ["unopened", "counts"]
    assert by_error(ada, doctor, grave).status_code == 200
    [person] = doctor.call("GET", "/people-to-reach").get_json()
    told = [(item["number"], item["label"], item["urgency"]) for item in person["findings"]]
    assert told == [(mole, MOLE["label"], Band.REFERRAL)]


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


def test_a_review_is_refused_if_a_side_was_corrected_since_the_page_was_read(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    told = {"lesion": begin(ada, place=LEFT), "body_site": "back", "body_laterality": "left"}
    grave, mole = (predict(ada, f"{turn}", **told).get_json()["id"] for turn in range(2))
    sign(doctor, grave, MELANOMA)
    path = f"/submissions/{mole}/facts"
    assert ada.call("PUT", path, json={"body_laterality": "right"}).status_code == 200
    seen = doctor.call("GET", f"/submissions/{mole}").get_json()["spot_state"]
    assert ada.call("PUT", path, json={"body_laterality": "left"}).status_code == 200
    body = {**MOLE, "spot_state": seen}
    refused = doctor.call("POST", f"/submissions/{mole}/review", json=review_of(body))
    assert code_of(refused) == (409, "spot_changed")
    assert instructed(ada, grave)[0] == URGENT
