"""A password check costs the same for every account, and old hashes are renewed."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from skinapi.accounts.auth import guess_limits
from skinapi.accounts.auth.guess_limits import FIRST_LOGINS
from skinapi.accounts.auth.passwords import HASHER, Passwords, _unmatched_hash, one_time_password
from tests.support.backends import CHEAP, PASSWORD, Backend, put_in


class Counting(PasswordHasher):
    """Counts the work, which a clock could not."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.work: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.work.append("verify")
        return super().verify(hash, password)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.work.append("hash")
        return super().hash(password, salt=salt)


@pytest.fixture
def counted(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Counting:
    hasher = Counting()
    passwords = Passwords(hasher)
    auth = backend.services.auth
    for part in (auth, auth.authentication):
        put_in(part, passwords=passwords)
    backend.member("ada@example.org", password_hash=hasher.hash(PASSWORD))
    hasher.work.clear()
    return hasher


def login(email: str, password: str) -> tuple[str, dict[str, str]]:
    return "/login", {"email": email, "password": password}


def replacement(email: str, password: str) -> tuple[str, dict[str, str]]:
    new = "another horse"
    return "/password", {"email": email, "current_password": password, "new_password": new}


both_routes = pytest.mark.parametrize("route", [login, replacement])
Ask = Callable[[str, str], tuple[str, dict[str, str]]]


@both_routes
def test_a_wrong_login_costs_one_check_whoever_it_names(
    backend: Backend, counted: Counting, route: Ask
) -> None:
    for email in ("ada@example.org", "nobody@example.org", "no address", "\0"):
        counted.work.clear()
        path, body = route(email, "wrong")
        answer = backend.client.post(path, json=body)
        assert (answer.status_code, answer.get_json()["error"]) == (401, "Invalid credentials")
        assert counted.work == ["verify"]


def test_a_login_and_a_replacement_cost_one_check_whatever_the_account_is(
    backend: Backend, counted: Counting
) -> None:
    for status, password in product(("waiting", "suspended", "deleting"), (PASSWORD, "wrong")):
        backend.edit("ada@example.org", status=status)
        before = backend.account("ada@example.org")
        counted.work.clear()
        answers = [
            backend.client.post(path, json=body)
            for path, body in (route("ada@example.org", password) for route in (login, replacement))
        ]
        told = [(answer.status_code, answer.get_json()["error"]) for answer in answers]
        assert told[0] == told[1]
        assert told[0][0] in (401, 403)
        assert counted.work == ["verify", "verify"]
        assert backend.account("ada@example.org") == before


@pytest.mark.parametrize("routes", [(login, login), (replacement, login)])
def test_a_refused_guess_costs_no_password_check(
    backend: Backend, counted: Counting, routes: tuple[Ask, Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the tries that an initial password could win are used up as well."""
    monkeypatch.setattr(guess_limits, "GUESSES_PER_HOUR", 1)
    first, then = routes
    for status in (401, *[429] * FIRST_LOGINS):
        path, body = first("ada@example.org", "wrong")
        assert backend.client.post(path, json=body).status_code == status
    counted.work.clear()
    path, body = then("ada@example.org", "wrong")
    assert backend.client.post(path, json=body).status_code == 429
    assert counted.work == []


@both_routes
def test_wrong_logins_answer_to_the_letter_alike(backend: Backend, route: Ask) -> None:
    backend.member("ada@example.org")
    backend.member("ben@example.org", status="waiting")
    backend.member("del@example.org", status="deleting")
    texts = set()
    for email in ("ada@example.org", "ben@example.org", "del@example.org", "no@example.org"):
        path, body = route(email, "wrong")
        headers = {"X-Request-ID": "0" * 32}
        texts.add(backend.client.post(path, json=body, headers=headers).text)
    assert len(texts) == 1


def test_registering_a_taken_e_mail_costs_no_hash(backend: Backend, counted: Counting) -> None:
    body = {"name": "A", "email": "ada@example.org", "password": PASSWORD}
    assert backend.client.post("/register", json=body).status_code == 409
    assert counted.work == []


class CostlyHashBackend(Backend):
    hasher = None


def test_a_hash_with_old_parameters_is_renewed_at_login(backend: Backend, tmp_path: Path) -> None:
    backend = CostlyHashBackend(tmp_path, backend.services.store)
    backend.member("ada@example.org", password_hash=CHEAP.hash(PASSWORD))
    backend.log_in("ada@example.org")
    renewed = backend.account("ada@example.org")
    assert not HASHER.check_needs_rehash(renewed.password_hash)
    assert renewed.token_version == 1
    backend.log_in("ada@example.org")
    assert backend.account("ada@example.org").password_hash == renewed.password_hash


def test_a_damaged_hash_is_a_wrong_password(backend: Backend) -> None:
    backend.member("ada@example.org", password_hash="not argon2 at all")
    answer = backend.client.post("/login", json={"email": "ada@example.org", "password": PASSWORD})
    assert answer.status_code == 401


def test_passwords_are_argon2id_and_salted() -> None:
    passwords = Passwords()
    first, second = passwords.hash(PASSWORD), passwords.hash(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second


def test_the_hash_of_no_account_has_the_form_and_the_cost_of_a_real_one() -> None:
    """Another form would be refused at once, which tells that there is no account."""
    unmatched = _unmatched_hash(HASHER)
    assert extract_parameters(unmatched) == extract_parameters(HASHER.hash(PASSWORD))
    with pytest.raises(VerifyMismatchError):
        HASHER.verify(unmatched, PASSWORD)


def test_any_script_makes_a_password(backend: Backend) -> None:
    body = {"name": "Åsa", "email": "asa@example.org", "password": "пароль-密码-🔑"}
    assert backend.client.post("/register", json=body).status_code == 201
    backend.edit("asa@example.org", status="approved")
    backend.log_in("asa@example.org", "пароль-密码-🔑")


def test_one_time_passwords_differ_and_hold_no_lookalikes() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert not set("".join(made)) & set("IOl01")
