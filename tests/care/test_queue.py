"""The queue agrees with the findings, whatever runs concurrently."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from skinapi.auth.accounts import Accounts
from skinapi.care.service import CareService
from skinapi.errors import StoreUnavailable
from skinapi.records.decisions import Decision
from skinapi.records.opinions import Certainty
from skinapi.records.review_queue import ReviewQueue
from skinapi.records.submissions import Submissions
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Document, Documents, Store
from skinapi.vision.conditions import Band
from skinapi.vision.context import Context
from skinapi.web.access import Subject
from tests.access import SECTIONS
from tests.backends import Backend
from tests.care.clinic import REVIEW, URGENT, file_for, patient_of, review
from tests.findings import finding_of
from tests.interleaving import Act, SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.prediction.photographer import send
from tests.size import size

DECISION = Decision(
    review="1" * 32,
    label="melanoma",
    urgency=URGENT,
    certainty=Certainty.SURE,
    histology=None,
    new_picture_wanted=False,
    decided_at=datetime(2026, 11, 21, tzinfo=UTC),
    decided_by="Dr Grace Hopper",
)


class QueueScenario:
    """A patient of one doctor with one finding, over a store that stops at each step."""

    def __init__(self) -> None:
        store = SteppedStore(MockStore())
        self.accounts = Accounts(store)
        self.submissions = Submissions(store)
        self.queue = ReviewQueue(submissions=self.submissions, accounts=self.accounts)
        self.accounts.on_care_change(self.queue.follow_care)
        self.patient = self.accounts.add(
            email="a@x.y", name="a", password_hash="-", status="approved", doctor_id="first"
        ).id
        self.kept = self._file(REVIEW)

    def _file(self, band: Band) -> Any:
        owner = self.accounts.get(self.patient)
        filed = self.submissions.add(
            identifier=new_id(),
            finding=finding_of(band=band),
            owner=owner.id,
            doctor=owner.doctor_id,
            context=Context(),
            language="en",
            sections=dict.fromkeys(SECTIONS, "said"),
        )
        self.queue.join(filed, self.accounts.get(self.patient))
        return filed

    def act(self, action: str) -> Act:
        actions: dict[str, Callable[[], object]] = {
            "file": lambda: self._file(URGENT),
            "review": lambda: self.queue.leave(self.kept, decision=DECISION),
            "delete": self._delete,
            "to second": lambda: self._assign("second"),
            "to nobody": lambda: self._assign(None),
        }
        return actions[action]

    def _delete(self) -> None:
        self.submissions.remove(self.kept)
        self.queue.update_owner_key(self.patient)

    def _assign(self, doctor: str | None) -> None:
        self.accounts.change(self.accounts.get(self.patient), doctor_id=doctor)


def run_scenario(actions: Sequence[str], choices: Sequence[int]) -> list[tuple[int, int]]:
    scenario = QueueScenario()
    taken = run([scenario.act(action) for action in actions], choices, lambda: None)
    assert [fault.says for fault in scenario.queue.faults()] == []
    return taken


@pytest.mark.parametrize(
    "actions",
    [
        ("file", "review"),
        ("file", "delete"),
        ("file", "to second"),
        ("review", "delete"),
        ("to second", "to nobody"),
    ],
    ids=" | ".join,
)
def test_no_order_of_steps_leaves_a_finding_in_the_wrong_place(actions: tuple[str, ...]) -> None:
    every_order(lambda choices: run_scenario(actions, choices), depth=size(4, 12))


def test_check_finds_and_mends_a_queue_that_differs(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    ada, ben, cyd = (patient_of(any_backend, doctor) for _ in range(3))
    for patient in (ada, ben, cyd):
        file_for(any_backend, patient, URGENT)
    wrongs: list[tuple[str, str, Document]] = [
        ("submissions", any_backend.account(ada.email).id, {"$unset": {"doctor": True}}),
        ("submissions", any_backend.account(ben.email).id, {"$unset": {"queue_key": True}}),
    ]
    for collection, owner, ops in wrongs:
        any_backend.services.store.collection(collection).update({"owner": owner}, ops)
    any_backend.edit(cyd.email, queue_key="9")
    faults = list(any_backend.services.faults())
    assert sorted(fault.says for fault in faults) == sorted(
        f"the doctors' queue differs from the findings of account {identifier}"
        for identifier in (any_backend.account(one.email).id for one in (ada, ben, cyd))
    )
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_backend.services.faults()) == []
    assert len(doctor.pages("/queue")) == len(doctor.pages("/patients")) == 3


def test_check_finds_what_was_reviewed_and_still_waits(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    ada = patient_of(backend, doctor)
    filed = file_for(backend, ada, URGENT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend.services.records, "mark_reviewed", lambda *_, **__: None)
        review(doctor, filed.number)
    (fault,) = backend.services.faults()
    assert fault.says == f"submission {filed.id} was reviewed and still waits for it"
    assert fault.repair
    fault.repair()
    assert list(backend.services.faults()) == []
    assert doctor.pages("/queue?reviewed=false") == []


def test_a_request_that_is_sent_again_puts_the_patient_where_an_outage_left_it(
    any_backend: Backend,
) -> None:
    """The finding was stored, and its retry answered; the doctor's list said that nothing waits."""
    doctor = any_backend.member(role="doctor")
    ada = patient_of(any_backend, doctor)

    def away(*_: object) -> None:
        raise StoreUnavailable

    def waiting() -> list[str | None]:
        return [patient["waiting_band"] for patient in doctor.pages("/patients")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accounts, "set_queue_key", away)
        assert send(ada, key="sent-twice").status_code == 503
    number = send(ada, key="sent-twice").get_json()["id"]
    assert waiting() == [URGENT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accounts, "set_queue_key", away)
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 503
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 404
    assert waiting() == [None]


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
def test_a_list_costs_two_queries_however_many_patients(backend: Backend, patients: int) -> None:
    doctor, patient = crowded(backend, patients)
    store: Any = CountingStore(backend.services.store)
    care = CareService(accounts=Accounts(store), submissions=Submissions(store))
    subject = Subject(id=doctor, role="doctor", session_id="-")
    wanted: dict[str, Any] = {"reviewed": None, "after": None, "limit": 100}
    counts = []
    for ask in (
        lambda: care.list_patients(doctor=subject, after=None, limit=100),
        lambda: care.list_queue(doctor=subject, **wanted),
        lambda: care.list_findings(patient=patient, doctor=subject, **wanted),
    ):
        store.asked = 0
        assert ask().items
        counts.append(store.asked)
    assert counts == [1, 2, 2]
