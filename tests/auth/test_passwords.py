"""Passwords cost the same whoever is asked about, and are kept at today's cost."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Literal

import pytest
from argon2 import PasswordHasher

from skinapi.auth.passwords import HASHER, Passwords, one_time_password
from tests.houses import PASSWORD, House
from tests.served.wire import at_once

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


def login(email: str, password: str) -> tuple[str, dict[str, str]]:
    return "/login", {"email": email, "password": password}


def replacement(email: str, password: str) -> tuple[str, dict[str, str]]:
    new = "another horse"
    return "/password", {"email": email, "current_password": password, "new_password": new}


both_doors = pytest.mark.parametrize("door", [login, replacement])
Ask = Callable[[str, str], tuple[str, dict[str, str]]]


@both_doors
@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "no address", "\0"])
def test_a_wrong_login_costs_one_check_whoever_it_names(
    house: House, counted: Counting, email: str, door: Ask
) -> None:
    path, body = door(email, "wrong")
    answer = house.client.post(path, json=body)
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


@pytest.mark.parametrize("status", ["waiting", "suspended", "deleting"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_replacement_that_is_refused_costs_one_check_and_changes_nothing(
    house: House, counted: Counting, status: str, password: str
) -> None:
    house.edit("ada@example.org", status=status)
    before = house.account("ada@example.org")
    path, body = replacement("ada@example.org", password)
    told = house.client.post(path, json=body)
    path, body = login("ada@example.org", password)
    answer = house.client.post(path, json=body)
    assert (told.status_code, told.get_json()["error"]) == (
        answer.status_code,
        answer.get_json()["error"],
    )
    assert counted.work == ["verify", "verify"]
    assert house.account("ada@example.org") == before


@pytest.mark.parametrize("doors", [(login,) * 3, (replacement,) * 3, (replacement, login, login)])
def test_who_guessed_too_often_costs_no_check(
    house: House, counted: Counting, doors: tuple[Ask, ...]
) -> None:
    house.rooms.auth._guesses._most = 1
    for door, status in zip(doors, (401, 429, 429), strict=True):
        path, body = door("ada@example.org", "wrong")
        assert house.client.post(path, json=body).status_code == status
    assert counted.work == ["verify"]


def test_of_several_replacements_at_once_one_wins(house: House) -> None:
    house.member("ada@example.org", must_change=True)

    def replace(number: int) -> int:
        body = {
            "email": "ada@example.org",
            "current_password": PASSWORD,
            "new_password": f"horse number {number}",
        }
        return house.app.test_client().post("/password", json=body).status_code

    found = Counter(at_once([partial(replace, number) for number in range(8)]))
    assert found[200] == 1, found
    assert found.keys() <= {200, 401, 409}, found


@both_doors
def test_wrong_logins_answer_to_the_letter_alike(house: House, door: Ask) -> None:
    house.member("ada@example.org")
    house.member("ben@example.org", status="waiting")
    house.member("del@example.org", status="deleting")
    texts = set()
    for email in ("ada@example.org", "ben@example.org", "del@example.org", "no@example.org"):
        path, body = door(email, "wrong")
        headers = {"X-Request-ID": "the-same-id"}
        texts.add(house.client.post(path, json=body, headers=headers).text)
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
