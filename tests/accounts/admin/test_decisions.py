from datetime import timedelta
from typing import Any

import pytest

from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import new_id, now
from tests.support.backends import PASSWORD, Backend, Person
from tests.use_cases.use_case import acts_on, notices_to

EMAIL = "ada@example.org"
NOTE = "Please register with your address of the hospital."


def decide(admin: Person, what: str, *accounts: str, **body: Any) -> Any:
    return admin.call_ok("POST", f"/accounts/{what}", json={"accounts": [*accounts], **body})


def waiting(backend: Backend, **fields: Any) -> str:
    return backend.account(backend.member(status="waiting", **fields).email).id


def read(backend: Backend, account: str) -> tuple[str, str, str | None]:
    found = backend.services.data.accounts.get(account)
    return found.role, found.status, found.doctor_id


def log_in(backend: Backend, account: str, password: str = PASSWORD) -> Any:
    email = backend.services.data.accounts.get(account).email
    return backend.client.post("/login", json={"email": email, "password": password})


def test_many_are_approved_each_as_it_asked_and_the_patients_into_care(backend: Backend) -> None:
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    ada, ben = waiting(backend), waiting(backend, wanted_role="doctor")
    assert admin.call("GET", "/admin/overview").get_json()["waiting_accounts"] == 2
    decided = decide(admin, "approvals", ada, ben, ada, doctor=doctor.email)
    assert decided["done"] == [ada, ben]
    assert read(backend, ada) == ("user", "approved", backend.account(doctor.email).id)
    assert read(backend, ben) == ("doctor", "approved", None)
    assert [what for what, _ in acts_on(backend, ada)] == ["account.assign", "account.approve"]
    assert admin.call("GET", "/admin/overview").get_json()["waiting_accounts"] == 0


def test_a_patient_who_gets_another_doctor_is_told_by_mail(mailing: Backend) -> None:
    admin = mailing.member(role="admin")
    first, second, third = (mailing.member(role="doctor").email for _ in range(3))
    ada = mailing.member()
    account, path = mailing.account(ada.email).id, f"/users/{ada.email}/doctor"
    for doctor, mails in ((first, 0), (second, 1), (second, 1)):
        assert admin.call("PUT", path, json={"doctor": doctor}).status_code == 200
        assert notices_to(mailing, account) == [Kind.OTHER_DOCTOR] * mails
    decide(admin, "approvals", account, role="user", doctor=third)
    assert notices_to(mailing, account) == [Kind.OTHER_DOCTOR] * 2


def test_one_account_that_is_gone_holds_up_no_other(backend: Backend) -> None:
    admin, ada, gone = backend.member(role="admin"), waiting(backend), new_id()
    approved = backend.account(backend.member().email).id
    assert decide(admin, "approvals", gone, ada)["done"] == [ada]
    left = decide(admin, "refusals", gone, approved, reason="not_offered")["left"]
    assert [(item["account"], item["code"]) for item in left] == [
        (gone, "not_found"),
        (approved, "conflict"),
    ]
    assert read(backend, approved)[1] == "approved"


def test_nobody_is_approved_into_the_care_of_somebody_who_is_no_doctor(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), waiting(backend)
    for nurse, status in ((backend.member(), 404), (backend.member(role="doctor"), 409)):
        backend.edit(nurse.email, status="suspended")
        body = {"accounts": [ada], "doctor": nurse.email}
        assert admin.call("POST", "/accounts/approvals", json=body).status_code == status
    assert read(backend, ada)[1] == "waiting"


def test_who_is_refused_reads_why_and_a_stranger_does_not(backend: Backend) -> None:
    admin = backend.member(role="admin")
    person = backend.member(status="waiting")
    ada = backend.account(person.email).id
    decide(admin, "refusals", ada, reason="other", note=NOTE)
    said = {"reason": "other", "note": NOTE}
    told = log_in(backend, ada)
    assert (told.status_code, told.get_json()["code"]) == (403, "account_refused")
    assert told.get_json()["refusal"] == said
    assert NOTE in told.get_json()["detail"]
    assert person.call("GET", "/me").get_json()["refusal"] == said  # whose token was of before
    for stranger in (log_in(backend, ada, "a wrong password"), log_in(backend, ada, "")):
        assert "refus" not in stranger.text
    nobody = backend.client.post("/login", json={"email": "no@example.org", "password": "wrong!"})
    wrong = log_in(backend, ada, "wrong!")
    hidden = {"request_id"}
    assert {k: v for k, v in wrong.get_json().items() if k not in hidden} == {
        k: v for k, v in nobody.get_json().items() if k not in hidden
    }


def test_a_refusal_stands_in_the_list_and_in_the_trail_without_its_note(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), waiting(backend)
    suspended = backend.member()
    backend.edit(suspended.email, status="suspended")
    decide(admin, "refusals", ada, reason="wrong_role", note=NOTE)
    [row] = admin.call("GET", "/accounts?status=refused").get_json()
    assert (row["_id"], row["status"]) == (ada, "refused")
    assert row["refusal"] == {"reason": "wrong_role", "note": NOTE}
    [other] = admin.call("GET", "/accounts?status=suspended").get_json()
    assert other["email"] == suspended.email
    found = admin.call("GET", f"/accounts?status=refused&q={row['email']}").get_json()
    assert [record["_id"] for record in found] == [ada]
    [trace] = admin.call("GET", f"/audit?account={ada}").get_json()
    assert (trace["action"], trace["detail"]) == ("account.refuse", "wrong_role")
    assert NOTE not in admin.call("GET", "/audit").text


