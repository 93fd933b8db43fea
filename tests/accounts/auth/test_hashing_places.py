"""Few requests may wait for a password hash, and no address takes all the places."""

import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from typing import Literal

import pytest
from argon2 import PasswordHasher

from skinapi.accounts.auth.passwords import (
    CONCURRENT_HASHES,
    PLACES,
    RETRY_AFTER_S,
    HashingPlaces,
    Passwords,
)
from skinapi.base.caller_addresses import site_key
from skinapi.base.errors import Unavailable
from skinapi.base.settings import Settings
from skinapi.model.registry import prediction_pool
from tests.support.backends import Backend, put_in

HOLDER = "192.0.2.1"
# Other addresses of one site: a household's and a company's.
SITE = [f"2001:db8:7:{number:x}::{number}" for number in range(1, 40)]


def taken(
    places: HashingPlaces, addresses: list[str], held: ExitStack, *, signed: bool = False
) -> int:
    """How many of these addresses get a place, one after another."""
    got = 0
    for address in addresses:
        with suppress(Unavailable):
            held.enter_context(places.taken(address, signed=signed))
            got += 1
    return got


def test_one_address_gets_half_and_others_find_places() -> None:
    for crowd in ([HOLDER] * 99, SITE, ["no address"] * 99):
        places = HashingPlaces(PLACES)
        with ExitStack() as held:
            assert taken(places, crowd, held) == 5
            for number in range(3):
                assert taken(places, [f"198.51.100.{number}"], held) == 1


def test_five_addresses_leave_a_place_to_a_sixth_and_to_signed_in_clients() -> None:
    places = HashingPlaces(PLACES)
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


def test_signed_in_clients_cannot_take_all_places_either() -> None:
    with ExitStack() as held:
        assert taken(HashingPlaces(PLACES), [HOLDER] * 99, held, signed=True) == PLACES // 2


def test_hashes_and_photos_together_leave_threads_to_others() -> None:
    threads = Settings.model_fields["threads"].default
    assert threads > PLACES + prediction_pool.MOST_WAITING + CONCURRENT_HASHES


def test_a_client_is_an_ipv6_48_prefix_or_an_ipv4_address() -> None:
    assert {site_key(address) for address in SITE} == {"2001:db8:7::/48"}
    assert site_key("::ffff:192.0.2.1") == site_key("192.0.2.1:443") == "192.0.2.1"
    assert site_key("") == "unknown"


class Slow(PasswordHasher):
    """Ends a check only when it may."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.may_end = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.may_end.wait(20)
        return super().verify(hash, password)


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
        for one in crowd:
            one.start()
        for one in crowd[5:]:
            one.join(10 / len(crowd))
        assert found == {503: 15}
        answer = backend.client.post("/login", json=body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER_S))
        # Those with a place count their guess before they hash; the refused ones may be quicker.
        deadline = time.monotonic() + 10
        while guesses_of(backend) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert guesses_of(backend) == 5
    finally:
        hasher.may_end.set()
        for one in crowd:
            one.join()
    assert found == {503: 15, 401: 5}
