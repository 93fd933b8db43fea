"""Within a band the malignant score orders the doctors' lists, also while old keys are renewed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.composition.migrations import migrations_of
from skinapi.records import submissions as module
from skinapi.storage import migration
from skinapi.storage.migration import Chunk, Migration, Migrator
from skinapi.vision.finding.ranking import Restated
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    URGENT,
    age_keys,
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

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


def next_link(answer: Any) -> str:
    link: str = answer.headers["Link"]
    return link.partition(">")[0].removeprefix("<")


def test_a_melanoma_of_77_percent_stands_above_one_of_12_that_has_waited_longer(
    any_backend: Backend,
) -> None:
    doctor = any_backend.member(role="doctor")
    ada, ben = (patient_of(any_backend, doctor, name) for name in ("Ada", "Ben"))
    for band in (REVIEW, URGENT):
        low = file_scored(any_backend, ada, 0.12, band)
        high = file_scored(any_backend, ben, 0.77, band)
        queue = "/queue?reviewed=false"
        assert numbers(doctor, queue)[:2] == numbers(doctor, f"{queue}&limit=1")[:2] == [high, low]
        assert [one["malignant_score"] for one in doctor.pages(queue)[:2]] == [77.0, 12.0]
        assert [one["waiting_submission"] for one in doctor.pages("/patients")] == [high, low]
    assert numbers(doctor, "/queue?order=learning")[:2] == [high, low]
    referral = file_scored(any_backend, ada, 0.99, REFERRAL)
    assert numbers(doctor, queue)[:3] == [high, low, referral]  # the band comes first
    assert list(any_backend.services.faults()) == []


def test_a_page_ends_between_findings_of_one_score_without_loss_or_repetition(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one score, and of one second too."""
    doctor, ada = patient_in_care(any_backend)
    late = file_at(any_backend, ada, REVIEW, MONDAY + timedelta(seconds=1), monkeypatch)
    equal = [file_at(any_backend, ada, REVIEW, MONDAY, monkeypatch) for _ in range(3)]
    lower = file_scored(any_backend, ada, 0.1)  # it has waited as long as they have
    for limit in (1, 2, 3, 4):
        assert numbers(doctor, f"/queue?limit={limit}") == [*equal, late, lower]
    assert doctor.pages("/patients")[0]["waiting_since"] == "2026-11-16T09:00:00Z"


@pytest.mark.parametrize("score", [0.0, 1.0, 0.0012, 0.99999])
def test_any_score_has_a_place(backend: Backend, score: float) -> None:
    doctor, ada = patient_in_care(backend)
    between = file_scored(backend, ada, 0.5)
    number = file_scored(backend, ada, score)
    assert numbers(doctor, "/queue") == sorted([between, number], reverse=score > 0.5)
    assert numbers(doctor, f"/queue?urgency={REVIEW}&limit=1") == numbers(doctor, "/queue")


