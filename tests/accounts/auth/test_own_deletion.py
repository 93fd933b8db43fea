"""A person deletes the own account: all of it goes, as when an admin deletes it."""

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.guess_limits import GUESSES_PER_HOUR
from tests.accounts.auth.test_second_factor import App, set_up
from tests.care.clinic import patient_in_care
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person


def leave(person: Person, password: str = PASSWORD, **more: str) -> TestResponse:
    return person.call("DELETE", "/me", json={"current_password": password, **more})


def code_of(answer: TestResponse) -> str:
    code: str = answer.get_json()["code"]
    return code


def test_all_of_a_person_goes_and_the_doctor_sees_a_whole_list(any_backend: Backend) -> None:
    talk = Talk(any_backend)
    number = predicted(talk.ada, keep_photo="true")["id"]
    talk.sent(talk.ada, "It itches.")
    gone = any_backend.account(talk.ada.email).id
    assert leave(talk.ada).status_code == 200
    store = any_backend.services.store
    for name in ("accounts", "submissions", "lesions", "messages", "sessions"):
        assert gone not in str(store.collection(name).find()), name
    assert list(store.blobs.keys()) == []
    assert talk.ada.call("GET", "/me").status_code == 401
    assert talk.grey.call("GET", "/patients").get_json() == []
    assert talk.grey.call("GET", "/queue").get_json() == []
    assert talk.grey.call("GET", "/messages").get_json() == []
    assert talk.grey.call("GET", f"/submissions/{number}").status_code == 404


def test_the_trail_says_who_left_by_id_and_no_name(backend: Backend) -> None:
    ada = backend.member()
    gone = backend.account(ada.email).id
    leave(ada)
    (row,) = [one for one in backend.audit() if one["action"] == "account.delete_own"]
    assert (row["by"], row["target"], row["outcome"]) == (gone, gone, "done")
    assert ada.email not in str(row)


def test_a_wrong_password_deletes_nothing_and_counts_as_one_of_a_login(backend: Backend) -> None:
    ada = backend.member()
    answers = [leave(ada, "wrong horse") for _ in range(GUESSES_PER_HOUR + 1)]
    assert {code_of(one) for one in answers[:-1]} == {"wrong_password"}
    assert code_of(answers[-1]) == code_of(leave(ada)) == "too_many_guesses"
    assert ada.call("GET", "/me").status_code == 200


def test_without_a_body_nothing_is_deleted(backend: Backend) -> None:
    """Some proxies drop it."""
    ada = backend.member()
    assert ada.call("DELETE", "/me").status_code == 400
    assert ada.call("GET", "/me").status_code == 200


def test_who_has_a_second_factor_gives_a_code_of_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(monkeypatch)
    ada = backend.member()
    secret, recovery = set_up(ada, app)
    assert code_of(leave(ada)) == "code_required"
    assert code_of(leave(ada, code="000000")) == "wrong_code"
    assert leave(ada, code=recovery[0]).status_code == 200
    grey = backend.member()
    secret, _ = set_up(grey, app)
    assert leave(grey, code=app.code(secret)).status_code == 200


def test_a_doctor_who_has_patients_stays_until_they_have_another_one(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    answer = leave(grey)
    assert (answer.status_code, code_of(answer)) == (409, "doctor_has_patients")
    assert ada.call("GET", "/me").get_json()["doctor"] == grey.email
    backend.services.decisions.assign_doctor(email=ada.email, doctor=None, by="system")
    assert leave(grey).status_code == 200


def test_the_last_admin_stays_and_uses_up_no_code(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = backend.member(role="admin")
    _, recovery = set_up(root, App(monkeypatch))
    answer = leave(root, code=recovery[0])
    assert (answer.status_code, code_of(answer)) == (409, "last_admin")
    assert root.call("GET", "/me").get_json()["recovery_codes_left"] == len(recovery)
    backend.member(role="admin")
    assert leave(root, code=recovery[0]).status_code == 200


def test_what_a_doctor_signed_stays_with_the_patient(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    said = {"label": "melanoma", "certainty": "sure", "told_by": "server"}
    assert grey.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    backend.services.decisions.assign_doctor(email=ada.email, doctor=None, by="system")
    assert leave(grey).status_code == 200
    (kept,) = ada.call("GET", f"/submissions/{number}/reviews").get_json()
    assert kept["signed_by"] == "Ada Example"
