from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth import guess_limits
from skinapi.accounts.auth.guess_limits import FIRST_LOGINS, WINDOW
from skinapi.accounts.auth.passwords import Passwords
from skinapi.platform.storage.ids import now
from tests.conftest import backend_on
from tests.served.wire import at_once
from tests.support.backends import PASSWORD, Backend, Person, put_in
from tests.support.size import size

EMAIL = "ada@example.org"
MOST = 5
ASKED = size(15, 50)
REAL = pytest.mark.parametrize("guessed", ["sqlite", "mongod"], indirect=True)


@pytest.fixture(params=["sqlite"])
def guessed(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    monkeypatch.setattr(guess_limits, "GUESSES_PER_HOUR", MOST)
    for backend in backend_on(request, tmp_path):
        backend.member(EMAIL)
        yield backend


def log_in(
    backend: Backend, password: str, address: str = "192.0.2.1", email: str = EMAIL
) -> TestResponse:
    return backend.app.test_client().post(
        "/login",
        json={"email": email, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def statuses(backend: Backend, addresses: list[str], email: str = EMAIL) -> list[int]:
    return [log_in(backend, "wrong", address, email).status_code for address in addresses]


STRANGERS = [f"192.0.2.{number}" for number in range(10, 20)]


def test_many_addresses_together_get_no_more_guesses_than_one(guessed: Backend) -> None:
    assert statuses(guessed, STRANGERS) == [401] * MOST + [429] * MOST
    answer = log_in(guessed, PASSWORD, "192.0.2.99")
    assert (answer.status_code, answer.get_json()["code"]) == (429, "too_many_guesses")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    (row,) = [row for row in guessed.audit() if row["action"] == "account.guessing"]
    assert row["target"] == guessed.account(EMAIL).id


def test_the_owner_can_log_in_from_a_known_address(guessed: Backend) -> None:
    assert log_in(guessed, PASSWORD, "198.51.100.7").status_code == 200
    statuses(guessed, STRANGERS)
    assert log_in(guessed, PASSWORD, "198.51.100.7").status_code == 200
    assert log_in(guessed, PASSWORD, "198.51.100.8").status_code == 429


THIEF = "203.0.113.66"


def is_known(backend: Backend, address: str) -> bool:
    statuses(backend, STRANGERS)
    return log_in(backend, "wrong", address).status_code == 401


def test_a_suspension_forgets_the_known_addresses(guessed: Backend) -> None:
    assert log_in(guessed, PASSWORD, THIEF).status_code == 200
    guessed.admin().call_ok("PATCH", f"/users/{EMAIL}/suspend")
    assert not is_known(guessed, THIEF)


def test_changing_the_password_keeps_only_the_current_address(guessed: Backend) -> None:
    for address in (THIEF, "198.51.100.7"):
        assert log_in(guessed, PASSWORD, address).status_code == 200
    changed = guessed.app.test_client().post(
        "/password",
        json={"email": EMAIL, "current_password": PASSWORD, "new_password": "another horse"},
        environ_overrides={"REMOTE_ADDR": "198.51.100.7"},
    )
    assert changed.status_code == 200
    assert is_known(guessed, "198.51.100.7")
    assert not is_known(guessed, THIEF)


def test_a_known_address_has_a_limit_of_its_own(guessed: Backend) -> None:
    for address in ("198.51.100.7", "198.51.100.8"):
        assert log_in(guessed, PASSWORD, address).status_code == 200
    assert statuses(guessed, ["198.51.100.7"] * (MOST + 1)) == [401] * MOST + [429]
    assert log_in(guessed, PASSWORD, "198.51.100.8").status_code == 200


def test_an_hour_later_the_budget_is_full_again(guessed: Backend) -> None:
    statuses(guessed, STRANGERS)
    budgets = guessed.services.store.collection("guesses")
    for row in budgets.find():
        assert row["expires_at"] - row["created_at"] <= WINDOW + timedelta(seconds=1)
        budgets.update({"id": row["id"]}, {"$set": {"expires_at": now() - timedelta(seconds=1)}})
    assert log_in(guessed, PASSWORD).status_code == 200


def test_an_unknown_account_has_the_same_guess_limit(guessed: Backend) -> None:
    known = statuses(guessed, STRANGERS)
    for email in ("nobody@example.org", "no address", "\0"):
        assert statuses(guessed, STRANGERS, email) == known


def test_one_ipv6_network_counts_as_one_address(guessed: Backend) -> None:
    assert log_in(guessed, PASSWORD, "2001:db8::1").status_code == 200
    statuses(guessed, STRANGERS)
    assert log_in(guessed, PASSWORD, "2001:db8::ffff").status_code == 200
    assert log_in(guessed, PASSWORD, "2001:db8:0:1::1").status_code == 429


def test_the_current_password_cannot_be_guessed_with_a_stolen_token(guessed: Backend) -> None:
    thief = Person(guessed.client, guessed.token_of(guessed.account(EMAIL)))
    passwords = {"current_password": "wrong", "new_password": "another horse"}
    found = [thief.call("PUT", "/me/password", json=passwords) for _ in range(MOST + 2)]
    assert [answer.status_code for answer in found] == [403] * MOST + [429] * 2
    assert found[0].get_json()["code"] == "wrong_password"  # not that of a role that may not do it


@REAL
def test_concurrent_guesses_do_not_exceed_the_limit(guessed: Backend) -> None:
    auth, passwords = guessed.services.auth, Passwords(places=600)  # so that all are looked at
    for part in (auth, auth.authentication):
        put_in(part, passwords=passwords)
    calls = [partial(log_in, guessed, "wrong", f"203.0.113.{number}") for number in range(ASKED)]
    found = Counter(answer.status_code for answer in at_once(calls))
    assert found == {401: MOST, 429: ASKED - MOST}


def test_nothing_stored_holds_an_address_or_an_e_mail(guessed: Backend) -> None:
    log_in(guessed, PASSWORD, "198.51.100.7")
    statuses(guessed, STRANGERS)
    kept = {name: rows for name, rows in guessed.stored(but=()).items() if name != "accounts"}
    assert {"guesses", "known_addresses"} <= kept.keys()
    for hidden in ("192.0.2", "198.51", EMAIL):
        assert hidden not in str(kept)


def test_a_stranger_cannot_block_a_first_login(guessed: Backend) -> None:
    """Sixty guesses an hour once kept a new doctor out until the initial password had expired."""
    admin = guessed.admin()
    doctor = {"name": "Dr. New", "email": "new@clinic.example", "password": "defaultPass123"}
    assert admin.call("POST", "/doctors", json=doctor).status_code == 201
    assert statuses(guessed, STRANGERS, doctor["email"]) == [401] * MOST + [429] * MOST
    first = log_in(guessed, doctor["password"], "198.51.100.7", doctor["email"])
    assert (first.status_code, first.get_json()["code"]) == (403, "password_change_required")


def test_past_the_strangers_guesses_an_address_has_few_tries_at_an_initial_password(
    guessed: Backend,
) -> None:
    guessed.edit(EMAIL, initial_password_expires_at=now() + timedelta(days=1))
    statuses(guessed, STRANGERS)
    tried = [log_in(guessed, "wrong", THIEF).status_code for _ in range(FIRST_LOGINS)]
    assert tried == [429] * FIRST_LOGINS  # as of an account without an initial password
    assert log_in(guessed, PASSWORD, THIEF).status_code == 429
    assert log_in(guessed, PASSWORD, "198.51.100.7").status_code == 403
