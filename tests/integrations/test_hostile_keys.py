"""Keys that open nothing: each gets a sentence, and nothing is stored."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from skinapi.platform.storage.ids import now
from tests.integrations.test_keys import made, refused
from tests.support.backends import PASSWORD, Backend, Person

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
    away = browser.call("GET", "/submissions", environ_overrides={"REMOTE_ADDR": ELSEWHERE})
    assert away.status_code == 200


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
        assert program.call("GET", "/datasets").status_code == 403
    assert program.call("GET", "/submissions").status_code == 200


def test_what_the_proxy_asks_first_does_not_count_against_its_quota(backend: Backend) -> None:
    program, _ = made(backend.member(), scopes=["dicom"], quota=1)
    for _ in range(3):
        assert program.call("GET", "/dicom/admission").status_code == 200
    assert program.call("GET", "/dicom/studies").status_code == 200
    assert program.call("GET", "/dicom/studies").status_code == 429


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


def test_another_persons_key_is_not_there(shared_backend: Backend) -> None:
    ada, eve = shared_backend.member(), shared_backend.member(role="admin")
    _, shown = made(ada)
    for key in (shown["_id"], "0" * 32, "x"):
        assert refused(eve.call("DELETE", f"/keys/{key}")) == (404, "not_found")
    assert len(ada.call("GET", "/keys").get_json()) == 1


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
    backend.services.admin.delete_user(email=ada.email, by="-")
    assert refused(browser.call("GET", "/submissions")) == (401, "invalid_key")
