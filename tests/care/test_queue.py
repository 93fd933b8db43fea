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
        *(("waiting", "urgency_key", "9"), ("waiting", "queued", None)),
        *(("waiting", "doctor", None), ("waiting", "key", "9"), ("waiting", "urgency", "routine")),
        *(("lesions", name, None) for name in ("remind_at", "latest", "findings")),
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
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


def decide(doctor: Person, number: int, body: dict[str, Any]) -> None:
    answer = sign_review(doctor, number, body)
    assert answer.status_code == 201, answer.get_json()


def waits(doctor: Person, kind: str, query: str = "") -> list[int]:
    return [row["finding"]["id"] for row in doctor.pages(f"/waiting?kind={kind}{query}")]


def counts(doctor: Person) -> Any:
    counted = doctor.call("GET", "/queue/counts").get_json()["waiting"]
    return {kind: (it["count"], it["overdue"]) for kind, it in counted.items() if it["count"]}


def test_what_spots_wait_for_is_listed_and_counted_the_soonest_due_first(
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
        assert waits(doctor, "result", limit) == [early, late]
        assert waits(doctor, "result", f"&overdue=true{limit}") == [early]
    assert waits(doctor, "photo") == [photo]
    assert counts(doctor) == {"result": (2, 1), "photo": (1, 0), "telling": (2, 1)}
    [oldest, _] = doctor.pages("/waiting?kind=result")
    result = {
        "kind": "result",
        "since": as_told(LONG_AGO),
        "due_at": as_told(LONG_AGO + timedelta(days=14)),
        "overdue": True,
    }
    assert oldest["waiting"] == result
    assert (oldest["patient_name"], oldest["finding"]["awaited"]) == ("Ben Okri", "result")
    told = {item["name"]: item["waiting"] for item in doctor.pages("/patients")}
    assert [item["kind"] for item in told["Ben Okri"]] == ["telling", "result"]
    assert told["Ben Okri"][1] == result
    assert {item["kind"]: item["overdue"] for item in told["Ada Example"]} == dict.fromkeys(
        ("result", "photo", "telling"), False
    )
    decide(doctor, early, {"label": "basal_cell_carcinoma", "certainty": "laboratory"})
    assert waits(doctor, "result") == [late]
    assert counts(shared_backend.member(role="doctor")) == {}
    assert list(check_integrity(shared_backend.services)) == []


def as_told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_whom_to_tell_is_listed_with_how_to_reach_them(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    admin, path = any_backend.admin(), f"/users/{ada.email}"
    any_backend.edit(ada.email, phone="061 555")
    number = file_for(any_backend, ada, URGENT).number
    assert waits(doctor, "telling") == []  # the patient reads the answer
    decide(doctor, number, {"label": "melanoma", "certainty": "sure"})
    [row] = doctor.pages("/waiting?kind=telling")
    reached = [row[name] for name in ("patient_name", "patient_email", "patient_phone", "lesion")]
    finding = any_backend.services.data.findings.find_by_number(number)
    assert finding
    assert reached == ["Ada Example", ada.email, "061 555", finding.lesion]
    colleague, asked = any_backend.member(role="doctor"), f"/submissions/{number}/second-opinion"
    doctor.call_ok("PUT", asked, json={"colleague": colleague.email})
    [shown] = colleague.pages("/queue?reviewed=false")
    assert shown["patient_name"] == "Ada Example"
    assert not {"patient_email", "patient_phone"} & shown.keys(), "not in the colleague's care"
    assert (row["urgency"], row["finding"]["id"]) == (URGENT, number)
    assert waits(doctor, "telling", "&overdue=true") == []
    assert admin.call("PATCH", f"{path}/suspend").status_code == 200
    assert waits(doctor, "telling", "&overdue=true") == [number]
    assert admin.call("PATCH", f"{path}/approve", json={}).status_code == 200
    assert waits(doctor, "telling", "&overdue=true") == []
    back = any_backend.log_in(ada.email)
    assert back.call("GET", f"/submissions/{number}").status_code == 200
    assert waits(doctor, "telling") == []
    assert list(check_integrity(any_backend.services)) == []


def test_a_doctor_lists_nothing_that_other_doctors_patients_wait_for(
    shared_backend: Backend,
) -> None:
    _, ada = patient_in_care(shared_backend)
    other = shared_backend.member(role="doctor")
    file_for(shared_backend, ada, URGENT)
    assert other.pages("/waiting?kind=review") == []
    assert other.call("GET", "/waiting?kind=all").status_code == 400


@pytest.mark.parametrize("kind", ["review", "answer"])
def test_check_restores_a_row_that_is_missing_and_removes_one_that_nothing_asks_for(
    any_backend: Backend, kind: str
) -> None:
    doctor, ada = patient_in_care(any_backend)
    number = file_for(any_backend, ada, REVIEW).number
    patient = any_backend.account(ada.email).id
    sent = ada.call("POST", f"/conversations/{patient}/messages", json={"text": "May I swim?"})
    assert sent.status_code == 201
    rows = any_backend.services.store.collection("waiting")
    [right] = rows.find({"kind": kind})
    rows.delete({"id": right["id"]})
    repair_all(any_backend)
    assert rows.find({"kind": kind}) == [right]
    if kind == "review":
        decide(doctor, number, {"urgency": REVIEW})
    else:
        doctor.call_ok("POST", f"/messages/{sent.get_json()['_id']}/done")
    assert rows.find({"kind": kind}) == []
    rows.insert(right)
    repair_all(any_backend)
    assert rows.find({"kind": kind}) == []


def repair_all(backend: Backend) -> None:
    [fault] = check_integrity(backend.services)
    assert fault.repair
    fault.repair()
    assert list(check_integrity(backend.services)) == []
