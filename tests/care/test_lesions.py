import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from skinapi.app.integrity_check import check_integrity
from skinapi.care.lesion_routes import PlaceFields
from skinapi.console.routes import ASSETS
from skinapi.findings.records.lesions import MIDDLE, MIDLINE, PAIRED, Place
from skinapi.model.context import BodySite
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.care.clinic import ROUTINE, URGENT, file_for, patient_in_care
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, Person
from tests.support.reviews import sign_review

BACK = {"site": "back", "side": "rear", "x": 48.5, "y": 60}
NO_SPOT = "There is no such spot"


def begin(person: Person, **fields: Any) -> str:
    answer = person.call("POST", "/lesions", json={"place": BACK, **fields})
    assert answer.status_code == 201, answer.text
    identifier: str = answer.get_json()["id"]
    return identifier


def course(person: Person, lesion: str, query: str = "") -> list[int]:
    return [entry["id"] for entry in person.pages(f"/lesions/{lesion}/submissions{query}")]


def shown(person: Person, lesion: str) -> Any:
    return person.call("GET", f"/lesions/{lesion}").get_json()


def sort(person: Person, number: int, lesion: str | None) -> Any:
    return person.call("PUT", f"/submissions/{number}/lesion", json={"lesion": lesion})


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def actions(backend: Backend) -> list[tuple[str, str]]:
    rows = [(row["action"], row["outcome"]) for row in backend.audit()]
    return [row for row in rows if "lesion" in row[0] or row[0] == "submission.sort"]


def test_a_spot_has_its_findings_in_the_order_of_time(any_backend: Backend) -> None:
    ada = any_backend.member()
    lesion = begin(ada, name="below the collar")
    numbers = [predicted(ada, lesion=lesion)["id"] for _ in range(3)]
    assert course(ada, lesion) == course(ada, lesion, "?limit=1") == numbers
    newest = list(reversed(numbers))
    assert course(ada, lesion, "?order=newest") == newest
    assert course(ada, lesion, "?order=newest&limit=2") == newest
    [listed] = ada.call("GET", "/lesions").get_json()
    assert listed == shown(ada, lesion)
    assert (listed["name"], listed["place"]) == (
        "below the collar",
        {**BACK, "laterality": "middle"},
    )
    assert (listed["findings"], listed["latest"]["id"]) == (3, numbers[-1])
    assert ada.call("GET", f"/submissions/{numbers[0]}").get_json()["lesion"] == lesion


def test_a_photo_that_is_sent_without_a_spot_starts_one(any_backend: Backend) -> None:
    ada = any_backend.member()
    told: dict[str, Any] = {"body_site": "hand", "body_laterality": "left"}
    placed, unplaced = predicted(ada, **told), predicted(ada)
    spots = ada.pages("/lesions")
    assert [spot["id"] for spot in spots] == [placed["lesion"], unplaced["lesion"]]
    assert [spot["name"] for spot in spots] == [None, None]
    assert (spots[0]["place"]["site"], spots[0]["place"]["laterality"]) == ("hand", "left")
    assert spots[1]["place"] is None
    assert [course(ada, spot["id"]) for spot in spots] == [[placed["id"]], [unplaced["id"]]]
    assert list(check_integrity(any_backend.services)) == []


def test_the_place_of_a_spot_follows_what_is_told_of_its_only_photo(any_backend: Backend) -> None:
    ada = any_backend.member()
    made = predicted(ada, body_site="hand", body_laterality="left")
    path, right = f"/submissions/{made['id']}/facts", {"body_laterality": "right"}
    assert ada.call("PUT", path, json=right).status_code == 200
    assert shown(ada, made["lesion"])["place"]["laterality"] == "right"
    predicted(ada, lesion=made["lesion"])
    assert ada.call("PUT", path, json={"body_laterality": "left"}).status_code == 200
    assert shown(ada, made["lesion"])["place"]["laterality"] == "right"
    assert list(check_integrity(any_backend.services)) == []


