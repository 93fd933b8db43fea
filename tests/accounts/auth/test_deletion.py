import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.guess_limits import GUESSES_PER_HOUR
from skinapi.app.application import create_app
from skinapi.base.errors import StoreUnavailable
from skinapi.privacy.erasure.service import ErasureService, ForgetSteps
from tests.accounts.auth.test_second_factor import App, set_up
from tests.care.clinic import patient_in_care, review
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person, erase, put_in, unavailable


def test_a_step_that_fails_leaves_an_account_that_nobody_finds_to_finish(
    backend: Backend,
) -> None:
    person = backend.member("ada@example.org")
    account = backend.account("ada@example.org").id
    erasure = backend.services.erasure
    with_broken = ForgetSteps((*erasure.forgetting.steps, ("broken", unavailable)))
    put_in(erasure, forgetting=with_broken)
    assert leave(person).status_code == 503
    assert backend.services.data.accounts.find_by_email("ada@example.org") is None
    assert person.call("GET", "/me").status_code == 401
    (fault,) = erasure.check_integrity()
    assert fault.message == f"account {account} is half erased"
    put_in(erasure, forgetting=ForgetSteps(with_broken.steps[:-1]))
    assert fault.repair is not None
    fault.repair()
    assert list(erasure.check_integrity()) == []
    assert erasure.receipts.find_newest(account).gone_at


def test_a_start_finishes_what_a_crash_left(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    predicted(ada)
    account = backend.account(ada.email)
    with monkeypatch.context() as patch:
        patch.setattr(ErasureService, "_finish", unavailable)
        with pytest.raises(StoreUnavailable):
            erase(backend.services, account)
    findings = backend.services.store.collection("submissions")
    assert findings.count() == 1
    create_app(backend.settings, backend.services.store)
    assert findings.count() == 0
    assert backend.services.data.receipts.find_newest(account.id).gone_at


def leave(person: Person, password: str = PASSWORD, **more: str) -> TestResponse:
    return person.call("DELETE", "/me", json={"current_password": password, **more})


def code_of(answer: TestResponse) -> str:
    code: str = answer.get_json()["code"]
    return code


def test_a_wrong_password_deletes_nothing_and_counts_as_one_of_a_login(backend: Backend) -> None:
    ada = backend.member()
    answers = [leave(ada, "wrong horse") for _ in range(GUESSES_PER_HOUR + 1)]
    assert {code_of(answer) for answer in answers[:-1]} == {"wrong_password"}
    assert code_of(answers[-1]) == code_of(leave(ada)) == "too_many_guesses"
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
    review(grey, number)
    backend.services.decisions.assign_doctor(email=ada.email, doctor=None, by="system")
    assert leave(grey).status_code == 200
    (kept,) = ada.call("GET", f"/submissions/{number}/reviews").get_json()
    assert kept["signed_by"] == "Ada Example"
