"""The doctors' lists agree with the findings, and cost the same however many patients there are."""

from typing import Any

import pytest

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.subject import Subject
from skinapi.care.queue import CareService
from skinapi.findings.records.readers import ReadNotes
from skinapi.findings.records.reviews import Reviews
from skinapi.findings.records.spots import Spots
from skinapi.findings.records.submissions import Submissions
from skinapi.model.conditions import Band
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ports import Document, Documents, Store
from tests.care.clinic import REVIEW, URGENT, file_for, patient_of
from tests.support.backends import Backend, Person


def misplaced(backend: Backend, doctor: Person) -> list[Person]:
    """Patients whose finding, or themselves, stand in the wrong place, as servers of the version
    before leave them that are killed between two writes.
    """
    patients = [patient_of(backend, doctor) for _ in range(4)]
    for patient in patients:
        file_for(backend, patient, URGENT)
    ada, ben, cyd, dan = patients
    wrongs: list[tuple[Person, Document]] = [
        (ada, {"$unset": {"doctor": True}}),
        (ben, {"$unset": {"queue_key": True}}),
    ]
    for patient, ops in wrongs:
        owner = backend.account(patient.email).id
        assert backend.services.store.collection("submissions").update({"owner": owner}, ops)
    backend.edit(cyd.email, queue_key="9")
    backend.edit(dan.email, findings=7)
    return patients


def test_check_finds_and_mends_lists_that_differ(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    patients = misplaced(any_backend, doctor)
    faults = list(any_backend.services.faults())
    owners = sorted(any_backend.account(one.email).id for one in patients)
    says = "the doctors' queue differs from the findings of account"
    assert sorted(fault.message for fault in faults) == [f"{says} {owner}" for owner in owners]
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_backend.services.faults()) == []
    assert len(doctor.pages("/queue")) == len(doctor.pages("/patients")) == 4
    assert {any_backend.account(one.email).findings for one in patients} == {1}


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        *(("submissions", f"{name}_key") for name in ("queue", "awaited", "rest")),
        *(("submissions", f"{name}_key") for name in ("hold", "due")),
        *(("lesions", name) for name in ("remind_at", "latest", "findings")),
    ],
)
def test_check_makes_each_key_again_and_mends_it(
    any_backend: Backend, collection: str, field: str
) -> None:
    """Of a spot with a sample, one with a hold, and a finding that waits."""
    doctor = any_backend.member(role="doctor")
    ada = patient_of(any_backend, doctor)
    spots = [
        ada.call("POST", "/lesions", json={"place": {"site": site}}).get_json()["id"]
        for site in ("back", "chest")
    ]
    sampled, held = (file_for(any_backend, ada, URGENT, lesion=spot).number for spot in spots)
    file_for(any_backend, ada, REVIEW)
    melanoma = {"label": "melanoma", "certainty": "sure"}
    for number, said in (
        (sampled, {"histology": "awaited", "told_by": "server"}),
        (held, {"told_by": "doctor"}),
    ):
        path = f"/submissions/{number}/review"
        assert doctor.call("POST", path, json={**melanoma, **said}).status_code == 201
    assert list(any_backend.services.faults()) == []
    stored = any_backend.services.store.collection(collection)
    right = {one["id"]: one.get(field) for one in stored.find()}
    for identifier, value in right.items():
        if value is not None:
            stored.update({"id": identifier}, {"$unset": {field: True}})
    assert {one["id"]: one.get(field) for one in stored.find()} != right
    [*faults] = any_backend.services.faults()
    assert faults
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert {one["id"]: one.get(field) for one in stored.find()} == right
    assert list(any_backend.services.faults()) == []


def crowded(backend: Backend, patients: int) -> tuple[str, str]:
    """A doctor with so many patients with a finding each; the doctor's and a patient's id."""
    doctor = backend.member(role="doctor")
    for _ in range(patients):
        ada = patient_of(backend, doctor)
        file_for(backend, ada, URGENT)
    for _ in range(patients):
        file_for(backend, backend.member(), URGENT)
    return backend.account(doctor.email).id, backend.account(ada.email).id


class CountingStore:
    """A store that counts what is asked of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0

    def collection(self, name: str) -> Documents:
        documents: Any = self._store.collection(name)
        counting = self

        class Counted:
            def __getattr__(self, method: str) -> Any:
                counting.asked += method != "ensure_index"
                return getattr(documents, method)

        counted: Any = Counted()
        return counted  # type: ignore[no-any-return]


@pytest.mark.parametrize("patients", [1, 6])
def test_a_list_costs_the_same_queries_however_many_patients(
    backend: Backend, patients: int
) -> None:
    doctor, patient = crowded(backend, patients)
    store: Any = CountingStore(backend.services.store)
    care = CareService(
        accounts=Accounts(store),
        submissions=Submissions(store),
        spots=Spots(store, Reviews(store)),
        pointer=ServingPointer(store),
        notes=ReadNotes(trail=AuditTrail(store, secrets=["s" * 32])),
        unassigned=backend.services.records.unassigned,
    )
    subject = Subject(id=doctor, role="doctor", session_id="-")
    backend.services.care.list_patients(doctor=subject, after=None, limit=100)
    wanted: dict[str, Any] = {"reviewed": None, "after": None, "limit": 100}
    counts = []
    for ask in (
        lambda: care.list_patients(doctor=subject, after=None, limit=100),
        lambda: care.list_patients(doctor=subject, beginning="A", after=None, limit=100),
        lambda: care.list_queue(doctor=subject, **wanted),
        lambda: care.list_queue(doctor=subject, urgency=Band.URGENT_REFERRAL, **wanted),
        lambda: care.list_findings(patient=patient, doctor=subject, **wanted),
    ):
        store.asked = 0
        assert ask().items
        counts.append(store.asked)
    # One of each asks whether it is noted that the doctor reads these patients.
    assert counts == [4, 7, 6, 7, 5]
