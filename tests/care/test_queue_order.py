"""Within a band the malignant score orders the doctors' lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.model.headline import Restated
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
from tests.support.backends import Backend
from tests.support.findings import finding_of

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
        assert [one["malignant_score"] for one in doctor.pages(queue)[:2]] == [77.0, 12.0]
        assert [one["waiting_submission"] for one in doctor.pages("/patients")] == [high, low]
    referral = file_scored(shared_backend, ada, 0.99, REFERRAL)
    assert numbers(doctor, queue)[:3] == [high, low, referral]  # the band comes first
    assert list(shared_backend.services.faults()) == []


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
    assert [one["id"] for one in first.get_json()] == [highest, equal[0]]
    for number in (highest, equal[0]):
        review(doctor, number)
    rest = doctor.call("GET", next_link(first)).get_json()
    assert [one["id"] for one in rest] == [equal[1], lowest]


def test_scores_that_are_restated_are_shown_and_do_not_order(shared_backend: Backend) -> None:
    doctor, ada = patient_in_care(shared_backend)
    made = {}
    for own, restated in ((0.6, 0.05), (0.3, 0.2)):
        finding = finding_of(band=REVIEW, malignant_score=own)
        shown = Restated(prevalence=0.02, ranked=finding.ranked, malignant_score=restated)
        finding = finding.model_copy(update={"restated": shown})
        made[own] = file_for(shared_backend, ada, REVIEW, finding=finding).number
    rows = doctor.pages("/queue")
    assert [one["id"] for one in rows] == [made[0.6], made[0.3]]
    assert [one["malignant_score"] for one in rows] == [60.0, 30.0]
    assert [one["restated_malignant_score"] for one in rows] == [5.0, 20.0]
