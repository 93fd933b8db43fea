from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth import sessions
from skinapi.platform.storage.ids import new_id, now
from tests.served.wire import at_once
from tests.support.backends import PASSWORD, SECRET, Backend, Person
from tests.support.size import size

EMAIL = "ada@example.org"
PHONE = {"client": "Ada's phone", "refresh": True}
Keys = dict[str, Any]


def log_in(backend: Backend, email: str = EMAIL, password: str = PASSWORD) -> Keys:
    sent = {"email": email, "password": password, **PHONE}
    answer = backend.client.post("/login", json=sent)
    assert answer.status_code == 200, answer.text
    keys: Keys = answer.get_json()
    return keys


def refresh(backend: Backend, token: str) -> TestResponse:
    return backend.app.test_client().post("/auth/refresh", json={"refresh_token": token})


def refreshed(backend: Backend, keys: Keys) -> Keys:
    answer = refresh(backend, keys["refresh_token"])
    assert answer.status_code == 200, answer.text
    fresh: Keys = answer.get_json()
    return fresh


def opens(backend: Backend, keys: Keys) -> bool:
    return Person(backend.client, keys["access_token"]).call("GET", "/me").status_code == 200


def assert_dead(backend: Backend, keys: Keys) -> None:
    answer = refresh(backend, keys["refresh_token"])
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_refresh_token")
    assert not opens(backend, keys)