def test_a_spot_without_a_place_gets_that_of_its_next_photo(any_backend: Backend) -> None:
    ada = any_backend.member()
    lesion = predicted(ada)["lesion"]
    predicted(ada, lesion=lesion, body_site="hand", body_laterality="left")
    assert shown(ada, lesion)["place"]["site"] == "hand"
    assert code_of(send(ada, lesion=lesion, body_site="face")) == (409, "other_place")
    assert list(check_integrity(any_backend.services)) == []


def test_a_finding_is_moved_to_a_new_spot_of_its_own(any_backend: Backend) -> None:
    ada = any_backend.member()
    lesion = begin(ada)
    first, second = (predicted(ada, lesion=lesion)["id"] for _ in range(2))
    moved = sort(ada, second, None).get_json()["lesion"]
    assert moved != lesion
    assert (course(ada, lesion), course(ada, moved)) == ([first], [second])
    assert sort(ada, second, None).get_json()["lesion"] == moved, "it is alone there already"
    assert shown(ada, moved)["place"]["site"] == BACK["site"]
    assert sort(ada, second, lesion).status_code == 200
    assert [spot["id"] for spot in ada.pages("/lesions")] == [lesion]
    assert list(check_integrity(any_backend.services)) == []


def test_a_photo_for_somebody_elses_spot_is_not_found_and_not_counted(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    lesion = begin(bob)
    for named in (lesion, "0" * 32, "../x", "\x00"):
        answer = send(ada, lesion=named)
        assert (answer.status_code, answer.get_json()["detail"]) == (404, NO_SPOT)
    assert ada.call("GET", "/submissions").get_json() == []
    assert course(bob, lesion) == []


def test_a_photo_for_a_spot_is_filed_once_however_often_it_is_sent(backend: Backend) -> None:
    ada = backend.member()
    lesion, other = begin(ada), begin(ada)
    first, again = (predicted(ada, lesion=lesion, key="k") for _ in range(2))
    assert first == again
    assert course(ada, lesion) == [first["id"]]
    assert code_of(send(ada, lesion=other, key="k")) == (422, "idempotency_key_reused")


def test_the_same_request_begins_one_spot(backend: Backend) -> None:
    ada = backend.member()
    headers = {"Idempotency-Key": "k"}
    sent = [ada.call("POST", "/lesions", json={"place": BACK}, headers=headers) for _ in range(2)]
    assert sent[0].get_json() == sent[1].get_json()
    other = ada.call("POST", "/lesions", json={"place": {"site": "hand"}}, headers=headers)
    assert code_of(other) == (422, "idempotency_key_reused")


def test_a_spot_gets_another_name_and_place_and_keeps_what_is_not_sent(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada, name="the brown one")
    moved = ada.call("PATCH", f"/lesions/{lesion}", json={"place": {"site": "chest"}}).get_json()
    place = {"site": "chest", "laterality": None, "side": None, "x": None, "y": None}
    assert (moved["name"], moved["place"]) == ("the brown one", place)
    unnamed = ada.call("PATCH", f"/lesions/{lesion}", json={"name": None}).get_json()
    assert (unnamed["name"], unnamed["place"]) == (None, place)
    assert unnamed == shown(ada, lesion)


@pytest.mark.parametrize(
    "body",
    [
        {"place": {"site": "moon"}},
        {"place": {"site": "back", "side": "rear", "x": 50}},
        {"place": {"site": "back", "x": 50, "y": 50}},
        {"place": {"site": "hand", "laterality": "middle"}},
        {"place": {**BACK, "laterality": "left"}},
        {"place": {"site": "back", "side": "rear", "x": 5, "y": 50}},
        {"place": {"site": "back", "side": "rear", "x": 50, "y": 187}},
        {"place": BACK, "name": " "},
    ],
)
def test_a_spot_needs_a_place_on_the_map(backend: Backend, body: dict[str, Any]) -> None:
    ada = backend.member()
    assert code_of(ada.call("POST", "/lesions", json=body)) == (400, "invalid_body")


@pytest.mark.parametrize(
    ("told", "laterality"),
    [
        ({"site": "back", "side": "rear", "x": 46.9, "y": 60}, "left"),
        ({"site": "back", "side": "rear", "x": 47, "y": 60}, "middle"),
        ({"site": "chest", "side": "front", "x": 46.9, "y": 60}, "right"),
        ({"site": "chest", "side": "front", "x": 54, "y": 60}, "left"),
        ({"site": "lower_extremity", "side": "front", "x": 49.9, "y": 120}, "right"),
        ({"site": "lower_extremity", "side": "rear", "x": 50, "y": 120}, "right"),
        ({"site": "scalp", "laterality": "middle"}, "middle"),
        ({"site": "hand", "laterality": "left", "side": "rear"}, "left"),
        ({"site": "hand", "laterality": "left", "side": "rear", "x": 12, "y": 100}, "left"),
        ({"site": "hand", "side": "rear"}, None),
    ],
)
def test_a_spot_is_left_or_right_as_its_point_is_or_as_was_said(
    any_backend: Backend, told: dict[str, Any], laterality: str | None
) -> None:
    ada = any_backend.member()
    lesion = begin(ada, place=told)
    whole = {"side": None, "x": None, "y": None, **told, "laterality": laterality}
    assert shown(ada, lesion)["place"] == whole
    again = ada.call("PATCH", f"/lesions/{lesion}", json={"place": whole}).get_json()
    assert again["place"] == whole


@pytest.mark.parametrize("site", get_args(BodySite))
def test_nothing_lies_between_a_pair_whether_it_is_refused_or_was_told_with_a_photo(
    site: BodySite,
) -> None:
    told = Place.from_told((site, "middle", None))
    try:
        place = PlaceFields(site=site, laterality="middle").place()
    except ValidationError:
        place = PlaceFields(site=site).place()
    assert told == place
    assert told
    assert (told.laterality is None) == (site in PAIRED)


def test_a_spot_is_deleted_with_its_findings(any_backend: Backend) -> None:
    ada = any_backend.member()
    lesion, stays = begin(ada), predicted(ada)["id"]
    numbers = [file_for(any_backend, ada, ROUTINE, lesion=lesion).number for _ in range(2)]
    assert ada.call("DELETE", f"/lesions/{lesion}").status_code == 200
    assert shown(ada, lesion)["status"] == 404
    for number in numbers:
        assert ada.call("GET", f"/submissions/{number}").status_code == 404
    assert [item["id"] for item in ada.pages("/submissions")] == [stays]
    assert list(check_integrity(any_backend.services)) == []


def test_a_spot_goes_with_the_last_of_its_findings_and_without_any(any_backend: Backend) -> None:
    ada = any_backend.member()
    made, empty = file_for(any_backend, ada, ROUTINE).number, begin(ada)
    assert ada.call("DELETE", f"/submissions/{made}").status_code == 200
    assert ada.call("DELETE", f"/lesions/{empty}").status_code == 200
    assert any_backend.services.store.collection("lesions").count({}) == 0


def test_of_two_that_sort_at_once_the_second_is_refused(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = any_backend.member()
    first, second, third = (begin(ada) for _ in range(3))
    number = predicted(ada, lesion=first)["id"]
    run, left = UnitOfWork.run, [third]

    def interrupted(work: UnitOfWork, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if left:
            assert sort(ada, number, left.pop()).status_code == 200
        return run(work, act, *given, **named)

    monkeypatch.setattr(UnitOfWork, "run", interrupted)
    asked = {"lesion": second, "was": first}
    answer = ada.call("PUT", f"/submissions/{number}/lesion", json=asked)
    assert code_of(answer) == (409, "changed_meanwhile")
    assert (course(ada, second), course(ada, third)) == ([], [number])
    again = ada.call("PUT", f"/submissions/{number}/lesion", json={**asked, "lesion": third})
    assert again.status_code == 200, "a request that is sent again is answered as before"
    assert actions(any_backend)[-1] == ("submission.sort", "done")


def test_a_finding_is_sorted_into_own_spots_alone(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    number = predicted(ada)["id"]
    assert code_of(sort(ada, number, begin(bob))) == (404, "not_found")
    assert code_of(sort(bob, number, begin(bob))) == (404, "not_found")
    assert code_of(sort(bob, number, None)) == (404, "not_found")


def test_the_doctor_in_charge_moves_a_reviewed_finding_to_another_spot_of_its_patient(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    number, other = file_for(any_backend, ada, URGENT).number, begin(ada)
    assert sign_review(doctor, number, {"label": "melanoma", "urgency": URGENT}).status_code == 201
    assert code_of(sort(ada, number, other)) == (409, "finding_signed")
    stranger = any_backend.member(role="doctor")
    assert code_of(sort(stranger, number, other)) == (404, "not_found")
    assert code_of(sort(doctor, number, begin(any_backend.member()))) == (404, "not_found")
    moved = sort(doctor, number, other)
    assert (moved.status_code, moved.get_json()["lesion"]) == (200, other)
    assert course(ada, other) == [number]
    assert [row["id"] for row in doctor.pages("/queue")] == [number]
    assert shown(ada, other)["instruction"]["band"] == URGENT
    [review] = doctor.pages(f"/submissions/{number}/reviews")
    path = f"/submissions/{number}/reviews/{review['_id']}/void"
    assert doctor.call("POST", path, json={"reason": "wrong"}).status_code == 200
    assert shown(ada, other)["instruction"]["voided"]
    assert list(check_integrity(any_backend.services)) == []


def test_a_spot_has_as_many_findings_as_one_transaction_holds(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.care.reminders.MOST_LESION_FINDINGS", 3)
    ada = backend.member()
    full, other = begin(ada), begin(ada)
    for _ in range(3):
        predicted(ada, lesion=full)
    number = predicted(ada, lesion=other)["id"]
    full_code = (422, "lesion_full")
    assert code_of(send(ada, lesion=full)) == full_code
    assert code_of(sort(ada, number, full)) == full_code
    assert course(ada, other) == [number]
    assert shown(ada, full)["findings"] == 3


def test_the_doctor_in_charge_reads_the_course_in_a_doctors_words(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    lesion = begin(ada)
    number = file_for(backend, ada, ROUTINE, lesion=lesion).number
    patient = backend.account(ada.email).id
    [listed] = grey.call("GET", f"/patients/{patient}/lesions").get_json()
    assert listed == shown(grey, lesion)
    [entry] = grey.call("GET", f"/lesions/{lesion}/submissions").get_json()
    assert (entry["id"], entry["level"]["words"]["fr"]) == (number, "Visite habituelle")
    [own] = ada.call("GET", f"/lesions/{lesion}/submissions").get_json()
    assert own["level"]["words"]["en"] == "Mention it at your next doctor's visit"


def test_instruction_and_decision_speak_the_language_asked_for(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, ROUTINE).number
    sign_review(grey, number, {"label": "melanoma", "certainty": "sure"})
    whole = ada.call("GET", f"/submissions/{number}?lang=fr").get_json()
    patient, spot = backend.account(ada.email).id, whole["lesion"]
    [own] = ada.call("GET", "/lesions?lang=fr").get_json()
    [seen] = grey.call("GET", f"/patients/{patient}/lesions?lang=fr").get_json()
    assert seen == grey.call("GET", f"/lesions/{spot}?lang=fr").get_json()
    for answer in (whole, own, seen):
        decision = answer.get("decision") or answer["latest"]["decision"]
        assert decision["name"] == "Mélanome"
    assert own["instruction"]["action"] == whole["decision"]["urgency_label"]
    assert whole["decision"]["urgency_label"] == "Voir un médecin cette semaine"
    [english] = ada.call("GET", "/lesions").get_json()
    assert english["latest"]["decision"]["name"] == "Melanoma"


def test_each_finding_of_a_spot_has_the_decision_of_its_current_review(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    lesion = begin(ada)
    mole, melanoma = (file_for(backend, ada, ROUTINE, lesion=lesion).number for _ in range(2))
    for number, said in (
        (mole, {"certainty": "sure", "label": "melanocytic_nevus"}),
        (melanoma, {"label": "melanoma", "certainty": "laboratory"}),
    ):
        signed = sign_review(grey, number, said)
        assert signed.status_code == 201, signed.get_json()
    for path in ("/queue?reviewed=true", f"/lesions/{lesion}/submissions"):
        rows = {item["id"]: item for item in grey.call("GET", path).get_json()}
        assert [row["decision"]["label"] for row in rows.values()] == ["melanoma"] * 2
        assert [row["level"]["from"] for row in rows.values()] == ["review"] * 2
        assert {row["review"]["en"] for row in rows.values()} == {"Laboratory's result: Melanoma"}
        instruction = shown(grey, lesion)["instruction"]
        assert [row["due"] for row in rows.values()] == [instruction["due"]] * 2
        assert instruction["label"] == "melanoma"
        [patient] = grey.call("GET", "/patients").get_json()
        [visit] = [item for item in patient["waiting"] if item["kind"] == "visit"]
        day = date.fromisoformat(instruction["due"])
        assert visit["due_at"] == f"{day + timedelta(days=1)}T00:00:00Z"
    own = ada.call("GET", f"/lesions/{lesion}/submissions").get_json()
    assert not any({"review", "due", "awaited"} & item.keys() for item in own)


def test_check_finds_and_mends_spots_that_are_out_of_place(backend: Backend) -> None:
    ada = backend.member()
    lesion, gone = begin(ada), begin(ada)
    number = predicted(ada, lesion=lesion)["id"]
    lost = predicted(ada, lesion=gone)["id"]
    spots = backend.services.store.collection("lesions")
    spots.delete({"id": gone})
    spots.update({"id": lesion}, {"$set": {"findings": 7}})
    found = [*backend.services.lesions.check_integrity()]
    assert [fault.message.split(" ")[0] for fault in found] == ["findings", "the"]
    for fault in found:
        assert fault.repair
        fault.repair()
    assert [*backend.services.lesions.check_integrity()] == []
    assert course(ada, gone) == [lost]
    assert (shown(ada, lesion)["findings"], course(ada, lesion)) == (1, [number])


def test_a_point_may_be_anywhere_on_the_body_map_that_the_console_draws(backend: Backend) -> None:
    drawn = ASSETS["views/body_map.js"].content.decode()
    [bounds] = re.findall(r"const WHOLE = \[(.*)\];", drawn)
    left, top, width, height = map(int, bounds.split(","))
    ada = backend.member()
    for x, y in ((left, top), (left + width, top + height)):
        begin(ada, place={**BACK, "x": x, "y": y})
    for x, y in ((left - 1, top), (left, top - 1), (left + width + 1, top)):
        body = {"place": {**BACK, "x": x, "y": y}}
        assert ada.call("POST", "/lesions", json=body).status_code == 400


def test_the_console_tells_left_from_right_as_the_server_does() -> None:
    drawn = ASSETS["views/body_map.js"].content.decode()
    [paired] = re.findall(r"const PAIRED = (\[.*\]);", drawn)
    assert set(json.loads(paired)) == PAIRED
    assert f"[MIDLINE, MIDDLE] = [{MIDLINE:g}, {MIDDLE:g}]" in drawn


def test_a_moved_finding_is_hidden_if_the_review_that_covers_it_cannot_be_read(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    number, spot = file_for(any_backend, ada, URGENT).number, begin(ada)
    said = {"label": "melanoma", "certainty": "sure", "urgency": URGENT}
    assert sign_review(doctor, number, said).status_code == 201
    store = any_backend.services.store
    moved_by_2_0_0 = {"$set": {"lesion": spot}}
    store.collection("submissions").update({"number": number}, moved_by_2_0_0)
    store.collection("reviews").update_all({}, {"$unset": {"created_at": True}})
    assert code_of(ada.call("GET", f"/lesions/{spot}")) == (500, "record_damaged")
    assert [item["id"] for item in ada.pages("/submissions")] == []
