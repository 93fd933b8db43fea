import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from skinapi.accounts.auth import guess_limits
from skinapi.accounts.auth.guess_limits import FIRST_LOGINS
from skinapi.accounts.auth.passwords import (
    HASHER,
    PLACES,
    RETRY_AFTER_S,
    HashingSlots,
    Passwords,
    _unmatched_hash,
)
from skinapi.base.caller_addresses import site_key
from skinapi.base.errors import Unavailable
from skinapi.platform.storage.ids import now
from tests.support.backends import CHEAP, PASSWORD, Backend, put_in


class Counting(PasswordHasher):
    """Counts the hashing work, because measured times vary too much."""

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
    for status, password in product(("waiting", "suspended", "closed"), (PASSWORD, "wrong")):
        backend.edit("ada@example.org", status=status, erase_at=now())
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
    backend.member("del@example.org", status="closed", erase_at=now())
    texts = set()
    for email in ("ada@example.org", "ben@example.org", "del@example.org", "no@example.org"):
        path, body = route(email, "wrong")
        headers = {"X-Request-ID": "0" * 32}
        texts.add(backend.client.post(path, json=body, headers=headers).text)
    assert len(texts) == 1


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
    """A hash of another form would be refused at once, which reveals that there is no account."""
    unmatched = _unmatched_hash(HASHER)
    assert extract_parameters(unmatched) == extract_parameters(HASHER.hash(PASSWORD))
    with pytest.raises(VerifyMismatchError):
        HASHER.verify(unmatched, PASSWORD)


HOLDER = "192.0.2.1"
# These are other addresses of one site: a household's and a company's.
SITE = [f"2001:db8:7:{number:x}::{number}" for number in range(1, 40)]


def taken(
    places: HashingSlots, addresses: list[str], held: ExitStack, *, signed: bool = False
) -> int:
    got = 0
    for address in addresses:
        with suppress(Unavailable):
            held.enter_context(places.taken(address, signed=signed))
            got += 1
    return got


def test_one_address_gets_half_and_others_find_places() -> None:
    for crowd in ([HOLDER] * 99, SITE, ["no address"] * 99):
        places = HashingSlots(PLACES)
        with ExitStack() as held:
            assert taken(places, crowd, held) == 5
            for number in range(3):
                assert taken(places, [f"198.51.100.{number}"], held) == 1


def test_five_addresses_leave_a_place_to_a_sixth_and_to_signed_in_clients() -> None:
    places = HashingSlots(PLACES)
    with ExitStack() as held:
        crowd = [f"198.51.100.{number}" for number in range(5)] * 60
        assert taken(places, crowd, held) < PLACES - 2
        assert taken(places, ["203.0.113.9"], held) == 1
        many = [f"203.0.113.{number}" for number in range(20, 200)]
        taken(places, many, held)
        assert taken(places, ["203.0.113.10"], held) == 0
        assert taken(places, ["203.0.113.11", "203.0.113.12"], held, signed=True) == 2
        assert taken(places, ["203.0.113.13"], held, signed=True) == 0
    with ExitStack() as held:
        assert taken(places, [HOLDER] * 99, held) == 5, "all places are given back"
    assert not places._held


def test_a_client_is_an_ipv6_48_prefix_or_an_ipv4_address() -> None:
    assert {site_key(address) for address in SITE} == {"2001:db8:7::/48"}
    assert site_key("::ffff:192.0.2.1") == site_key("192.0.2.1:443") == "192.0.2.1"
    assert site_key("") == "unknown"


class Slow(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.may_end = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.may_end.wait(90)
        return super().verify(hash, password)


def await_truth(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def guesses_of(backend: Backend) -> int:
    return sum(each["wrong"] for each in backend.services.store.collection("guesses").find())


def test_past_its_places_a_login_is_refused_at_once_and_costs_no_guess(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.member("ada@example.org")
    hasher = Slow()
    passwords, auth = Passwords(hasher), backend.services.auth
    for part in (auth, auth.authentication):
        put_in(part, passwords=passwords)
    body = {"email": "ada@example.org", "password": "wrong"}
    found: Counter[int] = Counter()

    def log_in() -> None:
        found[backend.app.test_client().post("/login", json=body).status_code] += 1

    crowd = [threading.Thread(target=log_in) for _ in range(20)]
    try:
        for item in crowd:
            item.start()
        await_truth(lambda: sum(found.values()) == 15)
        assert found == {503: 15}
        answer = backend.client.post("/login", json=body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER_S))
        # Guesses with a place are counted before they are hashed; refused ones may be quicker.
        await_truth(lambda: guesses_of(backend) == 5)
    finally:
        hasher.may_end.set()
        for item in crowd:
            item.join()
    assert found == {503: 15, 401: 5}
