"""A change that was broken off leaves a doctor's list wrong for a minute or two, not for good."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from skinapi.audit import AuditTrail
from skinapi.audit import trail as trail_module
from skinapi.auth.accounts import Accounts
from skinapi.errors import StoreUnavailable
from skinapi.records.automatic_repair import LISTS, REPAIRS, AutomaticRepair
from skinapi.records.service import RecordsService
from skinapi.records.submissions import Submissions
from skinapi.storage.ids import now
from skinapi.storage.lease import LEASE
from tests.backends import Backend, Person
from tests.care.clinic import URGENT, patient_of
from tests.prediction.photographer import send


@pytest.fixture
def doctor(backend: Backend) -> Person:
    return backend.member(role="doctor")


@pytest.fixture
def repair(backend: Backend) -> Callable[[], None]:
    """A pass of a process that has the lease of nobody to wait for."""
    found: AutomaticRepair = backend.app.extensions["skinapi.automatic_repair"]
    return found.make_pass


def let_a_minute_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_module, "LONGEST_ACT", timedelta(0))


@pytest.fixture
def repair_later(repair: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The same, when no change that has begun may still be running."""

    def make_pass() -> None:
        let_a_minute_pass(monkeypatch)
        repair()

    return make_pass


def break_off(patch: pytest.MonkeyPatch, owner: type, method: str) -> None:
    """As a server that is killed at this call: no outcome follows in the audit trail either."""
    append = AuditTrail._insert
    dead = []

    def die(*_: object, **__: object) -> None:
        dead.append(True)
        raise StoreUnavailable

    def append_unless_dead(trail: AuditTrail, fields: dict[str, object]) -> dict[str, object]:
        if dead:
            raise StoreUnavailable
        return append(trail, fields)

    patch.setattr(owner, method, die)
    patch.setattr(AuditTrail, "_insert", append_unless_dead)


def waiting(doctor: Person) -> list[str | None]:
    return [patient["waiting_band"] for patient in doctor.pages("/patients")]


def test_a_demotion_whose_server_died_ends_the_care(
    backend: Backend,
    doctor: Person,
    repair: Callable[[], None],
    repair_later: Callable[[], None],
) -> None:
    """A later doctor of the same account saw the patients again, and `check` found no fault."""
    ada, admin = patient_of(backend, doctor), backend.admin()
    path = f"/users/{doctor.email}/role"
    repair()
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Accounts, "release_patients")
        assert admin.call("PUT", path, json={"role": "user"}).status_code == 503
    repair_later()
    assert backend.account(ada.email).doctor_id is None
    assert admin.call("PUT", path, json={"role": "doctor"}).status_code == 200
    assert doctor.pages("/patients") == []


@pytest.mark.parametrize("after", ["deleted", "suspended, and no admin is listed"])
def test_a_role_that_cannot_be_repaired_holds_up_no_other_repair(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    repair: AutomaticRepair = backend.app.extensions["skinapi.automatic_repair"]
    eve = backend.member("eve@example.org", role="admin", status="suspended")
    account = backend.account(eve.email)
    with (
        suppress(StoreUnavailable),
        backend.services.trail.act("account.role_admin", by="system", target=account.id),
    ):
        raise StoreUnavailable
    if after == "deleted":
        Accounts(backend.services.store).remove(account)
    else:
        backend.services.active_admins.recount()
        assert backend.services.active_admins.ids() == []
    let_a_minute_pass(monkeypatch)
    repair.make_pass()
    store = backend.services.store
    reached = store.collection(REPAIRS).get(LISTS)
    assert reached
    assert reached["reached"] == backend.audit()[-1]["sequence"]


def test_a_finding_whose_server_died_raises_its_patient(
    backend: Backend,
    doctor: Person,
    repair: Callable[[], None],
    repair_later: Callable[[], None],
) -> None:
    ada = patient_of(backend, doctor)
    repair()
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Accounts, "set_queue_key")
        assert send(ada).status_code == 503
    repair()
    stored = [finding["band"] for finding in doctor.pages("/queue")] or [None]
    repair_later()
    assert waiting(doctor) == stored
    if backend.services.store.collection("submissions").count():  # no transaction took it back
        assert stored == [URGENT]


def test_a_deleted_finding_whose_server_died_leaves_the_list(
    backend: Backend, doctor: Person, repair_later: Callable[[], None]
) -> None:
    ada = patient_of(backend, doctor)
    number = send(ada).get_json()["id"]
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Accounts, "set_queue_key")
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 503
    repair_later()
    assert waiting(doctor) == [None]


def test_findings_follow_their_owner_to_a_new_doctor(
    backend: Backend, doctor: Person, repair_later: Callable[[], None]
) -> None:
    ada = patient_of(backend, doctor)
    send(ada)
    other, admin = backend.member(role="doctor"), backend.member(role="admin")
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Submissions, "put_in_queue")
        path, body = f"/users/{ada.email}/doctor", {"doctor": other.email}
        assert admin.call("PUT", path, json=body).status_code == 503
    repair_later()
    assert waiting(other) == [URGENT]
    assert [finding["band"] for finding in other.pages("/queue")] == [URGENT]


def test_a_finding_is_marked_with_its_review(
    backend: Backend, doctor: Person, repair_later: Callable[[], None]
) -> None:
    ada = patient_of(backend, doctor)
    number = send(ada).get_json()["id"]
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Submissions, "mark_reviewed")
        body = {"label": "melanocytic_nevus", "agreement": "disagree"}
        assert doctor.call("POST", f"/submissions/{number}/review", json=body).status_code == 503
    repair_later()
    assert waiting(doctor) == [None]


def test_of_all_processes_one_looks_and_a_change_is_repaired_once(
    backend: Backend,
    doctor: Person,
    repair: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = patient_of(backend, doctor)
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Accounts, "set_queue_key")
        send(ada)
    let_a_minute_pass(monkeypatch)
    repaired: list[str] = []
    monkeypatch.setattr(RecordsService, "repair_places", lambda _, owner: repaired.append(owner))
    leases = backend.services.store.collection(REPAIRS)
    repair()
    held = {"$set": {"held_until_at": now() + LEASE, "reached": 0}}
    assert leases.update({"id": LISTS}, held)
    repair()
    assert len(repaired) == 1
    assert leases.update({"id": LISTS}, {"$set": {"held_until_at": now()}})
    repair()
    assert len(repaired) == 2, "what was reached was set back to nothing"
    repair()
    assert len(repaired) == 2


def test_a_damaged_finding_holds_up_no_repair_behind_it(
    backend: Backend, doctor: Person, repair_later: Callable[[], None]
) -> None:
    """Each pass ended at it, and began there again."""
    bert, ada = patient_of(backend, doctor), patient_of(backend, doctor)
    damaged, mended = (send(person).get_json()["id"] for person in (bert, ada))
    submissions = backend.services.store.collection("submissions")
    submissions.update({"number": damaged}, {"$set": {"finding": {"band": "?"}}})
    admin = backend.member(role="admin")
    ended = admin.call("PUT", f"/users/{bert.email}/doctor", json={"doctor": None})
    assert ended.status_code == 500
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, Accounts, "set_queue_key")
        assert ada.call("DELETE", f"/submissions/{mended}").status_code == 503
    repair_later()
    assert waiting(doctor) == [None]