def test_the_lists_of_existing_clients_say_nothing_new(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), waiting(backend)
    before = admin.call("GET", "/users").get_json()
    decide(admin, "refusals", ada, reason="wrong_role")
    after = admin.call("GET", "/users").get_json()
    assert before[-1] == {**after[-1], "status": "waiting"}


def test_a_refusal_is_turned_into_an_approval(backend: Backend) -> None:
    admin, ben = backend.member(role="admin"), waiting(backend)
    decide(admin, "refusals", ben, reason="unknown_person")
    [left] = decide(admin, "approvals", ben)["left"]
    assert "suspended, closed or was refused" in left["sentence"]
    assert log_in(backend, ben).status_code == 403
    email = backend.services.data.accounts.get(ben).email
    admin.call_ok("PATCH", f"/users/{email}/approve", json={})
    assert log_in(backend, ben).status_code == 200
    assert backend.services.data.accounts.get(ben).refusal is None


@pytest.mark.parametrize("status", ["closed", "suspended"])
def test_nobody_is_let_in_among_others(backend: Backend, status: str) -> None:
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    ada, ben = (backend.member() for _ in "12")
    ends = {"erase_at": now() + timedelta(days=7)} if status == "closed" else {}
    backend.edit(ada.email, status=status, **ends)
    barred, open_one = (backend.account(person.email).id for person in (ada, ben))
    decided = decide(admin, "approvals", barred, open_one, role="user", doctor=doctor.email)
    assert (decided["done"], decided["left"][0]["code"]) == ([open_one], "conflict")
    assert read(backend, barred)[1] == status
    admin.call_ok("PATCH", f"/users/{ada.email}/approve", json={})
    assert read(backend, barred)[1] == "approved"


def test_a_refusal_without_a_reason_is_none(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), waiting(backend)
    explained = {"reason": "other", "note": NOTE}
    for body in (
        {"reason": "other"},
        {"reason": "other", "note": "  "},
        {"reason": "rude"},
        {"note": NOTE},
        {"reason": "other", "note": "a\u202eb"},
        {"reason": "other", "note": "x" * 501},
        {**explained, "accounts": []},
        {**explained, "accounts": ["$where"]},
        {**explained, "accounts": [new_id() for _ in range(101)]},
    ):
        answer = admin.call("POST", "/accounts/refusals", json={"accounts": [ada], **body})
        assert answer.status_code == 400, body
        assert read(backend, ada)[1] == "waiting"


def test_a_refused_account_is_deleted_in_its_time_and_a_suspended_one_is_not(
    backend: Backend,
) -> None:
    admin, old, new = backend.member(role="admin"), waiting(backend), waiting(backend)
    suspended = backend.member()
    admin.call("PATCH", f"/users/{suspended.email}/suspend")
    decide(admin, "refusals", old, new, reason="second_account")
    emails = [backend.services.data.accounts.get(item).email for item in (old, new)]
    long_ago = now() - timedelta(days=1000)
    for email in (*emails, suspended.email):
        backend.edit(email, created_at=long_ago)
    backend.edit(emails[0], refusal={"reason": "second_account", "refused_at": long_ago})
    backend.app.background.run("waiting-expiry")
    left = {item["email"] for item in admin.call("GET", "/accounts").get_json()}
    assert left == {admin.email, suspended.email, emails[1]}


def test_the_mail_of_a_refusal_is_not_sent_once_it_became_an_approval(mailing: Backend) -> None:
    admin, ada = mailing.member(role="admin"), waiting(mailing)
    decide(admin, "refusals", ada, reason="wrong_role")
    assert notices_to(mailing, ada) == [Kind.REFUSED]
    email = mailing.services.data.accounts.get(ada).email
    admin.call_ok("PATCH", f"/users/{email}/approve", json={})
    assert Kind.REFUSED not in notices_to(mailing, ada)


def test_who_was_made_a_doctor_meanwhile_is_left_and_not_counted_as_done(backend: Backend) -> None:
    admin, grey = backend.member(role="admin"), backend.member(role="doctor")
    ada, ben = waiting(backend), waiting(backend)
    decide(admin, "approvals", ben, role="doctor")
    for body in ({"role": "user"}, {"doctor": grey.email}):
        decided = decide(admin, "approvals", ada, ben, **body)
        assert decided["done"] == [ada]
        assert [(item["account"], item["code"]) for item in decided["left"]] == [
            (ben, "other_role")
        ]
    assert read(backend, ben) == ("doctor", "approved", None)


def test_the_description_gives_no_default_to_a_doctor_who_is_left_out(backend: Backend) -> None:
    schemas = backend.client.get("/openapi.json").get_json()["components"]["schemas"]
    for name in ("Approval", "Approvals"):
        assert "default" not in schemas[name]["properties"]["doctor"]
