"""Care: a doctor is never a patient, and only doctors have patients, whatever runs concurrently."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from skinapi.admin.service import AdminService
from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.deletion import Eraser
from skinapi.auth.passwords import Passwords
from skinapi.errors import NotFound
from tests.backends import Backend, Person
from tests.interleaving import Act, SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.prediction.photographer import predicted
from tests.size import size

PROMOTIONS = [
    ("PUT", "/users/{}/role", {"role": "doctor"}),
    ("PATCH", "/users/{}/approve", {"role": "doctor"}),
]


def patient_of(backend: Backend, doctor: Person) -> Person:
    return backend.member(doctor_id=backend.account(doctor.email).id)


@pytest.mark.parametrize(("method", "path", "body"), PROMOTIONS)
def test_a_patient_who_becomes_a_doctor_leaves_the_doctors_care(
    any_backend: Backend, method: str, path: str, body: object
) -> None:
    doctor, admin = any_backend.member(role="doctor"), any_backend.member(role="admin")
    patient = patient_of(any_backend, doctor)
    number = predicted(patient, keep_photo="true")["id"]
    assert doctor.call("GET", f"/submissions/{number}/photo").status_code == 200
    assert admin.call(method, path.format(patient.email), json=body).status_code == 200
    assert any_backend.account(patient.email).doctor_id is None
    for what in ("", "/photo", "/heatmap", "/report.pdf", "/reviews"):
        assert doctor.call("GET", f"/submissions/{number}{what}").status_code == 404


def test_a_doctor_in_care_from_before_that_rule_is_shown_to_nobody_and_taken_off(
    backend: Backend,
) -> None:
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    patient = patient_of(backend, doctor)
    number = predicted(patient, keep_photo="true")["id"]
    backend.edit(patient.email, role="doctor")
    assert doctor.call("GET", f"/submissions/{number}/photo").status_code == 404
    path = f"/users/{patient.email}/doctor"
    assert admin.call("PUT", path, json={"doctor": None}).status_code == 200
    assert backend.account(patient.email).doctor_id is None


def test_check_ends_care_that_cannot_be(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    colleague, patient = patient_of(any_backend, doctor), patient_of(any_backend, doctor)
    stray = any_backend.member(doctor_id=any_backend.account(patient.email).id)
    any_backend.edit(colleague.email, role="doctor")
    faults = list(any_backend.services.accounts.faults())
    wrong = [any_backend.account(person.email).id for person in (colleague, stray)]
    assert [fault.says for fault in faults] == [
        f"account {identifier} has an invalid doctor assignment" for identifier in wrong
    ]
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_backend.services.faults()) == []
    assert any_backend.account(patient.email).doctor_id == any_backend.account(doctor.email).id


def test_an_admin_made_on_the_command_line_has_no_patients_left(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    patient = patient_of(backend, doctor)
    backend.services.admin.ensure_admin(email=doctor.email, password=None)
    assert backend.account(patient.email).doctor_id is None


def test_a_suspended_doctor_keeps_the_patients_and_gets_no_new_ones(backend: Backend) -> None:
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    kept, other = patient_of(backend, doctor), backend.member()
    admin.call("PATCH", f"/users/{doctor.email}/suspend")
    answer = admin.call("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})
    assert answer.status_code == 409
    assert "is not approved" in answer.get_json()["error"]
    assert doctor.call("GET", "/submissions").status_code == 401
    admin.call("PATCH", f"/users/{doctor.email}/approve", json={})
    assert backend.account(kept.email).doctor_id == backend.account(doctor.email).id
    answer = admin.call("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})
    assert answer.status_code == 200


# Nobody's password is asked here, and to make this costs a hash, which was most of the time.
PASSWORDS = Passwords()


class CareScenario:
    """Two doctors and a patient of the first, over a store that stops at each step."""

    def __init__(self) -> None:
        store = SteppedStore(MockStore())
        self.accounts = Accounts(store)
        active_admins = ActiveAdmins(store, self.accounts)
        self.eraser = Eraser(accounts=self.accounts, active_admins=active_admins, forget=())
        self.admin = AdminService(
            accounts=self.accounts,
            active_admins=active_admins,
            eraser=self.eraser,
            passwords=PASSWORDS,
            trail=AuditTrail(MockStore(), lambda: None, secrets=["-"]),
            forget_addresses=lambda _: None,
            initial_password_life=timedelta(hours=1),
        )
        first = self._add("first", "doctor")
        self._add("second", "doctor")
        self._add("patient", "user", doctor_id=first)
        active_admins.recount()

    def _add(self, name: str, role: str, **fields: str) -> str:
        given = {"email": f"{name}@x.y", "name": name, "role": role, "password_hash": "-"}
        return self.accounts.add(status="approved", **given, **fields).id

    def act(self, action: str) -> Act:
        verb, _, names = action.partition(" ")
        one, _, other = (f"{name}@x.y" for name in names.partition(" to "))
        verbs: dict[str, Callable[[], object]] = {
            "assign": lambda: self.admin.assign_doctor(email=one, doctor=other, by="-"),
            "release": lambda: self.admin.assign_doctor(email=one, doctor=None, by="-"),
            "promote": lambda: self.admin.set_role(email=one, role="doctor", by="-"),
            "demote": lambda: self.admin.set_role(email=one, role="user", by="-"),
            "delete": lambda: self.eraser.erase(self.accounts.get(self._id(one))),
        }
        return verbs[verb]

    def _id(self, email: str) -> str:
        account = self.accounts.by_email(email)
        if account is None:
            raise NotFound
        return account.id

    def assert_no_doctor_in_care(self) -> None:
        everybody = self.accounts.find({})
        assert [one.email for one in everybody if one.role == "doctor" and one.doctor_id] == []


def run_scenario(actions: Sequence[str], choices: Sequence[int]) -> list[tuple[int, int]]:
    scenario = CareScenario()
    taken = run(
        [scenario.act(action) for action in actions], choices, scenario.assert_no_doctor_in_care
    )
    assert [fault.says for fault in scenario.accounts.faults()] == []
    return taken


@pytest.mark.parametrize(
    "actions",
    [
        ("assign patient to second", "promote patient"),
        ("assign patient to second", "demote second"),
        ("assign patient to second", "delete second"),
        ("assign patient to second", "release patient"),
        ("promote patient", "demote first"),
        ("demote first", "promote first"),
        ("assign patient to second", "demote first"),
    ],
    ids=" | ".join,
)
def test_no_order_of_steps_leaves_anybody_in_wrong_care(actions: tuple[str, ...]) -> None:
    every_order(lambda choices: run_scenario(actions, choices), depth=size(4, 12))
