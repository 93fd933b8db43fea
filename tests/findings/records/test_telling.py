from typing import Any

from werkzeug.test import TestResponse

from tests.care.clinic import REVIEW, file_for, patient_in_care
from tests.integrations.test_keys import made
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.reviews import sign_review

MELANOMA = {"label": "melanoma", "certainty": "sure"}
MOLE = finding_of("melanocytic_nevus", band=REVIEW)


def sign(doctor: Person, number: int, **said: Any) -> TestResponse:
    return sign_review(doctor, number, {**MELANOMA, **said})


def test_no_other_system_shows_anything_unless_a_key_in_force_says_so(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    path = f"/submissions/{number}"
    assert "no_access" not in grey.call("GET", path).get_json()
    backend.services.store.collection("accounts").update(
        {"email": ada.email}, {"$set": {"external": "h", "number_system": "urn:x"}}
    )
    admin = backend.member(role="admin")
    made(admin, "/admin/keys", scopes=["findings:write"])
    made(admin, "/admin/keys", scopes=["findings:read"])

    def is_shown() -> bool:
        return not grey.call("GET", path).get_json().get("no_access", False)

    assert not is_shown(), "a program of statistics tells nobody"
    made(admin, "/admin/keys", scopes=["findings:read"], shows_patients_of=["urn:y"])
    assert not is_shown(), "it shows those of another hospital"
    told = {"scopes": ["findings:read"], "shows_patients_of": ["urn:y", "urn:x"]}
    key = made(admin, "/admin/keys", **told)[1]["_id"]
    assert is_shown()
    assert admin.call("DELETE", f"/admin/keys/{key}").status_code == 200
    assert not is_shown()
    patient = backend.account(ada.email).id
    unread = grey.call("POST", f"/conversations/{patient}/messages", json={"text": "Call us."})
    assert (unread.status_code, unread.get_json()["code"]) == (409, "patient_cannot_read")


def test_a_case_says_when_the_patient_has_opened_what_was_decided(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    case, finding = f"/submissions/{number}/case", f"/submissions/{number}"

    def opened() -> bool:
        return "opened_at" in grey.call("GET", case).get_json()

    ada.call("GET", finding)
    assert not opened(), "nothing was decided"
    sign(grey, number)
    grey.call("GET", finding)
    ada.call("GET", "/submissions")
    assert not opened(), "the doctor has read it, and the patient a list"
    ada.call("GET", finding)
    assert opened()
    sign(grey, number)
    assert not opened(), "another decision"
    ada.call("GET", f"{finding}/report.json")
    assert opened()