def test_a_client_that_asks_gets_a_short_token_and_a_refresh_token(backend: Backend) -> None:
    backend.member(EMAIL)
    keys = log_in(backend)
    claims = jwt.decode(keys["access_token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 900
    assert len(keys["refresh_token"]) > 80
    second = refreshed(backend, keys)
    assert second["refresh_token"] != keys["refresh_token"]
    assert second.keys() == {"access_token", "expires_at", "refresh_token"}
    assert opens(backend, keys)
    assert opens(backend, refreshed(backend, second))


def test_a_client_that_does_not_ask_gets_one_long_token(backend: Backend) -> None:
    backend.member(EMAIL)
    for more in ({}, {"refresh": False}, {"refresh": False, "client": "x", "device": 1}):
        sent = {"email": EMAIL, "password": PASSWORD, **more}
        body = backend.client.post("/login", json=sent).get_json()
        assert body.keys() == {"access_token", "role", "collection", "must_change_password"}
        claims = jwt.decode(body["access_token"], SECRET, algorithms=["HS256"])
        assert claims["exp"] - claims["iat"] == backend.settings.token_hours * 3600


def test_nothing_stored_can_be_used_as_a_token(backend: Backend) -> None:
    backend.member(EMAIL)
    keys = log_in(backend)
    kept = str(backend.stored())
    for part in (*keys["refresh_token"].split("."), keys["access_token"], "127.0.0.1"):
        assert part not in kept
    session = next(row for row in backend.stored()["sessions"] if row.get("family"))
    assert session["expires_at"] - session["created_at"] == timedelta(days=7)
    for kept_hash in ("family", "turn"):
        assert refresh(backend, f"{session[kept_hash]}.{session['turn']}").status_code == 401


def test_reusing_a_refresh_token_ends_the_session(backend: Backend) -> None:
    backend.member(EMAIL)
    other, first = log_in(backend), log_in(backend)
    second = refreshed(backend, first)
    assert refresh(backend, first["refresh_token"]).status_code == 401
    assert_dead(backend, second)
    assert opens(backend, refreshed(backend, other))
    (row,) = [row for row in backend.audit() if row["action"] == "session.reuse"]
    assert row["by"] == backend.account(EMAIL).id


def test_of_concurrent_refreshes_one_succeeds_and_the_session_ends(
    real_backend: Backend, report: Callable[[str], None]
) -> None:
    """Each further refresh is a reuse: the server cannot tell a thief from a hasty client."""
    rounds, clients = size(2, 100), size(20, 50)
    for number in range(rounds):
        real_backend.member(f"{number}@example.org")
        keys = log_in(real_backend, f"{number}@example.org")
        answers = at_once([partial(refresh, real_backend, keys["refresh_token"])] * clients)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: clients - 1}
        winner = next(answer for answer in answers if answer.status_code == 200)
        assert_dead(real_backend, winner.get_json())
    report(f"{rounds} times {clients} refreshes of one token: 1 won each, no family left")


def test_a_malformed_token_refreshes_nothing(shared_backend: Backend) -> None:
    for token in ("x", ".", "a.b", "\0", "\ud800.x", "é.ü", "x" * 200, "..", "$ne.$gt"):
        answer = shared_backend.client.post("/auth/refresh", json={"refresh_token": token})
        assert answer.status_code in (400, 401), answer.text


def test_a_session_ends_when_nobody_renews_it_and_at_its_last_day(backend: Backend) -> None:
    backend.member(EMAIL)
    idle, worn = log_in(backend), log_in(backend)
    first, second = backend.stored()["sessions"][1:]
    documents = backend.services.store.collection("sessions")
    past = now() - timedelta(seconds=1)
    documents.update({"id": first["id"]}, {"$set": {"expires_at": past}})
    assert_dead(backend, idle)
    soon = now() + timedelta(minutes=5)
    documents.update({"id": second["id"]}, {"$set": {"ends_at": soon}})
    worn = refreshed(backend, worn)
    (kept,) = documents.find({"id": second["id"]})
    assert kept["expires_at"] == soon
    claims = jwt.decode(worn["access_token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] == int(soon.timestamp())


ReminderKind = Callable[[Person, Person], TestResponse]
ENDS: dict[str, ReminderKind] = {
    "suspension": lambda admin, _: admin.call("PATCH", f"/users/{EMAIL}/suspend"),
    "deletion": lambda admin, _: admin.call("DELETE", f"/users/{EMAIL}"),
    "logout": lambda _, ada: ada.call("POST", "/auth/logout"),
    "revocation": lambda _, ada: ada.call("DELETE", f"/me/sessions/{current(ada)['_id']}"),
    "password": lambda _, ada: ada.call(
        "PUT", "/me/password", json={"current_password": PASSWORD, "new_password": "another horse"}
    ),
}


def current(person: Person) -> dict[str, Any]:
    (found,) = [item for item in person.pages("/me/sessions") if item["current"]]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("end", ENDS)
def test_every_token_of_a_session_dies_with(backend: Backend, end: str) -> None:
    backend.member(EMAIL)
    admin = backend.member(role="admin")
    first = log_in(backend)
    second = refreshed(backend, first)
    answer = ENDS[end](admin, Person(backend.client, second["access_token"]))
    assert answer.status_code == 200, answer.text
    assert_dead(backend, second)
    assert not opens(backend, first)
    if end == "suspension":
        admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
        assert_dead(backend, second)
    if end == "deletion":
        backend.member(EMAIL)
        assert_dead(backend, second)
        rows = backend.services.store.collection("sessions").find()
        assert {row["account"] for row in rows} <= {row["id"] for row in accounts_of(backend)}


def accounts_of(backend: Backend) -> list[dict[str, Any]]:
    return backend.services.store.collection("accounts").find()


def test_an_initial_password_that_expired_refreshes_nothing(backend: Backend) -> None:
    backend.member(EMAIL, role="doctor")
    keys = log_in(backend)
    past = now() - timedelta(seconds=1)
    backend.edit(EMAIL, initial_password_expires_at=past)
    answer = refresh(backend, keys["refresh_token"])
    assert (answer.status_code, answer.get_json()["code"]) == (403, "initial_password_expired")


def test_sessions_are_listed_and_ended_by_their_owner_alone(backend: Backend) -> None:
    backend.member(EMAIL)
    bob = backend.member()
    log_in(backend)
    sent = {"email": EMAIL, "password": PASSWORD}
    agent = {"User-Agent": "Firefox on Linux"}
    token = backend.client.post("/login", json=sent, headers=agent).get_json()["access_token"]
    ada = Person(backend.client, token)
    test, phone, browser = ada.pages("/me/sessions?limit=2")
    shown = [(item["client"], item["refreshes"], item["current"]) for item in (phone, browser)]
    assert shown == [("Ada's phone", True, False), ("Firefox on Linux", False, True)]
    assert phone.keys() == {
        "_id", "created_at", "last_used_at", "expires_at", "client", "refreshes", "current"
    }  # fmt: skip
    for nobodys in (phone["_id"], new_id(), "x", "%00", "a" * 500):
        assert bob.call("DELETE", f"/me/sessions/{nobodys}").status_code in (400, 404)
    assert ada.call("DELETE", f"/me/sessions/{phone['_id']}").status_code == 200
    assert ada.call("DELETE", f"/me/sessions/{phone['_id']}").status_code == 404
    assert ada.pages("/me/sessions") == [test, browser]


def test_the_oldest_of_too_many_sessions_makes_room(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 3)
    people = [backend.member(EMAIL), *(backend.log_in(EMAIL) for _ in range(3))]
    assert [person.call("GET", "/me").status_code for person in people] == [401, 200, 200, 200]
