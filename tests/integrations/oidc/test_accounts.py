import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from skinapi.accounts.auth import second_factor
from skinapi.accounts.auth.second_factor import code_at, step_of
from skinapi.platform.storage.ids import now
from tests.care.clinic import URGENT, file_for, numbers
from tests.integrations.oidc.clinic import ADA, Clinic
from tests.integrations.test_keys import made
from tests.support.backends import ADMIN, MAIL, PASSWORD, Person

DOCTOR = {"groups": ["derm-doctors"]}
OpenClinic = Callable[..., Clinic]


def code_for(secret: str, *, later: int = 0) -> str:
    return code_at(base64.b32decode(secret), step_of(now() + timedelta(seconds=later)))


def allow(clinic: Clinic, email: str = ADA, provider: str | None = "hospital") -> Any:
    body = {"provider": provider}
    return clinic.admin().call("PUT", f"/users/{email}/provider", json=body)


def test_a_person_of_a_group_logs_in_and_works(clinic: Clinic) -> None:
    me = clinic.entered(**DOCTOR).call("GET", "/me").get_json()
    assert (me["role"], me["status"], me["email"], me["name"]) == (
        "doctor",
        "approved",
        ADA,
        "Ada Byron",
    )
    assert (me["provider"], me["has_password"]) == ("hospital", False)
    rows = {(row["action"], row["by"]) for row in clinic.audit() if row["target"] == me["_id"]}
    assert rows == {
        ("account.register", me["_id"]),
        ("account.approve", "system"),
        ("account.role_doctor", "system"),
    }


def test_a_person_of_no_group_waits_until_an_admin_approves(clinic: Clinic) -> None:
    answer = clinic.enter(groups=["kitchen"])
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_not_approved")
    clinic.admin().call_ok("PATCH", f"/users/{ADA}/approve", json={})
    assert clinic.enter(groups=["kitchen"]).get_json()["role"] == "user"
    assert clinic.enter(groups=None).get_json()["role"] == "user"


def test_groups_may_be_one_within_another(open_clinic: OpenClinic) -> None:
    clinic = open_clinic({"groups_claim": "realm_access.roles"})
    answer = clinic.enter(realm_access={"roles": ["derm-doctors"]})
    assert answer.get_json()["role"] == "doctor"


def test_nobody_is_demoted_because_the_provider_left_the_groups_out(clinic: Clinic) -> None:
    clinic.entered(**DOCTOR)
    assert clinic.refused(_claim_names={"groups": "src1"}) == "oidc_refused"
    assert clinic.account(ADA).role == "doctor"


OF_TOKEN_ALONE = {"email": None, "email_verified": None, "name": None}
OF_USER_INFO = {
    "sub": "ada",
    "email": ADA,
    "email_verified": True,
    "name": "Ada Byron",
    "groups": ["derm-doctors"],
}


def test_what_the_id_token_leaves_out_is_asked_of_user_info(clinic: Clinic) -> None:
    clinic.fake.user_info = {**OF_USER_INFO, "acr": "mfa"}
    answer = clinic.enter(**OF_TOKEN_ALONE)
    assert (answer.status_code, answer.get_json()["role"]) == (200, "doctor")
    account = clinic.account(ADA)
    assert (account.name, account.status) == ("Ada Byron", "approved")
    clinic.entered(groups=["derm-doctors"])  # whose token says all
    assert clinic.fake.seen.count("/me") == 1


def test_groups_that_the_token_leaves_out_are_asked_of_user_info(clinic: Clinic) -> None:
    left_out = {"_claim_names": {"groups": "src1"}}
    clinic.fake.user_info = OF_USER_INFO
    assert clinic.enter(**left_out).get_json()["role"] == "doctor"
    clinic.fake.user_info = {"sub": "ada"}
    assert clinic.refused(**left_out) == "oidc_refused"


