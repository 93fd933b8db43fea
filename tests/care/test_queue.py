"""The queue agrees with the findings, whatever happens at once, and an index serves it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from skinapi.auth.accounts import Accounts
from skinapi.care.service import CareService
from skinapi.records.queue import Queue
from skinapi.records.submissions import Submissions
from skinapi.storage.ids import new_id
from skinapi.storage.mongo import MongoStore
from skinapi.storage.ports import Document, Documents, Store
from skinapi.vision.conditions import Band
from skinapi.vision.context import Context
from skinapi.web.access import Subject
from tests.access import SECTIONS
from tests.care.clinic import REVIEW, URGENT, file_for, patient_of, review
from tests.findings import finding_of
from tests.houses import House, mock_store
from tests.interleaving import Act, SteppedStore, every_order, run
from tests.size import size


class Ward:
    """A patient of one doctor with one finding, over a store that stops at each step."""

    def __init__(self) -> None:
        store = SteppedStore(mock_store())
        self.accounts = Accounts(store)
        self.submissions = Submissions(store)
        self.queue = Queue(submissions=self.submissions, accounts=self.accounts)
        self.accounts.tell_of_care(self.queue.follow_care)
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

    def act(self, deed: str) -> Act:
        deeds: dict[str, Callable[[], object]] = {
            "file": lambda: self._file(URGENT),
            "review": lambda: self.queue.leave(self.kept),
            "delete": self._delete,
            "to second": lambda: self._assign("second"),
            "to nobody": lambda: self._assign(None),
        }
        return deeds[deed]

    def _delete(self) -> None:
        self.submissions.remove(self.kept)
        self.queue.place_owner(self.patient)

    def _assign(self, doctor: str | None) -> None:
        self.accounts.change(self.accounts.get(self.patient), doctor_id=doctor)


def play(deeds: Sequence[str], choices: Sequence[int]) -> list[tuple[int, int]]:
    ward = Ward()
    taken = run([ward.act(deed) for deed in deeds], choices, lambda: None)
    assert [fault.says for fault in ward.queue.faults()] == []
    return taken


@pytest.mark.parametrize(
    "deeds",
    [
        ("file", "review"),
        ("file", "delete"),
        ("file", "to second"),
        ("review", "delete"),
        ("to second", "to nobody"),
    ],
    ids=" | ".join,
)
def test_no_order_of_steps_leaves_a_finding_in_the_wrong_place(deeds: tuple[str, ...]) -> None:
    every_order(lambda choices: play(deeds, choices), depth=size(7, 12))


def test_check_finds_and_mends_a_queue_that_differs(any_house: House) -> None:
    doctor = any_house.member(role="doctor")
    ada, ben, cyd = (patient_of(any_house, doctor) for _ in range(3))
    for patient in (ada, ben, cyd):
        file_for(any_house, patient, URGENT)
    wrongs: list[tuple[str, str, Document]] = [
        ("submissions", any_house.account(ada.email).id, {"$unset": {"doctor": True}}),
        ("submissions", any_house.account(ben.email).id, {"$unset": {"queue_key": True}}),
    ]
    for collection, owner, ops in wrongs:
        any_house.rooms.store.collection(collection).update({"owner": owner}, ops)
    any_house.edit(cyd.email, queue_key="9")
    faults = list(any_house.rooms.faults())
    assert sorted(fault.says for fault in faults) == sorted(
        f"the doctors' queue differs from the findings of account {any_house.account(one.email).id}"
        for one in (ada, ben, cyd)
    )
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_house.rooms.faults()) == []
    assert len(doctor.pages("/queue")) == len(doctor.pages("/patients")) == 3


def test_check_finds_what_was_reviewed_and_still_waits(house: House) -> None:
    doctor = house.member(role="doctor")
    ada = patient_of(house, doctor)
    filed = file_for(house, ada, URGENT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.rooms.records, "mark_reviewed", lambda _: None)
        review(doctor, filed.number)
    (fault,) = house.rooms.faults()
    assert fault.says == f"submission {filed.id} was reviewed and still waits for it"
    assert fault.repair
    fault.repair()
    assert list(house.rooms.faults()) == []
    assert doctor.pages("/queue?reviewed=false") == []


def ask_each_list(store: Store, doctor: str, patient: str) -> None:
    """First pages and pages behind them."""
    care = CareService(accounts=Accounts(store), submissions=Submissions(store))
    subject = Subject(id=doctor, role="doctor", session_id="-")
    for after in (None, "0" * 31):
        care.list_patients(doctor=subject, after=after, limit=10)
        for reviewed in (None, False, True):
            wanted: dict[str, Any] = {"reviewed": reviewed, "after": after, "limit": 10}
            care.list_queue(doctor=subject, **wanted)
            care.list_findings(patient=patient, doctor=subject, **wanted)
    Submissions(store).first_key(patient)


def crowded(house: House, patients: int) -> tuple[str, str]:
    """A doctor with so many patients with a finding each; the doctor's and a patient's id."""
    doctor = house.member(role="doctor")
    for _ in range(patients):
        ada = patient_of(house, doctor)
        file_for(house, ada, URGENT)
    for _ in range(patients):
        file_for(house, house.member(), URGENT)
    return house.account(doctor.email).id, house.account(ada.email).id


def test_sqlite_serves_each_list_by_an_index_without_a_sort(tmp_path: Path) -> None:
    house = House(tmp_path)
    doctor, patient = crowded(house, 20)
    asked: list[str] = []
    with house.rooms.store.reading() as connection:  # type: ignore[attr-defined]
        connection.set_trace_callback(asked.append)
    ask_each_list(house.rooms.store, doctor, patient)
    with house.rooms.store.reading() as connection:  # type: ignore[attr-defined]
        connection.set_trace_callback(None)
        lists = [sql for sql in asked if "ORDER BY" in sql and "queue_key" in sql]
        assert len(lists) == 2 + 6 + 6 + 1
        for sql in lists:
            plan = str(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
            assert "SEARCH" in plan
            assert "queue_key.id" in plan
            assert "SCAN" not in plan
            assert "TEMP B-TREE" not in plan
    house.rooms.store.close()


class Listener(CommandListener):
    def __init__(self) -> None:
        self.finds: list[Document] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find":
            kept = ("find", "filter", "sort", "limit")
            self.finds.append({name: event.command[name] for name in kept if name in event.command})

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


def test_mongodb_serves_each_list_by_an_index_without_a_sort(
    tmp_path: Path, mongo_database_uri: str
) -> None:
    listener = Listener()
    client: pymongo.MongoClient[Document]
    with pymongo.MongoClient(
        mongo_database_uri, event_listeners=[listener], tz_aware=True
    ) as client:
        database: Database[Document] = client.get_default_database()
        house = House(tmp_path, MongoStore(database))
        doctor, patient = crowded(house, 20)
        listener.finds.clear()
        ask_each_list(house.rooms.store, doctor, patient)
        lists = [find for find in listener.finds if "queue_key" in find["sort"]]
        assert len(lists) == 2 + 6 + 6 + 1
        for find in lists:
            answer = database.command("explain", find, verbosity="executionStats")
            plan = str(answer["queryPlanner"]["winningPlan"])
            assert "queue_key" in plan
            assert "COLLSCAN" not in plan
            assert "'SORT'" not in plan
            assert answer["executionStats"]["totalDocsExamined"] <= find["limit"]


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


@pytest.mark.parametrize("patients", [1, 30])
def test_a_list_costs_two_queries_however_many_patients(house: House, patients: int) -> None:
    doctor, patient = crowded(house, patients)
    store: Any = CountingStore(house.rooms.store)
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
