import io
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.second_factor import hash_recovery_code
from skinapi.base.errors import AccountSuspended
from skinapi.integrations.keys.service import ReadingKeys, WantedKey
from skinapi.platform.storage.ids import now
from tests.care.clinic import patient_in_care
from tests.support.access import RECOVERY_CODE
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.photos import photo_of
from tests.support.reviews import signed_review

PHOTO = photo_of("melanoma")

OWN = {"current_password": PASSWORD}


def made(owner: Person, path: str = "/keys", **wanted: Any) -> tuple[Person, dict[str, Any]]:
    scopes = ["findings:read", "findings:write"]
    body = {"name": "my program", "scopes": scopes, "current_password": PASSWORD, **wanted}
    shown: dict[str, Any] = owner.call_ok("POST", path, json=body, status=201)
    return Person(owner.client, shown["secret"]), shown


def clinic_wide(backend: Backend, **wanted: Any) -> Person:
    return made(backend.member(role="admin"), "/admin/keys", **wanted)[0]


def sent(program: Person, **fields: str) -> TestResponse:
    return program.call("POST", "/predict", data={"image": (io.BytesIO(PHOTO), "a.jpg"), **fields})


def refused(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_the_secret_is_shown_once_and_not_stored(backend: Backend) -> None:
    ada = backend.member()
    program, shown = made(ada)
    assert program.token.startswith("sk_live_")
    assert shown["hint"] == program.token[-4:]
    assert program.token not in str(backend.stored())
    assert "secret" not in ada.call("GET", "/keys").get_json()[0]


def test_a_revoked_key_and_its_session_keys_open_nothing_at_once(backend: Backend) -> None:
    ada = backend.member()
    program, shown = made(ada, sessions=True)
    body = {"scope": "findings:read"}
    page = program.call("POST", "/keys/sessions", json=body).get_json()
    browser = Person(backend.client, page["secret"])
    assert browser.call("GET", "/submissions").status_code == 200
    assert ada.call("DELETE", f"/keys/{shown['_id']}").status_code == 200
    for caller in (program, browser):
        assert refused(caller.call("GET", "/submissions")) == (401, "invalid_key")
    (listed,) = ada.call("GET", "/keys").get_json()
    assert listed["revoked_at"]


def test_a_clinic_wide_key_sees_every_patient_and_files_for_them(backend: Backend) -> None:
    ada, program = backend.member(), clinic_wide(backend)
    patient = backend.account(ada.email).id
    number = sent(program, patient=patient).get_json()["id"]
    assert [item["id"] for item in ada.pages("/submissions")] == [number]
    seen = program.call("GET", f"/submissions/{number}").get_json()
    assert seen["patient_id"] == patient
    (filed,) = [row for row in backend.audit() if row["action"] == "submission.create"]
    assert filed["by"] != patient
    assert filed["owner"] == patient
    assert filed["by_key"]


def test_who_files_for_a_patient_need_not_tell_what_the_patient_told_once(
    backend: Backend,
) -> None:
    ada, program = backend.member(), clinic_wide(backend)
    patient, told = backend.account(ada.email).id, {"birth_year": now().year - 60, "sex": "female"}
    for years in (-1, 131):
        body = {**told, "birth_year": now().year - years}
        assert ada.call("PATCH", "/me", json=body).status_code == 400
    assert ada.call("PATCH", "/me", json=told).status_code == 200
    me = ada.call("GET", "/me").get_json()
    assert {name: me[name] for name in told} == told

    def facts_of(found: TestResponse) -> tuple[Any, ...]:
        context = found.get_json()["context"]
        return context.get("age"), context["age_band"], context["sex"]

    lower = (59, "45-59")
    assert facts_of(sent(program, patient=patient)) == (*lower, "female")
    assert facts_of(sent(program, patient=patient, sex="other")) == (*lower, "other")
    assert facts_of(sent(program, patient=patient, age_band="0-29")) == (None, "0-29", "female")
    assert facts_of(sent(ada)) == (None, None, None), "earlier clients of hers tell none"
    assert ada.call("PATCH", "/me", json=dict.fromkeys(told)).status_code == 200
    assert facts_of(sent(program, patient=patient)) == (None, None, None)
    assert told.keys().isdisjoint(ada.call("GET", "/me").get_json())


def test_a_clinic_wide_key_lists_every_patient_and_finding(backend: Backend) -> None:
    program, doctor = clinic_wide(backend), backend.member(role="doctor")
    ada = backend.member(name="Ada Example", doctor_id=backend.account(doctor.email).id)
    patients = [backend.account(item.email).id for item in (ada, backend.member(name="Bob"))]
    numbers = [sent(program, patient=patient).get_json()["id"] for patient in patients]
    signed_review(doctor, numbers[0], photo_wanted=True)
    for order in ("oldest", "newest"):
        listed = program.pages(f"/submissions?limit=1&order={order}")
        listed = listed if order == "oldest" else listed[::-1]
        assert [(item["id"], item["patient_id"]) for item in listed] == [
            *zip(numbers, patients, strict=True)
        ]
        assert [item["user_name"] for item in listed] == ["Ada Example", "Bob"]
    found = program.pages("/patients?limit=1")
    assert [record["_id"] for record in found] == patients
    kinds = [{item["kind"] for item in record["waiting"]} for record in found]
    assert [each & {"photo", "review"} for each in kinds] == [{"photo"}, {"review"}]
    assert refused(program.call("GET", "/patients?q=Ada")) == (400, "invalid_query")
    assert "patient_id" not in ada.pages("/submissions")[0]


def test_a_program_keeps_no_photo_that_its_patient_has_refused(backend: Backend) -> None:
    program = clinic_wide(backend, scopes=["findings:read", "findings:write"])
    ada = backend.member()
    patient = backend.account(ada.email).id
    kept = []
    for allowed in (None, False, True):
        if allowed is not None:
            ada.call("PUT", "/me/consents", json={"photos": allowed})
        number = sent(program, patient=patient, keep_photo="true").get_json()["id"]
        kept.append(ada.call("GET", f"/submissions/{number}/photo").status_code)
    assert kept == [200, 404, 200]
    ada.call("PUT", "/me/consents", json={"photos": False})
    own = sent(ada, keep_photo="true").get_json()["id"]
    assert ada.call("GET", f"/submissions/{own}/photo").status_code == 200


def test_only_a_clinic_wide_key_files_for_others(backend: Backend) -> None:
    ada = backend.account(backend.member().email).id
    for owner in (backend.member(), backend.member(role="admin")):
        program, _ = made(owner)
        assert sent(program, patient=ada).status_code == 404


def test_a_program_is_listed_nowhere_and_nobody_logs_in_as_it(backend: Backend) -> None:
    admin = backend.member(role="admin")
    made(admin, "/admin/keys", name="the archive", scopes=["lab", "findings:read"])
    names = {item["name"] for item in admin.call("GET", "/accounts").get_json()}
    assert "the archive" not in names
    (key,) = admin.call("GET", "/admin/keys").get_json()
    email = key["account_email"]
    link = admin.call("POST", f"/users/{email}/password-link")
    assert refused(link) == (409, "conflict")
    assert admin.call("PUT", f"/users/{email}/role", json={"role": "admin"}).status_code == 409


@pytest.mark.parametrize("filed", [False, True])
def test_a_programs_account_goes_with_its_key_unless_it_has_findings(
    backend: Backend, filed: bool
) -> None:
    admin = backend.member(role="admin")
    program, shown = made(admin, "/admin/keys")
    if filed:
        assert sent(program).status_code == 200
    assert admin.call("DELETE", f"/admin/keys/{shown['_id']}").status_code == 200
    assert refused(program.call("GET", "/submissions")) == (401, "invalid_key")
    left = [
        item for item in admin.call("GET", "/accounts").get_json() if item["name"] == shown["name"]
    ]
    assert [item["status"] for item in left] == (["suspended"] if filed else [])
    assert [row["action"] for row in backend.audit()].count("key.revoke") == 1


def test_a_session_key_is_its_patient_with_one_scope(backend: Backend) -> None:
    ada, program = backend.member(), clinic_wide(backend, sessions=True)
    patient = backend.account(ada.email).id
    body = {"scope": "findings:write", "patient": patient}
    answer = program.call("POST", "/keys/sessions", json=body)
    browser = Person(backend.client, answer.get_json()["secret"])
    number = sent(browser).get_json()["id"]
    assert [item["id"] for item in ada.pages("/submissions")] == [number]
    assert refused(browser.call("GET", "/submissions")) == (403, "key_lacks_scope")
    assert refused(browser.call("POST", "/keys/sessions", json=body)) == (403, "forbidden")


def test_uses_are_counted_without_a_write_for_each(backend: Backend) -> None:
    ada = backend.member()
    program, shown = made(ada)
    keys, totals = backend.services.store.collection("keys"), backend.services.data.totals
    totals.write_collected()  # as a server does, which collects from then on
    for _ in range(3):
        program.call("GET", "/submissions")
    assert keys.get(shown["_id"])["uses"] == 0  # type: ignore[index]
    totals.write_collected()
    (listed,) = ada.call("GET", "/keys").get_json()
    assert listed["uses"] == 3
    assert listed["used_at"]
    program.call("GET", "/submissions")
    keys.delete({"id": shown["_id"]})
    totals.write_collected()
    assert keys.get(shown["_id"]) is None, "a count makes no key"


def test_a_test_key_is_answered_in_the_shape_of_a_finding_and_stores_nothing(
    backend: Backend,
) -> None:
    ada = backend.member()
    live, _ = made(ada)
    number = sent(live).get_json()["id"]
    test, _ = made(ada, kind="test")
    assert test.token.startswith("sk_test_")
    before = backend.stored()
    answer, shown = sent(test, keep_photo="true"), sent(live).get_json()
    assert answer.status_code == 200, answer.text
    assert answer.get_json().keys() == shown.keys()
    assert answer.get_json()["id"] == 0
    after = backend.stored()
    assert len(after["submissions"]) == len(before["submissions"]) + 1  # the live one
    assert test.pages("/submissions") == []
    assert test.call("GET", f"/submissions/{number}").status_code == 404


def test_test_keys_are_counted_against_the_limits_of_who_made_them(tmp_path: Path) -> None:
    backend = Backend(tmp_path, rate_predictions="2/day", rate_write="20/minute")
    ada, bob = backend.member(), backend.member()
    keys = [made(ada, kind="test")[0] for _ in range(3)]
    answers = [sent(item) for item in (*keys, ada)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert sent(made(bob, kind="test")[0]).status_code == 200
    writes = [key.call("POST", "/predict", data={}).status_code for key in keys * 7]
    assert {*writes} == {400, 429}
    backend.services.store.close()


def test_nothing_but_a_finding_is_rehearsed_with_a_test_key(backend: Backend) -> None:
    admin = backend.member(role="admin")
    test, _ = made(admin, kind="test")
    body = {"system": "urn:oid:2.999", "value": "1"}
    assert refused(test.call("POST", "/patients/external", json=body)) == (403, "test_key")
    for wanted in ({"scopes": ["lab"]}, {"scopes": ["audit:read"]}, {"sessions": True}):
        sent_body = {"name": "x", "kind": "test", "scopes": ["findings:read"], **OWN, **wanted}
        assert admin.call("POST", "/keys", json=sent_body).status_code == 422
        clinic = admin.call("POST", "/admin/keys", json={**sent_body, "sessions": False})
        assert clinic.status_code == 422


def test_only_a_program_that_reads_every_patient_shows_findings_to_them(backend: Backend) -> None:
    admin = backend.member(role="admin")
    wanted = {"name": "x", "shows_patients_of": [" urn:oid:2.999.1 "], **OWN}
    own = admin.call("POST", "/keys", json={**wanted, "scopes": ["findings:read"]})
    assert own.status_code == 422
    for scope in ("findings:write", "lab"):
        unread = admin.call("POST", "/admin/keys", json={**wanted, "scopes": [scope]})
        assert (unread.status_code, "findings:read" in unread.get_json()["detail"]) == (422, True)
    made(admin, "/admin/keys")
    program, shown = made(
        admin, "/admin/keys", scopes=["fhir"], shows_patients_of=["urn:oid:2.999.1"]
    )
    assert shown["shows_patients_of"] == ["urn:oid:2.999.1"]
    assert program.call("GET", "/keys/current").get_json()["shows_patients_of"]
    listed = admin.call("GET", "/admin/keys").get_json()
    assert [key["shows_patients_of"] for key in listed] == [[], ["urn:oid:2.999.1"]]
    assert ["shows_patients_of" in key for key in backend.stored()["keys"]] == [False, True]


def test_the_session_key_of_a_doctor_sees_no_patient(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = sent(made(ada)[0]).get_json()["id"]
    program, _ = made(doctor, sessions=True)
    assert program.call("GET", f"/submissions/{number}").status_code == 200
    secret = program.call("POST", "/keys/sessions", json={"scope": "findings:read"}).get_json()
    browser = Person(backend.client, secret["secret"])
    assert browser.call("GET", "/submissions").get_json() == []
    assert browser.call("GET", f"/submissions/{number}").status_code == 404
    assert refused(browser.call("GET", "/patients")) == (403, "forbidden")


def test_who_has_stolen_a_session_makes_no_key(backend: Backend) -> None:
    admin = backend.member(role="admin")
    body = {"name": "mine", "scopes": ["findings:read"]}
    for path in ("/keys", "/admin/keys"):
        assert refused(admin.call("POST", path, json=body)) == (400, "invalid_body")
        wrong = {**body, "current_password": "not this one"}
        assert refused(admin.call("POST", path, json=wrong)) == (403, "wrong_password")
    factor = {"salt": "", "confirmed": True, "recovery": [hash_recovery_code(RECOVERY_CODE)]}
    backend.edit(admin.email, second_factor=factor)
    account = backend.account(admin.email)
    sessions = backend.services.store.collection("sessions")
    sessions.update_all({"account": account.id}, {"$set": {"factor_given": True}})
    assert refused(admin.call("POST", "/keys", json={**body, **OWN})) == (403, "code_required")
    assert admin.call("GET", "/admin/keys").get_json() == []
    given = {**body, **OWN, "code": RECOVERY_CODE}
    assert admin.call("POST", "/keys", json=given).status_code == 201


HERE, ELSEWHERE = "192.0.2.7", "198.51.100.1"


NO_KEYS = (
    *("sk_", "sk_live_", "sk_live_short", "sk_root_" + "a" * 43, "sk_live_" + "a" * 43),
    *("sk_test_" + "-" * 43, "sk_session_" + "_" * 43, "sk_live_" + "a" * 10_000),
    *("sk_live_" + "$" * 43, "sk_live_" + "a" * 42 + "\x00", "SK_LIVE_" + "a" * 43),
    *("sk_live_" + "a" * 43 + " sk_live_" + "b" * 43, "sk_live_" + "é" * 43),
)


def test_what_is_no_key_opens_nothing(shared_backend: Backend) -> None:
    program, _ = made(shared_backend.member())
    others = (program.token.replace("live", kind) for kind in ("test", "session"))
    before = shared_backend.stored()
    for secret in (*NO_KEYS, *others):
        headers = {"Authorization": f"Bearer {secret}".encode().decode("latin-1")}
        answer = shared_backend.client.get("/submissions", headers=headers)
        assert answer.status_code == 401, secret
        assert answer.get_json()["code"] in ("invalid_key", "invalid_token")
        assert len(answer.get_json()["detail"]) < 100
    assert shared_backend.stored() == before


def test_an_expired_key_opens_nothing(backend: Backend) -> None:
    program, shown = made(backend.member(), days=1)
    assert program.call("GET", "/submissions").status_code == 200
    keys = backend.services.store.collection("keys")
    past = {"ends_at": now() - timedelta(seconds=1)}
    assert keys.update({"id": shown["_id"]}, {"$set": past})
    assert refused(program.call("GET", "/submissions")) == (401, "key_expired")


@pytest.mark.parametrize(
    ("addresses", "caller", "opens"),
    [
        ([HERE], HERE, True),
        ([HERE], ELSEWHERE, False),
        (["192.0.2.0/24"], HERE, True),
        (["192.0.2.9/24"], HERE, True),  # the network of this address
        (["198.51.100.0/24", "2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        ([HERE], f"::ffff:{HERE}", True),
        ([HERE], "no address", False),
        ([HERE], "", False),
    ],
)
def test_a_key_opens_from_its_addresses_alone(
    shared_backend: Backend, addresses: list[str], caller: str, opens: bool
) -> None:
    program, _ = made(shared_backend.member(), addresses=addresses)
    answer = program.call("GET", "/submissions", environ_overrides={"REMOTE_ADDR": caller})
    if opens:
        assert answer.status_code == 200
    else:
        assert refused(answer) == (403, "key_from_elsewhere")


def test_a_session_key_is_not_bound_to_the_addresses_of_its_server(shared_backend: Backend) -> None:
    program, _ = made(shared_backend.member(), addresses=["127.0.0.0/8"], sessions=True)
    body = {"scope": "findings:read"}
    browser = Person(
        shared_backend.client,
        program.call("POST", "/keys/sessions", json=body).get_json()["secret"],
    )
    browser.call_ok("GET", "/submissions", environ_overrides={"REMOTE_ADDR": ELSEWHERE})


def test_past_its_quota_a_key_waits_and_others_do_not(backend: Backend) -> None:
    ada = backend.member()
    program, _ = made(ada, quota=2, sessions=True)
    other, _ = made(ada)
    session = program.call("POST", "/keys/sessions", json={"scope": "findings:read"}).get_json()
    browser = Person(backend.client, session["secret"])
    assert browser.call("GET", "/submissions").status_code == 200
    answer = browser.call("GET", "/submissions")
    assert refused(answer) == (429, "too_many_requests")
    assert "Daily limit of this key reached (2)" in answer.get_json()["detail"]
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600
    assert refused(program.call("GET", "/submissions"))[0] == 429
    assert other.call("GET", "/submissions").status_code == 200
    assert ada.call("GET", "/submissions").status_code == 200


def test_what_a_key_is_refused_does_not_count_against_its_quota(backend: Backend) -> None:
    program, _ = made(backend.member(), quota=1)
    for _ in range(3):
        assert program.call("GET", "/models").status_code == 403
    assert program.call("GET", "/submissions").status_code == 200


WRONG: tuple[tuple[str, Any], ...] = (
    *(("scopes", []), ("scopes", ["findings:delete"]), ("scopes", "findings:read")),
    *(("name", ""), ("name", " "), ("name", "x" * 101), ("name", "a\x00b")),
    *(("days", 0), ("days", 100_000), ("days", "30"), ("quota", 0), ("quota", 10**12)),
    *(("addresses", ["nowhere"]), ("addresses", ["192.0.2.7/99"])),
    *(("addresses", ["192.0.2.7"] * 21), ("addresses", ["1" * 10_000])),
    *(("kind", "session"), ("clinic_wide", True), ("account", "0" * 32)),
)


def test_what_is_no_key_to_make_is_refused_with_a_sentence(shared_backend: Backend) -> None:
    admin = shared_backend.member(role="admin")
    good = {"name": "x", "scopes": ["findings:read"], "current_password": PASSWORD}
    for path, (name, value) in product(("/keys", "/admin/keys"), WRONG):
        answer = admin.call("POST", path, json={**good, name: value})
        assert (answer.status_code, name in answer.get_json()["detail"]) == (400, True), value
    assert admin.call("GET", "/keys").get_json() == []


def test_a_key_is_not_made_by_a_retry_of_a_request(shared_backend: Backend) -> None:
    ada = shared_backend.member()
    body = {"name": "x", "scopes": ["findings:read"], "current_password": PASSWORD}
    answer = ada.call("POST", "/keys", json=body, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.get_json()["detail"]


def test_a_session_key_for_nobody_is_refused(backend: Backend) -> None:
    admin = backend.member(role="admin")
    program, _ = made(admin, "/admin/keys", sessions=True)
    body = {"scope": "findings:read"}
    assert program.call("POST", "/keys/sessions", json=body).status_code == 422
    doctor = backend.account(backend.member(role="doctor").email).id
    for patient in ("0" * 32, doctor):
        wanted = {**body, "patient": patient}
        assert program.call("POST", "/keys/sessions", json=wanted).status_code == 404
    without, _ = made(admin, "/admin/keys")
    wanted = {**body, "patient": backend.account(backend.member().email).id}
    answer = without.call("POST", "/keys/sessions", json=wanted)
    assert refused(answer) == (403, "makes_no_sessions")


def test_a_session_key_ends_with_the_account_of_its_patient(backend: Backend) -> None:
    admin, ada = backend.member(role="admin"), backend.member()
    program, _ = made(admin, "/admin/keys", sessions=True)
    body = {"scope": "findings:read", "patient": backend.account(ada.email).id}
    secret = program.call("POST", "/keys/sessions", json=body).get_json()["secret"]
    browser = Person(backend.client, secret)
    backend.services.admin.suspend_account(email=ada.email, by="-")
    assert refused(browser.call("GET", "/submissions")) == (403, "account_suspended")
    backend.services.admin.close_account(of_doctor=False, email=ada.email, by="-")
    assert refused(browser.call("GET", "/submissions")) == (401, "invalid_key")


def test_no_key_reads_by_the_scope_of_an_area_that_is_off(tmp_path: Path) -> None:
    backend = Backend(tmp_path, areas="none")
    assert backend.services.get(ReadingKeys).scopes == {"findings:read"}


def test_who_is_closed_while_a_key_is_made_gets_none(backend: Backend) -> None:
    """The key would open the account once that is open again."""
    account = backend.account(backend.member().email)
    by, wanted = Subject(account.id, "user", "-", account), WantedKey(name="App", scopes=["lab"])
    backend.edit(account.email, status="closed", erase_at=now())
    with pytest.raises(AccountSuspended):
        backend.services.keys.make_own_proven(wanted=wanted, by=by)
    assert backend.stored()["keys"] == []