def test_user_info_of_somebody_else_or_too_large_opens_nothing(clinic: Clinic) -> None:
    before = clinic.kept()
    another: dict[str, Any] = {"email": "other@clinic.example", "email_verified": False}
    for told, given, code in (
        ({"sub": "grace"}, {}, "oidc_refused"),
        ({"sub": None}, {}, "oidc_refused"),
        ({"email_verified": None}, {}, "oidc_no_email"),
        (another, {"email": ADA}, "oidc_no_email"),  # its verification is of another address
        ({"groups": "x" * 300_000}, {}, "oidc_unavailable"),
    ):
        clinic.fake.user_info = {**OF_USER_INFO, **told}
        assert clinic.refused(**{**OF_TOKEN_ALONE, **given}) == code, told
    assert clinic.kept()["accounts"] == before["accounts"]


def test_nobody_loses_a_role_because_user_info_does_not_answer(clinic: Clinic) -> None:
    clinic.fake.user_info = OF_USER_INFO
    clinic.entered(**OF_TOKEN_ALONE)
    clinic.fake.behave["/me"] = lambda call: call.say({}, 500)
    assert clinic.refused(**OF_TOKEN_ALONE) == "oidc_unavailable"
    assert clinic.account(ADA).role == "doctor"


def test_the_address_of_somebody_else_opens_nothing(clinic: Clinic) -> None:
    clinic.entered(**DOCTOR)
    before = clinic.kept()["accounts"]
    assert clinic.refused(sub="mallory", **DOCTOR) == "oidc_not_linked"
    assert clinic.kept()["accounts"] == before


def test_an_address_that_is_not_verified_makes_no_account(clinic: Clinic) -> None:
    before = clinic.kept()
    for verified in (False, "true"):
        assert clinic.refused(**DOCTOR, email_verified=verified) == "oidc_no_email"
    for email in (None, 7):
        assert clinic.refused(**DOCTOR, email=email) == "oidc_no_email"
    assert clinic.kept() == before


def test_an_operator_may_trust_the_addresses_of_a_provider(open_clinic: OpenClinic) -> None:
    clinic = open_clinic({"trust_email": True})
    assert clinic.enter(**DOCTOR, email_verified=None).status_code == 200


def test_the_role_follows_the_groups_and_ends_with_them(clinic: Clinic) -> None:
    doctor = clinic.entered(**DOCTOR)
    clinic.entered(groups=["staff"])
    assert clinic.account(ADA).role == "user"
    assert doctor.call("GET", "/patients").status_code == 403
    assert clinic.enter(groups=[]).get_json()["code"] == "account_not_approved"
    assert doctor.call("GET", "/me").status_code == 401
    done = [action for action, _ in clinic.actions()]
    assert done[-2:] == ["account.role_user", "account.unapprove"]


def test_a_slip_of_the_groups_loses_a_doctor_no_patient(clinic: Clinic) -> None:
    clinic.entered(**DOCTOR)
    patient = clinic.member(doctor_id=clinic.account(ADA).id)
    assert clinic.enter(groups=[]).status_code == 403
    assert clinic.account(ADA).role == "doctor"
    assert clinic.entered(**DOCTOR).call("GET", "/patients").get_json()
    number = file_for(clinic, patient, URGENT).number
    clinic.entered(groups=["staff"])
    other = clinic.member(role="doctor")
    assert numbers(other, "/queue?unassigned=true") == [number]
    rest = [row for row in clinic.audit() if row["action"] == "doctor.rest"][-1]
    assert rest["detail"] == f"1 patient: {clinic.account(patient.email).id}"
    assert numbers(clinic.entered(**DOCTOR), "/queue") == [number]
    assert numbers(other, "/queue?unassigned=true") == []


def test_who_is_parted_on_the_way_back_is_not_logged_in(clinic: Clinic) -> None:
    clinic.fake.claims = DOCTOR
    clinic.come_back(clinic.begin())
    allow(clinic, provider=None)
    assert clinic.finish().get_json()["code"] == "oidc_expired"


def test_whom_an_admin_here_has_made_an_admin_no_group_demotes(clinic: Clinic) -> None:
    clinic.entered(**DOCTOR)
    path = f"/users/{ADA}/role"
    assert clinic.admin().call("PUT", path, json={"role": "admin"}).status_code == 200
    for groups in (["derm-doctors"], []):
        assert clinic.enter(groups=groups).get_json()["role"] == "admin"


