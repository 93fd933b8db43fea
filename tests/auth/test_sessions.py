"""Short access and rotating refresh for clients that ask, a working day for those that do not."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from skinapi.auth import sessions
from skinapi.storage.ids import new_id, now
from tests.houses import PASSWORD, SECRET, House, Person
from tests.served.wire import at_once
from tests.size import size

REAL = pytest.mark.parametrize("any_house", ["sqlite", "mongod"], indirect=True)
EMAIL = "ada@example.org"
PHONE = {"client": "Ada's phone", "refresh": True}
Keys = dict[str, Any]


def log_in(house: House, email: str = EMAIL, password: str = PASSWORD) -> Keys:
    """As a client that refreshes."""
    sent = {"email": email, "password": password, **PHONE}
    answer = house.client.post("/login", json=sent)
    assert answer.status_code == 200, answer.text
    keys: Keys = answer.get_json()
    return keys


def refresh(house: House, token: str) -> TestResponse:
    return house.app.test_client().post("/auth/refresh", json={"refresh_token": token})


def refreshed(house: House, keys: Keys) -> Keys:
    answer = refresh(house, keys["refresh_token"])
    assert answer.status_code == 200, answer.text
    fresh: Keys = answer.get_json()
    return fresh


def opens(house: House, keys: Keys) -> bool:
    return Person(house.client, keys["access_token"]).call("GET", "/me").status_code == 200


def assert_dead(house: House, keys: Keys) -> None:
    answer = refresh(house, keys["refresh_token"])
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_refresh_token")
    assert not opens(house, keys)


def test_who_asks_gets_a_short_token_and_one_to_renew_it_with(any_house: House) -> None:
    any_house.member(EMAIL)
    keys = log_in(any_house)
    claims = jwt.decode(keys["access_token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 900
    assert len(keys["refresh_token"]) > 80
    second = refreshed(any_house, keys)
    assert second["refresh_token"] != keys["refresh_token"]
    assert second.keys() == {"access_token", "expires_at", "refresh_token"}
    assert opens(any_house, keys)
    assert opens(any_house, refreshed(any_house, second))


def test_who_does_not_ask_sees_no_change(house: House) -> None:
    house.member(EMAIL)
    for more in ({}, {"refresh": False}, {"refresh": False, "client": "x", "device": 1}):
        sent = {"email": EMAIL, "password": PASSWORD, **more}
        body = house.client.post("/login", json=sent).get_json()
        assert body.keys() == {"access_token", "role", "collection", "must_change_password"}
        claims = jwt.decode(body["access_token"], SECRET, algorithms=["HS256"])
        assert claims["exp"] - claims["iat"] == house.settings.token_hours * 3600


@pytest.mark.parametrize("more", [{}, PHONE])
def test_a_token_lives_as_long_as_promised_though_the_clock_runs_on(
    house: House, monkeypatch: pytest.MonkeyPatch, more: Keys
) -> None:
    house.member(EMAIL)
    login = now() - timedelta(seconds=30)
    monkeypatch.setattr(sessions, "now", lambda: login)
    body = house.client.post(
        "/login", json={"email": EMAIL, "password": PASSWORD, **more}
    ).get_json()
    claims = jwt.decode(body["access_token"], SECRET, algorithms=["HS256"])
    assert claims["iat"] == int(login.timestamp())
    assert claims["exp"] - claims["iat"] == (900 if more else house.settings.token_hours * 3600)


def test_who_registers_or_changes_the_password_may_ask_too(any_house: House) -> None:
    sent = {"name": "Ada", "email": EMAIL, "password": PASSWORD, **PHONE}
    keys = any_house.client.post("/register", json=sent).get_json()
    assert opens(any_house, refreshed(any_house, keys))
    any_house.edit(EMAIL, status="approved")
    old = log_in(any_house)
    passwords = {"current_password": PASSWORD, "new_password": "another horse", **PHONE}
    ada = Person(any_house.client, old["access_token"])
    changed = ada.call("PUT", "/me/password", json=passwords).get_json()
    assert opens(any_house, refreshed(any_house, changed))
    assert_dead(any_house, old)


def test_nothing_that_is_kept_opens_anything(any_house: House) -> None:
    any_house.member(EMAIL)
    keys = log_in(any_house)
    kept = str(any_house.stored())
    for part in (*keys["refresh_token"].split("."), keys["access_token"], "127.0.0.1"):
        assert part not in kept
    session = next(row for row in any_house.stored()["sessions"] if row.get("family"))
    assert session["expires_at"] - session["created_at"] == timedelta(days=7)
    for kept_hash in ("family", "turn"):
        assert refresh(any_house, f"{session[kept_hash]}.{session['turn']}").status_code == 401


def test_showing_a_spent_token_ends_the_session(any_house: House) -> None:
    any_house.member(EMAIL)
    other, first = log_in(any_house), log_in(any_house)
    second = refreshed(any_house, first)
    assert refresh(any_house, first["refresh_token"]).status_code == 401
    assert_dead(any_house, second)
    assert opens(any_house, refreshed(any_house, other))
    (row,) = [row for row in any_house.audit() if row["action"] == "session.reuse"]
    assert row["by"] == any_house.account(EMAIL).id


@REAL
def test_of_fifty_refreshes_at_once_one_wins_and_the_family_dies(
    any_house: House, report: Callable[[str], None]
) -> None:
    """The other forty-nine are the first reuse: nobody can tell a thief from a hasty client."""
    rounds = size(3, 100)
    for number in range(rounds):
        any_house.member(f"{number}@example.org")
        keys = log_in(any_house, f"{number}@example.org")
        answers = at_once([partial(refresh, any_house, keys["refresh_token"])] * 50)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 49}
        winner = next(answer for answer in answers if answer.status_code == 200)
        assert_dead(any_house, winner.get_json())
    report(f"{rounds} times 50 refreshes of one token: 1 won, 49 refused, no family left")


@pytest.mark.parametrize(
    "token", ["x", ".", "a.b", "\0", "\ud800.x", "é.ü", "x" * 200, "..", "null", "$ne.$gt"]
)
def test_a_token_that_is_none_refreshes_nothing(shared_house: House, token: str) -> None:
    answer = shared_house.client.post("/auth/refresh", json={"refresh_token": token})
    assert answer.status_code in (400, 401), answer.text


def test_half_a_token_harms_nobody(any_house: House) -> None:
    any_house.member(EMAIL)
    keys = log_in(any_house)
    family, _, turn = keys["refresh_token"].partition(".")
    session = any_house.stored()["sessions"][0]["id"]
    for wrong in (f"x.{turn}", f".{turn}", turn, f"{session}.{turn}", f"{turn}.{family}"):
        assert refresh(any_house, wrong).status_code == 401
    assert opens(any_house, refreshed(any_house, keys))


def test_a_session_ends_when_nobody_renews_it_and_at_its_last_day(any_house: House) -> None:
    any_house.member(EMAIL)
    idle, worn = log_in(any_house), log_in(any_house)
    first, second = any_house.stored()["sessions"][1:]
    documents = any_house.rooms.store.collection("sessions")
    past = now() - timedelta(seconds=1)
    documents.update({"id": first["id"]}, {"$set": {"expires_at": past}})
    assert_dead(any_house, idle)
    soon = now() + timedelta(minutes=5)
    documents.update({"id": second["id"]}, {"$set": {"ends_at": soon}})
    worn = refreshed(any_house, worn)
    (kept,) = documents.find({"id": second["id"]})
    assert kept["expires_at"] == soon
    claims = jwt.decode(worn["access_token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] == int(soon.timestamp())


Act = Callable[[Person, Person], TestResponse]
ENDS: dict[str, Act] = {
    "suspension": lambda admin, _: admin.call("PATCH", f"/users/{EMAIL}/suspend"),
    "reset": lambda admin, _: admin.call("POST", f"/users/{EMAIL}/reset-password"),
    "deletion": lambda admin, _: admin.call("DELETE", f"/users/{EMAIL}"),
    "logout": lambda _, ada: ada.call("POST", "/auth/logout"),
    "revocation": lambda _, ada: ada.call("DELETE", f"/me/sessions/{current(ada)['_id']}"),
    "password": lambda _, ada: ada.call(
        "PUT", "/me/password", json={"current_password": PASSWORD, "new_password": "another horse"}
    ),
}


def current(person: Person) -> dict[str, Any]:
    (found,) = [one for one in person.pages("/me/sessions") if one["current"]]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("end", ENDS)
def test_every_token_of_a_session_dies_with(any_house: House, end: str) -> None:
    any_house.member(EMAIL)
    admin = any_house.member(role="admin")
    first = log_in(any_house)
    second = refreshed(any_house, first)
    answer = ENDS[end](admin, Person(any_house.client, second["access_token"]))
    assert answer.status_code == 200, answer.text
    assert_dead(any_house, second)
    assert not opens(any_house, first)
    if end == "suspension":
        admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
        assert_dead(any_house, second)
    if end == "deletion":
        any_house.member(EMAIL)
        assert_dead(any_house, second)
        rows = any_house.rooms.store.collection("sessions").find()
        assert {row["account"] for row in rows} <= {row["id"] for row in accounts_of(any_house)}


def accounts_of(house: House) -> list[dict[str, Any]]:
    return house.rooms.store.collection("accounts").find()


def test_demotion_is_seen_by_the_next_token(any_house: House) -> None:
    any_house.member(role="admin")
    any_house.member(EMAIL, role="admin")
    keys = log_in(any_house)
    any_house.rooms.admin.set_role(email=EMAIL, role="user", by="system")
    fresh = Person(any_house.client, refreshed(any_house, keys)["access_token"])
    assert fresh.call("GET", "/users").status_code == 403


def test_an_initial_password_that_expired_refreshes_nothing(house: House) -> None:
    house.member(EMAIL, role="doctor")
    keys = log_in(house)
    past = now() - timedelta(seconds=1)
    house.edit(EMAIL, must_change=True, initial_password_expires_at=past)
    answer = refresh(house, keys["refresh_token"])
    assert (answer.status_code, answer.get_json()["code"]) == (403, "initial_password_expired")


def test_ones_sessions_are_listed_and_ended_by_oneself_alone(any_house: House) -> None:
    any_house.member(EMAIL)
    bob = any_house.member()
    log_in(any_house)
    sent = {"email": EMAIL, "password": PASSWORD}
    agent = {"User-Agent": "Firefox on Linux"}
    token = any_house.client.post("/login", json=sent, headers=agent).get_json()["access_token"]
    ada = Person(any_house.client, token)
    test, phone, browser = ada.pages("/me/sessions?limit=2")
    shown = [(one["client"], one["refreshes"], one["current"]) for one in (phone, browser)]
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
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    people = [house.member(EMAIL), *(house.log_in(EMAIL) for _ in range(3))]
    assert [one.call("GET", "/me").status_code for one in people] == [401, 200, 200, 200]
