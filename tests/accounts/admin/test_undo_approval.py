"""An approval is undone: the account waits again, and is logged out."""

from typing import Any

from tests.support.backends import PASSWORD, Backend, Person

EMAIL = "ada@example.org"


def undo(admin: Person) -> Any:
    return admin.call("PATCH", f"/users/{EMAIL}/unapprove")


def test_an_account_whose_approval_is_undone_waits_and_is_logged_out(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.register(EMAIL)
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
    ada = backend.log_in(EMAIL)
    answer = undo(admin)
    assert answer.get_json() == {"message": f"User {EMAIL} waits for approval."}
    assert ada.call("GET", "/me").status_code == 401
    refused = backend.client.post("/login", json={"email": EMAIL, "password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "account_not_approved")
    assert [one["email"] for one in admin.pages("/users?status=waiting")] == [EMAIL]
    [row] = [row for row in backend.audit() if row["action"] == "account.unapprove"]
    assert row["outcome"] == "done"
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
    assert backend.log_in(EMAIL).call("GET", "/me").status_code == 200


def test_undoing_twice_changes_nothing_more(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL)
    assert undo(admin).status_code == 200
    before = backend.account(EMAIL)
    assert undo(admin).status_code == 200
    after = backend.account(EMAIL)
    assert (after.status, after.token_version) == ("waiting", before.token_version)


def test_a_suspension_is_not_undone_as_an_approval(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL, status="suspended")
    refused = undo(admin)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert backend.account(EMAIL).status == "suspended"


def test_a_doctor_whose_approval_is_undone_keeps_role_and_patients(backend: Backend) -> None:
    admin = backend.member(role="admin")
    backend.member(EMAIL, role="doctor")
    doctor = backend.account(EMAIL).id
    patient = backend.member(doctor_id=doctor)
    assert undo(admin).status_code == 200
    assert backend.account(EMAIL).role == "doctor"
    assert backend.account(patient.email).doctor_id == doctor


def test_a_doctor_without_patients_asks_for_the_role_again(backend: Backend) -> None:
    """Approved as a doctor by mistake, and as a patient afterwards: no doctor is left."""
    admin = backend.member(role="admin")
    backend.register(EMAIL)
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={"role": "doctor"})
    assert undo(admin).status_code == 200
    waiting = backend.account(EMAIL)
    assert (waiting.role, waiting.wanted_role) == ("user", "doctor")
    admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
    approved = backend.account(EMAIL)
    assert (approved.role, approved.wanted_role) == ("user", None)