def test_the_last_admin_with_a_password_stays(clinic: Clinic) -> None:
    boss = clinic.entered(groups=["skin-admins"])
    for method, path, body in (
        ("DELETE", f"/users/{ADMIN}", None),
        ("PATCH", f"/users/{ADMIN}/suspend", {}),
        ("PUT", f"/users/{ADMIN}/role", {"role": "user"}),
    ):
        answer = boss.call(method, path, json=body)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "last_admin")
    own = clinic.admin().call("DELETE", "/me", json={"current_password": PASSWORD})
    assert own.get_json()["code"] == "last_admin"
    assert clinic.log_in(ADMIN)


def test_an_admin_who_is_linked_keeps_the_password(clinic: Clinic) -> None:
    assert allow(clinic, ADMIN).status_code == 200
    assert clinic.enter(email=ADMIN, groups=["staff"]).get_json()["role"] == "admin"
    assert clinic.log_in(ADMIN)


def test_a_suspended_person_stays_out_and_nothing_changes(clinic: Clinic) -> None:
    clinic.entered(groups=["staff"])
    assert clinic.admin().call("PATCH", f"/users/{ADA}/suspend", json={}).status_code == 200
    before = clinic.kept()
    answer = clinic.enter(**DOCTOR)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_suspended")
    assert clinic.kept() == before


def test_an_account_with_a_password_is_linked_only_when_an_admin_says_so(clinic: Clinic) -> None:
    old = clinic.approved(ADA, "doctor")
    assert clinic.refused(**DOCTOR) == "oidc_not_linked"
    assert allow(clinic).status_code == 200
    assert clinic.admin().call("GET", f"/accounts?q={ADA}").get_json()[0]["link_allowed"]
    assert clinic.refused(**DOCTOR, email_verified=False) == "oidc_no_email"
    linked = clinic.entered(**DOCTOR).call("GET", "/me").get_json()
    assert (linked["email"], linked["provider"]) == (ADA, "hospital")
    assert old.call("GET", "/me").status_code == 401
    body = {"email": ADA, "password": PASSWORD}
    assert clinic.client.post("/login", json=body).get_json()["code"] == "invalid_credentials"
    assert ("account.link", "oidc_not_linked") in clinic.actions()
    assert ("account.link", "done") in clinic.actions()


def test_a_key_that_somebody_made_before_the_link_ends_with_it(clinic: Clinic) -> None:
    before = clinic.approved(ADA)
    program, _ = made(before, sessions=True)
    made_for = program.call("POST", "/keys/sessions", json={"scope": "findings:read"}).get_json()
    browser = Person(clinic.client, made_for["secret"])
    allow(clinic)
    linked = clinic.entered(groups=["staff"])
    for caller in (program, browser):
        answer = caller.call("GET", "/submissions")
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_key")
    [listed] = linked.call("GET", "/keys").get_json()
    assert listed["revoked_at"]


def test_a_permission_is_taken_back_and_an_account_parted(clinic: Clinic) -> None:
    clinic.approved(ADA)
    allow(clinic)
    assert allow(clinic, provider="elsewhere").status_code == 404
    assert allow(clinic, "nobody@clinic.example").status_code == 404
    assert allow(clinic, provider=None).status_code == 200
    assert clinic.refused() == "oidc_not_linked"
    allow(clinic)
    linked = clinic.entered(groups=["staff"])
    assert allow(clinic).status_code == 200
    clinic.edit(ADA, provider="elsewhere")
    assert allow(clinic).get_json()["code"] == "conflict"
    assert allow(clinic, provider=None).status_code == 200
    assert linked.call("GET", "/me").status_code == 401
    assert clinic.refused() == "oidc_not_linked"
    link = clinic.admin().call("POST", f"/users/{ADA}/password-link", json={}).get_json()["link"]
    body = {"token": link.rpartition("/")[2], "new_password": "another password"}
    assert clinic.client.post("/password/reset", json=body).status_code == 200
    assert clinic.log_in(ADA, "another password")


def test_an_account_of_the_provider_has_no_password_and_gets_none(open_clinic: OpenClinic) -> None:
    clinic = open_clinic(**MAIL)
    doctor = clinic.entered(**DOCTOR)
    answer = clinic.admin().call("POST", f"/users/{ADA}/password-link", json={})
    assert answer.get_json()["code"] == "no_password_here"
    assert clinic.client.post("/password/forgotten", json={"email": ADA}).status_code == 200
    clinic.services.recovery.mail_links()
    assert clinic.services.store.collection("password_links").count() == 0
    for password in ("", "x"):
        body = {"email": ADA, "password": password or " "}
        assert clinic.client.post("/login", json=body).get_json()["code"] == "invalid_credentials"
        change = {"current_password": password, "new_password": "another password"}
        assert doctor.call("PUT", "/me/password", json=change).status_code == 403
    assert not clinic.account(ADA).has_password


