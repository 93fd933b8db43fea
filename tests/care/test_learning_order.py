"""The queue by what a review would teach a model: unsure findings first, urgent ones before all."""

from typing import Any

import pytest

from skinapi.model.conditions import Band
from tests.care.clinic import REVIEW, ROUTINE, URGENT, file_for, numbers, patient_of, review
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of

LEARNING = "/queue?order=learning"


def file_sure(
    backend: Backend,
    patient: Person,
    sure: float,
    band: Band = ROUTINE,
    *,
    photo: bool = True,
) -> int:
    """A finding whose most probable condition has this probability; its number."""
    finding = finding_of(probability=sure, band=band)
    blob = backend.services.store.blobs.put(b"photo") if photo else None
    return file_for(backend, patient, band, finding=finding, photo_blob=blob).number


def test_the_least_sure_come_first_after_the_urgent_ones(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    ada, ben = (patient_of(any_backend, doctor) for _ in range(2))
    sure = file_sure(any_backend, ada, 0.95)
    unsure = file_sure(any_backend, ben, 0.4, REVIEW)
    urgent = file_sure(any_backend, ada, 0.99, URGENT)
    later_urgent = file_sure(any_backend, ben, 0.3, URGENT)
    photoless = file_sure(any_backend, ada, 0.35, photo=False)
    between = file_sure(any_backend, ada, 0.6)
    reviewed = file_sure(any_backend, ada, 0.3)
    review(doctor, reviewed)
    file_sure(any_backend, any_backend.member(), 0.3)  # in nobody's care
    by_learning = [urgent, later_urgent, unsure, between, sure, photoless]
    assert numbers(doctor, LEARNING) == by_learning
    assert numbers(doctor, f"{LEARNING}&limit=1") == by_learning
    review(doctor, unsure)
    assert numbers(doctor, LEARNING) == [n for n in by_learning if n != unsure]
    assert list(any_backend.services.faults()) == []


def test_each_says_why_it_stands_there(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    ada = patient_of(backend, doctor)
    consenting = patient_of(backend, doctor)
    backend.edit(consenting.email, consents={"training": True})
    file_sure(backend, ada, 0.99, URGENT)
    file_sure(backend, consenting, 0.4)
    file_sure(backend, ada, 0.5)
    file_sure(backend, consenting, 0.9, photo=False)
    found = doctor.pages(LEARNING)
    assert [one["learning"]["urgent_first"] for one in found] == [True, False, False, False]
    assert [one["learning"]["teaches"] for one in found] == [False, True, False, False]
    assert found[1]["learning"]["margin"] == pytest.approx(0.4 - 0.6 / 7, abs=1e-6)
    assert {one["learning"] for one in doctor.pages("/queue")} == {None}


def test_the_list_follows_a_change_of_doctor(backend: Backend) -> None:
    first, second = (backend.member(role="doctor") for _ in range(2))
    ada = patient_of(backend, first)
    number = file_sure(backend, ada, 0.4)
    path = f"/users/{ada.email}/doctor"
    assert backend.admin().call("PUT", path, json={"doctor": second.email}).status_code == 200
    assert numbers(first, LEARNING) == []
    assert numbers(second, LEARNING) == [number]


def test_check_gives_findings_of_an_older_version_their_place(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    ada = patient_of(backend, doctor)
    number = file_sure(backend, ada, 0.4)
    stored = backend.services.store.collection("submissions")
    stored.update({"number": number}, {"$unset": {"learning_key": True}})
    [fault] = backend.services.faults()
    assert fault.repair
    fault.repair()
    assert list(backend.services.faults()) == []
    assert numbers(doctor, LEARNING) == [number]


@pytest.mark.parametrize("query", ["order=learning&reviewed=true", "order=random", "order="])
def test_another_order_is_refused(shared_backend: Backend, query: str) -> None:
    answer: Any = shared_backend.member(role="doctor").call("GET", f"/queue?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_query")
