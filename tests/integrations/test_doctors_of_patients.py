from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.settings.safety import WRONG_DEFAULT_DOCTOR, WRONG_UNASSIGNED
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import PASSWORD, Backend, Person

Open = Callable[..., Backend]
GREY, HOUSE = "grey@example.org", "house@example.org"


@pytest.fixture
def open_backend(tmp_path: Path) -> Any:
    opened: list[Backend] = []

    def open_one(**settings: Any) -> Backend:
        opened.append(Backend(tmp_path / str(len(opened)), **settings))
        for email in (GREY, HOUSE):
            opened[-1].member(email, role="doctor")
        return opened[-1]

    yield open_one
    for backend in opened:
        backend.services.store.close()


def in_charge(backend: Backend, patient: str) -> str | None:
    account = backend.services.data.accounts.get(patient)
    doctor = account.doctor_id
    return backend.services.data.accounts.get(doctor).email if doctor else None


def external(program: Person, value: str = "PAT-1", **more: str) -> Any:
    body = {"system": "urn:oid:2.999.1", "value": value, **more}
    return program.call("POST", "/patients/external", json=body)


def test_an_approval_asks_for_the_doctor_and_else_takes_that_of_the_setting(
    open_backend: Open,
) -> None:
    backend = open_backend(default_doctor="Grey@Example.org")
    admin = backend.admin()
    cases: tuple[tuple[dict[str, Any], str | None], ...] = (
        *(({}, GREY), ({"doctor": HOUSE}, HOUSE)),
        *(({"doctor": None}, None), ({"role": "doctor"}, None)),
    )
    for number, (body, doctor) in enumerate(cases):
        one, other = f"ada{number}@example.org", f"ben{number}@example.org"
        for email in (one, other):
            backend.register(email)
        assert admin.call("PATCH", f"/users/{one}/approve", json=body).status_code == 200
        many = {"accounts": [backend.account(other).id], **body}
        assert admin.call("POST", "/accounts/approvals", json=many).status_code == 200
        for email in (one, other):
            assert in_charge(backend, backend.account(email).id) == doctor
    assert [row["action"] for row in backend.audit()].count("doctor.assign") == 4
    listed = admin.call("GET", "/accounts?role=doctor").get_json()
    assert [item["email"] for item in listed if item.get("default_doctor")] == [GREY]


@pytest.mark.parametrize(
    ("setting", "emails", "note"),
    [
        ("default_doctor", GREY, WRONG_DEFAULT_DOCTOR),
        ("unassigned_patients", f"{GREY}, ghost@example.org", WRONG_UNASSIGNED),
    ],
)
def test_the_operator_reads_which_setting_names_no_active_doctor(
    open_backend: Open, setting: str, emails: str, note: str
) -> None:
    backend = open_backend(**{setting: emails})
    for status, wrong in (("approved", False), ("suspended", True)):
        backend.edit(GREY, status=status)
        assert (note in backend.client.get("/readyz").get_json()["notes"]) == wrong
    assert setting.upper() in note
    assert GREY not in note  # anybody reads the notes
    closed = open_backend(unassigned_patients="none")
    assert note not in closed.client.get("/readyz").get_json()["notes"]


def test_an_approval_names_no_doctor_who_is_none(open_backend: Open) -> None:
    backend = open_backend()
    backend.register("ada@example.org")
    path, body = "/users/ada@example.org/approve", {"doctor": "nobody@example.org"}
    assert backend.admin().call("PATCH", path, json=body).status_code == 404
    assert backend.account("ada@example.org").status == "waiting"


def test_a_key_names_the_doctor_of_the_patients_whom_it_adds(open_backend: Open) -> None:
    backend = open_backend(default_doctor=GREY)
    program = clinic_wide(backend, scopes=["findings:write"], doctor=HOUSE)
    plain = clinic_wide(backend)
    assert in_charge(backend, external(program).get_json()["_id"]) == HOUSE
    assert in_charge(backend, external(plain, "PAT-2").get_json()["_id"]) == GREY
    named = external(plain, "PAT-3", doctor=HOUSE).get_json()["_id"]
    assert in_charge(backend, named) == HOUSE
    external(plain, "PAT-3", doctor=GREY)  # who has a doctor keeps that one
    assert in_charge(backend, named) == HOUSE
    assert external(plain, "PAT-4", doctor="nobody@example.org").status_code == 404
    keys = backend.member(role="admin").pages("/admin/keys")
    assert [key["doctor_email"] for key in keys] == [HOUSE, None]
    backend.edit(HOUSE, status="suspended")
    assert in_charge(backend, external(program, "PAT-5").get_json()["_id"]) == GREY
    body = {"name": "x", "scopes": ["findings:read"], "current_password": PASSWORD}
    own = backend.member().call("POST", "/keys", json={**body, "doctor": GREY})
    assert own.status_code == 422
