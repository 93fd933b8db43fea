from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest

from skinapi.accounts.auth.account import Account, Subject
from skinapi.app.composition.background import _find_recipient
from skinapi.base.errors import BadRequest
from skinapi.base.subject import KeyUse
from tests.integrations.test_keys import clinic_wide, sent
from tests.privacy.made_files import make as make_file
from tests.privacy.made_files import read
from tests.support.backends import ADMIN, PASSWORD, Backend, Person, erase

SYSTEM, NUMBER = "urn:oid:2.999.1", "PAT-0815"


def program(backend: Backend, *, wide: bool = True) -> Subject:
    account = backend.account(backend.member().email)
    use = KeyUse("0" * 32, ("findings:write",), clinic_wide=wide)
    return Subject(account.id, account.role, use.id, account, key=use)


def test_an_identifier_has_one_account_and_is_not_stored(backend: Backend) -> None:
    by, patients = program(backend), backend.services.patients
    first = patients.find_or_add(SYSTEM, NUMBER, by=by)
    assert patients.find_or_add(f" {SYSTEM} ", NUMBER, by=by) == first
    assert patients.find_or_add("urn:oid:2.999.2", NUMBER, by=by).id != first.id
    assert patients.find_or_add(f"{SYSTEM}P", NUMBER[1:], by=by).id != first.id
    assert NUMBER not in str(backend.stored())


def test_those_who_ask_at_the_same_time_get_the_same_account(real_backend: Backend) -> None:
    by, patients = program(real_backend), real_backend.services.patients

    def ask(_: int) -> Account:
        return patients.find_or_add(SYSTEM, NUMBER, by=by)

    with ThreadPoolExecutor(8) as threads:
        assert len({item.id for item in threads.map(ask, range(16))}) == 1


def test_nobody_logs_in_as_such_a_patient_and_no_mail_is_sent(backend: Backend) -> None:
    patient = backend.services.patients.find_or_add(SYSTEM, NUMBER, by=program(backend))
    for password in ("", PASSWORD):
        answer = backend.client.post("/login", json={"email": patient.email, "password": password})
        assert answer.status_code in (400, 401)
    admin = backend.member(role="admin")
    assert admin.call("POST", f"/users/{patient.email}/password-link").status_code == 409
    assert _find_recipient(backend.services.data.accounts, patient.id) is None


def test_an_admin_hands_over_and_erases_what_is_stored_under_a_number(
    backend: Backend, tmp_path: Path
) -> None:
    caller, admin, named = clinic_wide(backend), backend.admin(), {"system": SYSTEM}
    patient = caller.call("POST", "/patients/external", json={**named, "value": NUMBER}).get_json()
    assert sent(caller, patient=patient["_id"]).status_code == 200
    before = backend.stored()["accounts"]
    typo = admin.call("POST", "/patients/external/find", json={**named, "value": f"{NUMBER}1"})
    assert (typo.status_code, "Nobody here" in typo.get_json()["detail"]) == (404, True)
    assert backend.stored()["accounts"] == before
    found = admin.call("POST", "/patients/external/find", json={**named, "value": NUMBER})
    email = found.get_json()["email"]
    assert found.get_json()["_id"] == patient["_id"]
    query = {"patient": email}
    path, own = f"/me/file?{urlencode(query)}", {"current_password": PASSWORD}
    assert admin.call("POST", path, json={"current_password": "wrong"}).status_code == 403
    asked = admin.call("POST", path, json=own)
    assert (asked.status_code, asked.get_json()["state"]) == (202, "waiting")
    make_file(backend, Person(admin.client, "", email), tmp_path)
    fetched = admin.call("POST", f"/me/file/download?{urlencode(query)}")
    assert read(ZipFile(BytesIO(fetched.data)))["account"]["email"] == email
    assert admin.call("DELETE", path).status_code == 200
    refused = admin.call("POST", f"/me/file?patient={ADMIN}", json=own)
    assert (refused.status_code, refused.get_json()["code"]) == (404, "not_found")
    assert admin.call("DELETE", f"/users/{email}").status_code == 200
    closed = backend.services.data.accounts.get(patient["_id"])
    assert closed.status == "closed", "its photo waits for an urgent review"
    erase(backend.services, closed)
    gone = admin.call("POST", "/patients/external/find", json={**named, "value": NUMBER})
    assert gone.status_code == 404
    acts = {row["action"]: row["by"] for row in backend.audit() if row["target"] == patient["_id"]}
    done = [f"person_file.{act}" for act in ("order", "fetch", "delete")]
    by_admin = dict.fromkeys(["patient.find", *done], backend.account(ADMIN).id)
    assert by_admin.items() <= acts.items()
    assert NUMBER not in str(backend.stored())


@pytest.mark.parametrize(
    ("system", "value"), [("", "1"), ("urn:x", " "), ("urn:x", "1" * 201), ("u" * 201, "1")]
)
def test_what_is_no_identifier_is_refused_and_nothing_stored(
    shared_backend: Backend, system: str, value: str
) -> None:
    caller, before = program(shared_backend), len(shared_backend.stored()["accounts"])
    with pytest.raises(BadRequest):
        shared_backend.services.patients.find_or_add(system, value, by=caller)
    assert len(shared_backend.stored()["accounts"]) == before


def test_nothing_is_filed_for_such_a_patient_whom_an_admin_has_suspended(backend: Backend) -> None:
    caller, named = clinic_wide(backend), {"system": SYSTEM, "value": NUMBER}
    patient = caller.call("POST", "/patients/external", json=named).get_json()["_id"]
    email = backend.services.data.accounts.get(patient).email
    backend.services.admin.suspend_account(email=email, by="-")
    answer = caller.call("POST", "/patients/external", json=named)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")
    assert "suspended" in answer.get_json()["detail"]
    assert sent(caller, patient=patient).status_code == 404


def test_the_answer_names_who_is_in_charge_where_another_doctor_is_asked_for(
    any_backend: Backend,
) -> None:
    caller, named = clinic_wide(any_backend), {"system": SYSTEM, "value": NUMBER}
    meyer, weber = (any_backend.member(role="doctor") for _ in "12")

    def in_charge(**more: str) -> str | None:
        answer = caller.call("POST", "/patients/external", json={**named, **more})
        assert answer.status_code == 200, answer.text
        doctor: str | None = answer.get_json()["doctor"]
        return doctor

    assert in_charge() is None
    assert in_charge(doctor=meyer.email) == meyer.email
    assert in_charge(doctor=weber.email) == meyer.email
    any_backend.services.admin.suspend_account(email=meyer.email, by="-")
    assert in_charge() is None
    assert in_charge(doctor=weber.email) == weber.email