def set_up_factor(person: Person) -> str:
    answer = person.call("POST", "/me/second-factor", json={"current_password": ""})
    assert answer.status_code == 200, answer.text
    secret: str = answer.get_json()["secret"]
    body = {"code": code_for(secret)}
    assert person.call("POST", "/me/second-factor/confirm", json=body).status_code == 200
    return secret


def test_our_second_factor_is_asked_unless_the_provider_vouches(open_clinic: OpenClinic) -> None:
    clinic = open_clinic({"amr": ["mfa"], "acr": ["gold"]})
    secret = set_up_factor(clinic.entered(**DOCTOR))
    assert clinic.enter(**DOCTOR, amr=["pwd"]).get_json()["code"] == "code_required"
    assert clinic.finish(code="000000").get_json()["code"] == "wrong_code"
    answer = clinic.finish(code=code_for(secret, later=30))
    assert answer.status_code == 200
    assert clinic.finish(code=code_for(secret)).get_json()["code"] == "oidc_expired"
    for vouched in ({"amr": ["pwd", "mfa"]}, {"acr": "gold"}):
        person = clinic.entered(**DOCTOR, **vouched)
        assert person.call("GET", "/patients").status_code == 200
    for other in ({"amr": "mfa"}, {"acr": ["gold"]}, {"acr": "silver"}):
        clinic.fake.claims = {**DOCTOR, **other}
        place = clinic.come_back(clinic.begin())
        assert place == "/#/login/oidc_refused" or clinic.finish().status_code == 403


def test_a_role_that_needs_a_second_factor_may_have_it_at_the_provider(
    open_clinic: OpenClinic,
) -> None:
    clinic = open_clinic({"amr": ["mfa"]}, require_second_factor="doctor")
    vouched = clinic.entered(**DOCTOR, amr=["mfa"])
    assert vouched.call("GET", "/patients").status_code == 200
    assert not vouched.call("GET", "/me").get_json()["second_factor_missing"]
    plain = clinic.entered(**DOCTOR)
    assert plain.call("GET", "/patients").get_json()["code"] == "second_factor_required"
    assert plain.call("GET", "/me").get_json()["second_factor_missing"]
    set_up_factor(plain)
    assert plain.call("GET", "/patients").status_code == 200


def test_who_has_no_password_must_have_just_logged_in(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = clinic.entered(**DOCTOR)
    monkeypatch.setattr(second_factor, "JUST_NOW", timedelta(seconds=-1))
    for method, path in (("POST", "/me/second-factor"), ("DELETE", "/me")):
        for body in ({"current_password": ""}, {}):
            answer = doctor.call(method, path, json=body)
            assert answer.get_json()["code"] == "not_just_logged_in"
    monkeypatch.setattr(second_factor, "JUST_NOW", timedelta(minutes=1))
    assert doctor.call("DELETE", "/me", json={}).status_code == 200
    refused = clinic.log_in(ADMIN).call("DELETE", "/me", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "invalid_body")
    assert clinic.services.data.accounts.find_by_email(ADA) is None
    assert clinic.services.store.collection("sessions").find({"provider": "hospital"}) == []


def test_who_was_deleted_comes_back_with_a_new_account(clinic: Clinic) -> None:
    clinic.entered(**DOCTOR)
    before = clinic.account(ADA).id
    assert clinic.admin().call("DELETE", f"/doctors/{ADA}").status_code == 200
    assert clinic.enter(groups=[]).get_json()["code"] == "account_not_approved"
    assert clinic.account(ADA).id != before
    chosen = {"accounts": [clinic.account(ADA).id], "reason": "unknown_person"}
    assert clinic.admin().call("POST", "/accounts/refusals", json=chosen).status_code == 200
    assert clinic.enter(groups=[]).get_json()["code"] == "account_refused"
