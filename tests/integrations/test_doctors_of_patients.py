"""Who is in charge of a new patient: whom an approval, a key, an order or the setting names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.settings.safety import WRONG_DEFAULT_DOCTOR, WRONG_UNASSIGNED
from tests.integrations.fhir import orders
from tests.integrations.test_keys import clinic_wide, made
from tests.support.backends import PASSWORD, Backend, Person, change_account

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
    """The e-mail of the doctor of this account."""
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


def test_the_operator_reads_which_setting_names_no_active_doctor(open_backend: Open) -> None:
    backend = open_backend(default_doctor=GREY)
    for status, wrong in (("approved", False), ("suspended", True)):
        backend.edit(GREY, status=status)
        notes = backend.client.get("/readyz").get_json()["notes"]
        assert (WRONG_DEFAULT_DOCTOR in notes) == wrong
    assert "DEFAULT_DOCTOR" in WRONG_DEFAULT_DOCTOR
    assert GREY not in WRONG_DEFAULT_DOCTOR  # anybody reads the notes


def test_the_operator_reads_that_nobody_sees_patients_without_a_doctor(open_backend: Open) -> None:
    backend = open_backend(unassigned_patients=f"{GREY}, ghost@example.org")
    for status, wrong in (("approved", False), ("suspended", True)):
        backend.edit(GREY, status=status)
        notes = backend.client.get("/readyz").get_json()["notes"]
        assert (WRONG_UNASSIGNED in notes) == wrong
    closed = open_backend(unassigned_patients="none")
    assert WRONG_UNASSIGNED not in closed.client.get("/readyz").get_json()["notes"]


def test_an_approval_names_no_doctor_who_is_none(open_backend: Open) -> None:
    backend = open_backend()
    backend.register("ada@example.org")
    path, body = "/users/ada@example.org/approve", {"doctor": "nobody@example.org"}
    assert backend.admin().call("PATCH", path, json=body).status_code == 404
    assert backend.account("ada@example.org").status == "waiting"


def test_a_key_names_the_doctor_of_the_patients_whom_it_adds(open_backend: Open) -> None:
    backend = open_backend(default_doctor=GREY)
    program = clinic_wide(backend, scopes=["findings:write", "fhir"], doctor=HOUSE)
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


def performer(backend: Backend, way: str) -> dict[str, Any]:
    """The ways in which an order names Dr Grey, beside the elements that are not in charge."""
    account = backend.account(GREY).id
    practitioner = {
        "resourceType": "Practitioner",
        "id": "d",
        "name": [{"family": "Grey"}],
        "telecom": [{"system": "email", "value": GREY}],
    }
    told: dict[str, dict[str, Any]] = {
        "e-mail": {"performer": [{"identifier": {"system": "urn:oid:2.999.9", "value": GREY}}]},
        "id": {"performer": [{"reference": f"Practitioner/{account}"}]},
        "contained": {"performer": [{"reference": "#d"}], "contained": [practitioner]},
        "requester": {"requester": {"reference": "#d"}, "contained": [practitioner]},
    }
    return told[way]


@pytest.mark.parametrize("way", ["e-mail", "id", "contained"])
def test_an_order_names_the_doctor_of_a_patient_who_has_none(open_backend: Open, way: str) -> None:
    backend = open_backend()
    hospital = clinic_wide(backend, scopes=["fhir"])
    named = performer(backend, way)
    for order, number in (("O-1", "PAT-1"), ("O-2", "PAT-1"), ("O-3", "PAT-2")):
        known = order == "O-2"  # a patient whom nobody is in charge of any more
        if known:
            change_account(backend.services, first_patient(backend), doctor_id=None)
        sent = hospital.call(
            "POST", "/fhir", json=orders.transaction(order, number=number, **named)
        )
        assert sent.status_code == 200, sent.text
        assert [in_charge(backend, item["owner"]) for item in backend.stored()["submissions"]][
            -1
        ] == GREY
    house = backend.account(HOUSE).id
    change_account(backend.services, first_patient(backend), doctor_id=house)
    again = hospital.call("POST", "/fhir", json=orders.transaction("O-4", number="PAT-1", **named))
    told = again.get_json()["entry"][-1]["response"]["outcome"]["issue"]
    assert any("another doctor in charge" in item["diagnostics"] for item in told)


def first_patient(backend: Backend) -> str:
    patients = [item["id"] for item in backend.stored()["accounts"] if item.get("external")]
    return str(patients[0])


def test_an_order_for_a_doctor_whom_nobody_knows_is_refused(open_backend: Open) -> None:
    backend = open_backend()
    hospital = clinic_wide(backend, scopes=["fhir"])
    unknown = {"performer": [{"identifier": {"system": "urn:x", "value": "LANR-1"}}]}
    for performers in (unknown, {"performer": [{"display": "Dr Grey"}]}):
        refused = hospital.call("POST", "/fhir", json=orders.transaction(**performers))
        assert refused.status_code == 422
        coding = refused.get_json()["issue"][0]["details"]["coding"][0]
        assert coding["code"] == "unknown_performer"
        sentence = refused.get_json()["issue"][0]["diagnostics"]
        assert "DEFAULT_DOCTOR" not in sentence  # the sender sets nothing here
        assert "e-mail" in sentence
    assert not backend.stored().get("submissions")
    # Who has ordered it is in charge of nothing.
    ordered = orders.transaction(**performer(backend, "requester"))
    assert hospital.call("POST", "/fhir", json=ordered).status_code == 200
    assert in_charge(backend, backend.stored()["submissions"][-1]["owner"]) is None
    ada = backend.member()
    own, _ = made(ada, scopes=["fhir"])
    alone = orders.request(
        subject={"reference": f"Patient/{backend.account(ada.email).id}"},
        supportingInfo=[{"reference": "#m"}],
        contained=[orders.media(id="m")],
        **performer(backend, "e-mail"),
    )
    answer = own.call(
        "POST", "/fhir/ServiceRequest", json=alone, headers={"Prefer": "return=OperationOutcome"}
    )
    assert answer.status_code == 201, answer.text
    assert "this key may not choose" in answer.text
