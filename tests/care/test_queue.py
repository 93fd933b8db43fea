"""The order of the doctors' lists, what stays in sight there, and that check mends them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.reviews import service as review_service
from skinapi.model.headline import RestatedProbabilities
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    URGENT,
    file_at,
    file_for,
    file_scored,
    numbers,
    patient_in_care,
    patient_of,
    review,
)
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.reviews import sign_review


@pytest.mark.parametrize(
    ("collection", "field", "wrong"),
    [
        *(("submissions", f"{name}_key", None) for name in ("queue", "awaited", "due", "rest")),
        *(("lesions", name, None) for name in ("remind_at", "latest", "findings")),
        ("submissions", "doctor", None),
        ("accounts", "queue_key", "9"),
        ("accounts", "findings", 7),
    ],
)
def test_check_finds_and_repairs_each_stored_key(
    any_backend: Backend, collection: str, field: str, wrong: str | int | None
) -> None:
    doctor = any_backend.member(role="doctor")
    ada = patient_of(any_backend, doctor)
    spots = [
        ada.call("POST", "/lesions", json={"place": {"site": site}}).get_json()["id"]
        for site in ("back", "chest")
    ]
    sampled, decided = (file_for(any_backend, ada, URGENT, lesion=spot).number for spot in spots)
    file_for(any_backend, ada, REVIEW)
    melanoma = {"label": "melanoma", "certainty": "sure"}
    for number, said in ((sampled, {"sample": "waiting"}), (decided, {})):
        assert sign_review(doctor, number, melanoma, **said).status_code == 201
    assert list(check_integrity(any_backend.services)) == []
    stored = any_backend.services.store.collection(collection)
    right = {item["id"]: item.get(field) for item in stored.find()}
    for identifier, value in right.items():
        if value is not None:
            change = {"$set": {field: wrong}} if wrong else {"$unset": {field: True}}
            stored.update({"id": identifier}, change)
    assert {item["id"]: item.get(field) for item in stored.find()} != right
    [*faults] = check_integrity(any_backend.services)
    assert faults
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert {item["id"]: item.get(field) for item in stored.find()} == right
    assert list(check_integrity(any_backend.services)) == []


MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


def next_link(answer: Any) -> str:
    link: str = answer.headers["Link"]
    return link.partition(">")[0].removeprefix("<")


def test_a_melanoma_of_77_percent_stands_above_one_of_12_that_has_waited_longer(
    shared_backend: Backend,
) -> None:
    doctor = shared_backend.member(role="doctor")
    ada, ben = (patient_of(shared_backend, doctor, name) for name in ("Ada", "Ben"))
    for band in (REVIEW, URGENT):
        low = file_scored(shared_backend, ada, 0.12, band)
        high = file_scored(shared_backend, ben, 0.77, band)
        queue = "/queue?reviewed=false"
        assert numbers(doctor, queue)[:2] == numbers(doctor, f"{queue}&limit=1")[:2] == [high, low]
        assert [item["malignant_score"] for item in doctor.pages(queue)[:2]] == [77.0, 12.0]
        assert [item["waiting_submission"] for item in doctor.pages("/patients")] == [high, low]
    referral = file_scored(shared_backend, ada, 0.99, REFERRAL)
    assert numbers(doctor, queue)[:3] == [high, low, referral]  # the band comes first
    assert list(check_integrity(shared_backend.services)) == []


def test_a_page_of_the_queue_has_50_findings_and_names_the_next(shared_backend: Backend) -> None:
    doctor = shared_backend.member(role="doctor")
    patient = patient_of(shared_backend, doctor)
    for _ in range(51):
        file_for(shared_backend, patient, REVIEW)
    answer = doctor.call("GET", "/queue")
    assert len(answer.get_json()) == 50
    assert 'rel="next"' in answer.headers["Link"]
    assert len(doctor.pages("/queue")) == 51


def test_a_page_ends_between_findings_of_one_score_without_loss_or_repetition(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(shared_backend)
    late = file_at(shared_backend, ada, REVIEW, MONDAY + timedelta(seconds=1), monkeypatch)
    equal = [file_at(shared_backend, ada, REVIEW, MONDAY, monkeypatch) for _ in range(3)]
    lower = file_scored(shared_backend, ada, 0.1)  # it has waited as long as they have
    for limit in (1, 2, 3, 4):
        assert numbers(doctor, f"/queue?limit={limit}") == [*equal, late, lower]
    assert doctor.pages("/patients")[0]["waiting_since"] == "2026-11-16T09:00:00Z"


@pytest.mark.parametrize("score", [0.0, 1.0, 0.0012, 0.99999])
def test_any_score_has_a_place(shared_backend: Backend, score: float) -> None:
    doctor, ada = patient_in_care(shared_backend)
    between = file_scored(shared_backend, ada, 0.5)
    number = file_scored(shared_backend, ada, score)
    assert numbers(doctor, "/queue") == sorted([between, number], reverse=score > 0.5)
    assert numbers(doctor, f"/queue?urgency={REVIEW}&limit=1") == numbers(doctor, "/queue")


def test_a_review_between_two_pages_neither_skips_nor_repeats_another_finding(
    shared_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(shared_backend)
    made = [file_scored(shared_backend, ada, score) for score in (0.2, 0.4, 0.4, 0.8)]
    highest, *equal, lowest = made[3], made[1], made[2], made[0]
    first = doctor.call("GET", "/queue?reviewed=false&limit=2")
    assert [item["id"] for item in first.get_json()] == [highest, equal[0]]
    for number in (highest, equal[0]):
        review(doctor, number)
    rest = doctor.call("GET", next_link(first)).get_json()
    assert [item["id"] for item in rest] == [equal[1], lowest]


def test_scores_that_are_restated_are_shown_and_do_not_order(shared_backend: Backend) -> None:
    doctor, ada = patient_in_care(shared_backend)
    made = {}
    for own, restated in ((0.6, 0.05), (0.3, 0.2)):
        finding = finding_of(band=REVIEW, malignant_score=own)
        shown = RestatedProbabilities(
            prevalence=0.02, ranked=finding.ranked, malignant_score=restated
        )
        finding = finding.model_copy(update={"restated": shown})
        made[own] = file_for(shared_backend, ada, REVIEW, finding=finding).number
    rows = doctor.pages("/queue")
    assert [row["id"] for row in rows] == [made[0.6], made[0.3]]
    assert [row["malignant_score"] for row in rows] == [60.0, 30.0]
    assert [row["restated_malignant_score"] for row in rows] == [5.0, 20.0]


AWAITED = {"label": "basal_cell_carcinoma", "certainty": "sure", "sample": "waiting"}
PHOTO = {"photo_wanted": True}
RESULTS, PHOTOS = "/queue?awaited=result", "/queue?awaited=photo"
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


def decide(doctor: Person, number: int, body: dict[str, Any]) -> None:
    answer = sign_review(doctor, number, body)
    assert answer.status_code == 201, answer.get_json()


def counts(doctor: Person) -> Any:
    return doctor.call("GET", "/queue/counts").get_json()["awaited"]


def test_what_is_awaited_is_listed_and_counted_the_oldest_first(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(shared_backend)
    ben = patient_of(shared_backend, doctor, "Ben Okri")
    late, early, photo = (file_for(shared_backend, item, URGENT).number for item in (ada, ben, ada))
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
    shown = [doctor.call("GET", f"/submissions/{item}/case").get_json() for item in (early, late)]
    assert [item.get("overdue", False) for item in shown] == [True, False]
    oldest = doctor.pages(RESULTS)[0]["awaited"]
    since = LONG_AGO.isoformat().replace("+00:00", "Z")
    assert oldest == {"what": "result", "since": since, "overdue": True, "submission": early}
    told = {item["name"]: item["awaited"] for item in doctor.pages("/patients")}
    assert told["Ben Okri"] == oldest
    assert (told["Ada Example"]["what"], told["Ada Example"]["overdue"]) == ("result", False)
    decide(doctor, early, {"label": "basal_cell_carcinoma", "certainty": "laboratory"})
    assert numbers(doctor, RESULTS) == [late]
    assert counts(shared_backend.member(role="doctor")) == {"result": 0, "photo": 0}
    assert list(check_integrity(shared_backend.services)) == []


def test_a_newer_photo_of_the_spot_answers_the_wish_for_one(shared_backend: Backend) -> None:
    doctor, ada = patient_in_care(shared_backend)
    place = {"place": {"site": "back"}}
    spot = ada.call("POST", "/lesions", json=place).get_json()["id"]
    asked, other = (file_for(shared_backend, ada, REVIEW, lesion=item) for item in (spot, None))
    for item in (asked, other):
        decide(doctor, item.number, PHOTO)
    assert numbers(doctor, PHOTOS) == [asked.number, other.number]
    newer = file_for(shared_backend, ada, REVIEW, lesion=spot)
    assert numbers(doctor, PHOTOS) == [other.number]
    decide(doctor, asked.number, PHOTO)  # the newer one is not good enough either
    assert numbers(doctor, PHOTOS) == [other.number, newer.number]
    assert list(check_integrity(shared_backend.services)) == []
