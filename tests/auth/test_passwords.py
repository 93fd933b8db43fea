"""Passwords cost the same whoever is asked about, and are kept at today's cost."""

from typing import Literal

import pytest
from argon2 import PasswordHasher

from skinapi.auth.passwords import HASHER, Passwords, one_time_password
from tests.houses import PASSWORD, House

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


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
def counted(house: House, monkeypatch: pytest.MonkeyPatch) -> Counting:
    hasher = Counting()
    passwords = Passwords(hasher)
    monkeypatch.setattr(house.rooms.auth, "_passwords", passwords)
    house.member("ada@example.org", password_hash=hasher.hash(PASSWORD))
    hasher.work.clear()
    return hasher


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "no address", "\0"])
def test_a_wrong_login_costs_one_check_whoever_it_names(
    house: House, counted: Counting, email: str
) -> None:
    answer = house.client.post("/login", json={"email": email, "password": "wrong"})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "Invalid credentials")
    assert counted.work == ["verify"]


@pytest.mark.parametrize("status", ["approved", "waiting", "suspended", "deleting"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_login_costs_one_check_whatever_the_account_is(
    house: House, counted: Counting, status: str, password: str
) -> None:
    house.edit("ada@example.org", status=status)
    answer = house.client.post("/login", json={"email": "ada@example.org", "password": password})
    assert (answer.status_code == 200) == (status == "approved" and password == PASSWORD)
    assert counted.work == ["verify"]


def test_who_guessed_too_often_costs_no_check(house: House, counted: Counting) -> None:
    house.rooms.auth._guesses._most = 1
    for status in (401, 429, 429):
        wrong = {"email": "ada@example.org", "password": "wrong"}
        assert house.client.post("/login", json=wrong).status_code == status
    assert counted.work == ["verify"]


def test_wrong_logins_answer_to_the_letter_alike(house: House) -> None:
    house.member("ada@example.org")
    house.member("ben@example.org", status="waiting")
    house.member("del@example.org", status="deleting")
    texts = set()
    for email in ("ada@example.org", "ben@example.org", "del@example.org", "no@example.org"):
        body = {"email": email, "password": "wrong"}
        headers = {"X-Request-ID": "the-same-id"}
        texts.add(house.client.post("/login", json=body, headers=headers).text)
    assert len(texts) == 1


def test_registering_a_taken_e_mail_costs_no_hash(house: House, counted: Counting) -> None:
    body = {"name": "A", "email": "ada@example.org", "password": PASSWORD}
    assert house.client.post("/register", json=body).status_code == 409
    assert counted.work == []


def test_a_hash_from_cheaper_days_is_renewed_at_login(any_house: House) -> None:
    any_house.member("ada@example.org", password_hash=CHEAP.hash(PASSWORD))
    any_house.log_in("ada@example.org")
    renewed = any_house.account("ada@example.org")
    assert not HASHER.check_needs_rehash(renewed.password_hash)
    assert renewed.token_version == 1
    any_house.log_in("ada@example.org")
    assert any_house.account("ada@example.org").password_hash == renewed.password_hash


def test_a_damaged_hash_is_a_wrong_password(house: House) -> None:
    house.member("ada@example.org", password_hash="not argon2 at all")
    answer = house.client.post("/login", json={"email": "ada@example.org", "password": PASSWORD})
    assert answer.status_code == 401


def test_passwords_are_argon2id_and_salted() -> None:
    passwords = Passwords()
    first, second = passwords.hash(PASSWORD), passwords.hash(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second


def test_any_script_makes_a_password(house: House) -> None:
    body = {"name": "Åsa", "email": "asa@example.org", "password": "пароль-密码-🔑"}
    assert house.client.post("/register", json=body).status_code == 201
    house.edit("asa@example.org", status="approved")
    house.log_in("asa@example.org", "пароль-密码-🔑")


def test_one_time_passwords_differ_and_hold_no_lookalikes() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert not set("".join(made)) & set("IOl01")
