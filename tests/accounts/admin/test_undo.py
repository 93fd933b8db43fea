"""Acts of admins on accounts are taken back: each is as before, unless it was changed since."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from skinapi.accounts.admin.acts import AccountState
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import URGENT, file_for, patient_of
from tests.served.wire import at_once
from tests.support.backends import PASSWORD, Backend, Person, erase
from tests.use_cases.use_case import acts_on, notices_to


def id_of(backend: Backend, person: Person) -> str:
    return backend.account(person.email).id


def state(backend: Backend, person: Person) -> AccountState:
    return AccountState.from_record(backend.account(person.email))


def approve(backend: Backend, admin: Person, *people: Person, **body: Any) -> str:
    """The act, of one request for all of them."""
    ids = [id_of(backend, person) for person in people]
    answer = admin.call("POST", "/accounts/approvals", json={"accounts": ids, **body})
    return str(answer.get_json()["act"])


def undo(admin: Person, act: str) -> tuple[list[str], dict[str, str]]:
    """Which accounts are as they were, and why the others are not."""
    answer = admin.call("POST", f"/accounts/acts/{act}/undo")
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    left = {item["account"]: item["code"] for item in body["left"]}
    return [item["account"] for item in body["put_back"]], left


def act_of(admin: Person, method: str, path: str, **body: Any) -> str:
    answer = admin.call(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["act"])


def test_patients_who_were_assigned_at_once_go_back_each_to_the_own_doctor(
    real_backend: Backend,
) -> None:
    admin = real_backend.member(role="admin")
    meyer, weber, novak = (real_backend.member(role="doctor") for _ in "123")
    people = [patient_of(real_backend, meyer), patient_of(real_backend, novak)]
    people += [real_backend.member(), real_backend.member(status="waiting")]
    urgent = file_for(real_backend, people[0], URGENT).number
    before = [state(real_backend, person) for person in people]
    act = approve(real_backend, admin, *people, doctor=weber.email)
    assert meyer.call("GET", f"/submissions/{urgent}").status_code == 404
    assert {state(real_backend, item).doctor_id for item in people} == {id_of(real_backend, weber)}
    ids = [id_of(real_backend, person) for person in people]
    for _ in "12":  # the second changes nothing
        assert undo(admin, act) == (ids, {})
        assert [state(real_backend, person) for person in people] == before
    assert [row["id"] for row in meyer.call("GET", "/queue").get_json()] == [urgent]
    assert weber.call("GET", "/queue").get_json() == []
    assert weber.call("GET", f"/submissions/{urgent}").status_code == 404
    done = acts_on(real_backend, ids[0])
    assert done[-2:] == [("account.undo", "done"), ("account.assign", "done")]
    assert [
        *real_backend.services.data.accounts.check_integrity(real_backend.services.data.work)
    ] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "role", {"role": "doctor"}),
        ("PUT", "role", {"role": "admin"}),
        ("PUT", "doctor", {"doctor": None}),
        ("PATCH", "suspend", {}),
    ],
)
def test_each_act_on_one_account_is_undone_with_the_doctor_in_charge(
    backend: Backend, method: str, path: str, body: dict[str, Any]
) -> None:
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    patient = patient_of(backend, doctor)
    before = state(backend, patient)
    act = act_of(admin, method, f"/users/{patient.email}/{path}", **body)
    assert state(backend, patient) != before
    [put_back] = admin.call("POST", f"/accounts/acts/{act}/undo").get_json()["put_back"]
    assert (put_back["role"], put_back["status"]) == ("user", "approved")
    assert put_back["doctor"] == doctor.email
    assert state(backend, patient) == before


def test_what_changed_nothing_names_no_act(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), backend.member()
    answer = admin.call("PATCH", f"/users/{ada.email}/approve", json={})
    assert answer.get_json() == {"message": f"User {ada.email} approved as user."}
    body = {"accounts": [id_of(backend, ada)]}
    assert "act" not in admin.call("POST", "/accounts/approvals", json=body).get_json()


def test_an_account_that_somebody_changed_since_stays_as_it_is_and_is_named(
    real_backend: Backend,
) -> None:
    admin, other = real_backend.member(role="admin"), real_backend.member(role="admin")
    meyer, weber, novak = (real_backend.member(role="doctor") for _ in "123")
    ada, ben, cleo, gone = (patient_of(real_backend, meyer) for _ in "1234")
    ids = [id_of(real_backend, person) for person in (ada, ben, cleo, gone)]
    act = approve(real_backend, admin, ada, ben, cleo, gone, doctor=weber.email)
    act_of(other, "PUT", f"/users/{ben.email}/doctor", doctor=novak.email)
    for doctor in (novak, weber):  # as the act has left her, but by somebody else
        act_of(other, "PUT", f"/users/{cleo.email}/doctor", doctor=doctor.email)
    assert other.call("DELETE", f"/users/{gone.email}").status_code == 200
    done, left = undo(admin, act)
    assert done == ids[:1]
    assert left == {ids[1]: "changed_since", ids[2]: "changed_since"}
    assert state(real_backend, ben).doctor_id == id_of(real_backend, novak)
    assert state(real_backend, cleo).doctor_id == id_of(real_backend, weber)


def test_acts_are_undone_one_after_the_other(backend: Backend) -> None:
    admin = backend.member(role="admin")
    meyer, weber, novak = (backend.member(role="doctor") for _ in "123")
    ada = patient_of(backend, meyer)
    first, second = (approve(backend, admin, ada, doctor=one.email) for one in (weber, novak))
    assert undo(admin, first)[0] == []
    for act, doctor in ((second, weber), (first, meyer)):
        assert undo(admin, act)[1] == {}
        assert state(backend, ada).doctor_id == id_of(backend, doctor)


def test_no_patient_goes_back_to_a_doctor_who_is_none_now(backend: Backend) -> None:
    admin, meyer, weber = (
        backend.member(role="admin"),
        *(backend.member(role="doctor") for _ in "12"),
    )
    ada = patient_of(backend, meyer)
    act = approve(backend, admin, ada, doctor=weber.email)
    act_of(admin, "PATCH", f"/users/{meyer.email}/suspend")
    assert undo(admin, act) == ([], {id_of(backend, ada): "former_doctor_gone"})
    assert state(backend, ada).doctor_id == id_of(backend, weber)


def test_a_doctor_who_has_patients_by_now_stays_one(backend: Backend) -> None:
    admin, weber = backend.member(role="admin"), backend.member(status="waiting")
    act = approve(backend, admin, weber, role="doctor")
    act_of(admin, "PUT", f"/users/{backend.member().email}/doctor", doctor=weber.email)
    assert undo(admin, act) == ([], {id_of(backend, weber): "has_patients_now"})
    assert state(backend, weber).role == "doctor"


def test_a_doctor_who_lost_the_role_by_mistake_has_the_patients_again(backend: Backend) -> None:
    admin, meyer = backend.member(role="admin"), backend.member(role="doctor")
    ada = patient_of(backend, meyer)
    number = file_for(backend, ada, URGENT).number
    act = act_of(admin, "PUT", f"/users/{meyer.email}/role", role="user")
    assert undo(admin, act)[1] == {}
    assert [row["id"] for row in meyer.call("GET", "/queue").get_json()] == [number]


def test_a_refusal_comes_back_with_its_reason_and_its_mail(mailing: Backend) -> None:
    admin, ada = mailing.member(role="admin"), mailing.member(status="waiting")
    account = id_of(mailing, ada)
    body = {"accounts": [account], "reason": "other", "note": "Who are you?"}
    refusal = admin.call("POST", "/accounts/refusals", json=body).get_json()["act"]
    refused = state(mailing, ada)
    seen = {account: {"role": "user", "status": "suspended", "refused": True}}
    approval = approve(mailing, admin, ada, seen=seen)
    assert notices_to(mailing, account) == []
    assert undo(admin, approval)[1] == {}
    assert (state(mailing, ada), notices_to(mailing, account)) == (refused, [Kind.REFUSED])
    assert undo(admin, refusal)[1] == {}
    assert (state(mailing, ada).status, notices_to(mailing, account)) == ("waiting", [])


def test_an_approval_that_is_undone_ends_the_session_and_its_mail(mailing: Backend) -> None:
    admin, ada = mailing.member(role="admin"), mailing.member(status="waiting")
    act = approve(mailing, admin, ada)
    logged_in = mailing.log_in(ada.email, PASSWORD)
    assert notices_to(mailing, id_of(mailing, ada)) == [Kind.APPROVED]
    assert undo(admin, act)[1] == {}
    assert logged_in.call("GET", "/me").status_code == 401
    assert notices_to(mailing, id_of(mailing, ada)) == []


def test_the_other_doctor_gets_no_mail_of_patients_who_went_back(mailing: Backend) -> None:
    admin = mailing.member(role="admin")
    meyer, weber = (mailing.member(role="doctor") for _ in "12")
    ada, stays = patient_of(mailing, meyer), patient_of(mailing, meyer)
    for person in (ada, stays):
        file_for(mailing, person, URGENT)
    approve(mailing, admin, stays, doctor=weber.email)
    act = approve(mailing, admin, ada, doctor=weber.email)
    assert undo(admin, act)[1] == {}
    told = mailing.services.data.outbox.list_to(id_of(mailing, weber))
    assert [notice.figures["urgent"] for notice in told] == [1]


def test_an_act_is_undone_by_its_admin_alone_and_for_a_day(backend: Backend) -> None:
    admin, other = backend.member(role="admin"), backend.member(role="admin")
    ada = backend.member()
    act = act_of(admin, "PATCH", f"/users/{ada.email}/suspend")
    steps = backend.services.store.collection("account_acts")
    for person in (other, ada):
        assert person.call("POST", f"/accounts/acts/{act}/undo").status_code in (401, 404)
    steps.update_all({}, {"$set": {"expires_at": now() - timedelta(seconds=1)}})
    assert admin.call("POST", f"/accounts/acts/{act}/undo").status_code == 404
    assert state(backend, ada).status == "suspended"


def test_an_admin_cannot_undo_what_made_the_last_one(backend: Backend) -> None:
    admin, boss = backend.member(role="admin"), backend.member()
    act = act_of(admin, "PUT", f"/users/{boss.email}/role", role="admin")
    act_of(boss, "PUT", f"/users/{admin.email}/role", role="user")
    backend.edit(admin.email, role="admin", status="approved")
    backend.services.store.collection("accounts").update(
        {"email": admin.email}, {"$set": {"password_hash": ""}}
    )
    assert undo(admin, act) == ([], {id_of(backend, boss): "last_admin"})


def test_of_two_undoings_and_an_act_at_once_nothing_is_half_done(real_backend: Backend) -> None:
    """Either the act between stands, or the undoing: never the state of neither."""
    admin = real_backend.member(role="admin")
    meyer, weber, novak = (real_backend.member(role="doctor") for _ in "123")
    people = [patient_of(real_backend, meyer) for _ in range(4)]
    act = approve(real_backend, admin, *people, doctor=weber.email)
    by = id_of(real_backend, admin)
    services = real_backend.services
    taking = partial(services.undo.take_back, act=act, by=by)
    moving = partial(
        services.decisions.assign_doctor, email=people[0].email, doctor=novak.email, by="-"
    )
    acts: list[Callable[[], Any]] = [taking, taking, moving]
    taken, again, _ = at_once(acts)
    ids = [id_of(real_backend, person) for person in people]
    for result in (taken, again):
        assert {item.id for item in result.accounts} | {*result.left} == {*ids}
    assert state(real_backend, people[0]).doctor_id == id_of(real_backend, novak)
    assert {state(real_backend, item).doctor_id for item in people[1:]} == {
        id_of(real_backend, meyer)
    }
    undone = [row for row in acts_on(real_backend, ids[1]) if row[0] == "account.undo"]
    assert len(undone) == 1


def test_undone_again_an_account_that_was_changed_since_is_named(real_backend: Backend) -> None:
    admin, grey = (real_backend.member(role=role) for role in ("admin", "doctor"))
    ada, ben = (real_backend.member(status="waiting") for _ in "12")
    act = approve(real_backend, admin, ada, ben, doctor=grey.email)
    ids = [id_of(real_backend, person) for person in (ada, ben)]
    assert undo(admin, act) == (ids, {})
    approve(real_backend, admin, ben)
    assert undo(admin, act) == ([ids[0]], {ids[1]: "changed_since"})
    trail = admin.call("GET", "/audit?action=account.undo_act").get_json()
    assert [row["detail"] for row in trail] == ["0 of 2 put back", "2 of 2 put back"]


@pytest.mark.parametrize("given", [{"record_retention": 10}])
def test_the_assignment_of_a_kept_record_is_undone(backend: Backend) -> None:
    admin = backend.member(role="admin")
    grey, weber = (backend.member(role="doctor") for _ in "12")
    ada = patient_of(backend, grey)
    number = file_for(backend, ada, URGENT).number
    said = {"label": "melanoma", "certainty": "sure", "told_by": "nobody"}
    assert grey.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    record = id_of(backend, ada)
    erase(backend.services, backend.account(ada.email))
    path = f"/users/{record}@records.invalid/doctor"
    act = act_of(admin, "PUT", path, doctor=weber.email)
    assert undo(admin, act) == ([record], {})
    assert grey.call("GET", f"/submissions/{number}").status_code == 200