def test_a_review_between_two_pages_neither_skips_nor_repeats_another_finding(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    made = [file_scored(any_backend, ada, score) for score in (0.2, 0.4, 0.4, 0.8)]
    highest, *equal, lowest = made[3], made[1], made[2], made[0]
    first = doctor.call("GET", "/queue?reviewed=false&limit=2")
    assert [one["id"] for one in first.get_json()] == [highest, equal[0]]
    for number in (highest, equal[0]):
        review(doctor, number)
    rest = doctor.call("GET", next_link(first)).get_json()
    assert [one["id"] for one in rest] == [equal[1], lowest]


def test_scores_that_are_restated_are_shown_and_do_not_order(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    made = {}
    for own, restated in ((0.6, 0.05), (0.3, 0.2)):
        finding = finding_of(band=REVIEW, malignant_score=own)
        shown = Restated(prevalence=0.02, ranked=finding.ranked, malignant_score=restated)
        finding = finding.model_copy(update={"restated": shown})
        made[own] = file_for(backend, ada, REVIEW, finding=finding).number
    rows = doctor.pages("/queue")
    assert [one["id"] for one in rows] == [made[0.6], made[0.3]]
    assert [one["malignant_score"] for one in rows] == [60.0, 30.0]
    assert [one["restated_malignant_score"] for one in rows] == [5.0, 20.0]


def test_what_was_decided_stands_by_the_decision_and_time_whatever_the_model_thought(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    made = [file_scored(any_backend, ada, score) for score in (0.1, 0.9)]
    for number in made:
        review(doctor, number)
    assert numbers(doctor, "/queue?reviewed=true") == made


def test_of_second_opinions_that_ask_for_the_same_the_likelier_cancer_stands_first(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    colleague = backend.member(role="doctor")
    made = [file_scored(backend, ada, score) for score in (0.1, 0.9)]
    for number in made:
        asked = {"colleague": colleague.email}
        path = f"/submissions/{number}/second-opinion"
        assert doctor.call("PUT", path, json=asked).status_code == 200
        review(colleague, number)
    assert numbers(doctor, "/queue") == numbers(doctor, "/queue?limit=1") == made[::-1]


class OldClinic:
    """Five findings of two patients with the keys of before version 8 of the store, two in a
    chunk of the migration.
    """

    def __init__(self, backend: Backend, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(module, "PAGE_SIZE", 2)
        patch.setattr(migration, "PAUSE", 0.0)
        self.backend = backend
        self.doctor = backend.member(role="doctor")
        patients = [patient_of(backend, self.doctor, name) for name in ("Ada", "Ben")]
        scores = (0.2, 0.9, 0.4, 0.8, 0.3)
        made = {
            score: file_scored(backend, patients[place % 2], score)
            for place, score in enumerate(scores)
        }
        self.in_time = list(made.values())
        self.by_score = [made[score] for score in sorted(scores, reverse=True)]
        age_keys(backend)
        wanted = [one for one in migrations_of(backend.services) if one.name == "keys of lists"]
        (self.migration,) = wanted

    def renew(self, *, chunks: int | None = None) -> None:
        """A pass of the migration, or its beginning, of a server that then stops."""
        migrator = Migrator(self.backend.services.store, [])
        done = 0

        def fill(after: str | None) -> Chunk | None:
            nonlocal done
            done += 1
            if done == chunks:
                migrator.stop()
            return self.migration.fill(after)

        migrator.make_pass(Migration(version=8, name=self.migration.name, fill=fill))


@pytest.fixture
def old(any_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> OldClinic:
    return OldClinic(any_backend, monkeypatch)


def pages_of(doctor: Person) -> list[list[int]]:
    return [numbers(doctor, f"/queue?reviewed=false&limit={limit}") for limit in (1, 2, 100)]


def test_old_keys_sort_as_they_did_until_a_migration_renews_them(old: OldClinic) -> None:
    assert pages_of(old.doctor) == [old.in_time] * 3
    assert len(list(old.backend.services.faults())) == 2  # both accounts, of one repair
    old.renew(chunks=1)
    half = pages_of(old.doctor)
    assert half == [half[0]] * 3
    assert sorted(half[0]) == sorted(old.by_score)
    assert half[0][:3] == old.in_time[2:]  # what has an old key stands before the rest
    patients = old.doctor.pages("/patients?limit=1")
    assert [one["waiting_submission"] for one in patients] == [*old.in_time[2:4]]
    old.renew()
    assert pages_of(old.doctor) == [old.by_score] * 3
    best = [one["waiting_submission"] for one in old.doctor.pages("/patients?limit=1")]
    assert best == [old.by_score[0], old.by_score[2]]
    assert list(old.backend.services.faults()) == []


def test_who_turns_the_pages_meanwhile_misses_no_finding(old: OldClinic) -> None:
    seen = []
    path = "/queue?reviewed=false&limit=1"
    for _ in old.in_time:
        answer = old.doctor.call("GET", path)
        seen += [one["id"] for one in answer.get_json()]
        old.renew(chunks=1)
        path = next_link(answer)
    seen += numbers(old.doctor, path)
    assert set(seen) == set(old.in_time)


def test_check_renews_old_keys_too(old: OldClinic) -> None:
    for fault in old.backend.services.faults():
        assert fault.repair
        fault.repair()
    assert pages_of(old.doctor) == [old.by_score] * 3
    assert list(old.backend.services.faults()) == []
