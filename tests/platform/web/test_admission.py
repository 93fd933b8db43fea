"""How many bodies and lists a process works on at a time; a request waits for the store once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import StoreUnavailable, Unavailable
from skinapi.base.pages import Page
from skinapi.platform.web.admission import MOST_LISTS_OF_ONE_CALLER, BodyBudget, leave_body_budget
from skinapi.platform.web.declaration import Rate, Routes, Signed
from skinapi.platform.web.rate_limits import Limits
from skinapi.platform.web.schemas import Answer
from tests.support.backends import Backend, Person

MEGABYTE = 1024 * 1024
APP = Flask(__name__)


@contextmanager
def request_of(caller: str, megabytes: float, budget: BodyBudget) -> Iterator[None]:
    with APP.app_context():
        try:
            budget.enter(caller, int(megabytes * MEGABYTE))
            yield
        finally:
            leave_body_budget()


def refused(caller: str, megabytes: float, budget: BodyBudget) -> bool:
    try:
        with request_of(caller, megabytes, budget):
            return False
    except Unavailable as error:
        return error.retry_after == 2


@pytest.fixture
def requests() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_bodies_beyond_the_budget_are_refused_until_others_are_answered() -> None:
    budget = BodyBudget(20 * MEGABYTE)
    with request_of("ada", 10, budget), request_of("bob", 9, budget):
        assert refused("eve", 2, budget)
        assert not refused("eve", 1, budget)
    assert not refused("eve", 20, budget)


def test_one_caller_has_no_more_than_half_for_several_bodies(requests: ExitStack) -> None:
    budget = BodyBudget(20 * MEGABYTE)
    for _ in range(2):
        requests.enter_context(request_of("ada", 4, budget))
    assert refused("ada", 4, budget)
    assert not refused("bob", 12, budget)


class Item(Answer):
    number: int


class ListBackend(Backend):
    """Where one list searches the store until it is let go on, and another counts who makes one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.searching, self.found = threading.Semaphore(0), threading.Event()
        self.making = self.most_making = 0
        routes: Routes[None] = Routes("planted")

        @routes.route("GET", "/planted/slow", access=Signed(), rate=Rate.READ)
        def search_long(_: None) -> Page[Item]:
            """A search that takes its time."""
            self.searching.release()
            assert self.found.wait(30)
            return Page([Item(number=1)])

        @routes.route("GET", "/planted/large", access=Signed(), rate=Rate.READ)
        def list_concurrently(_: None) -> Page[Item]:
            """A search that finds much."""
            return Page(range(50)).map(self.make)

        self.app.register_blueprint(routes.blueprint(None))

    def make(self, number: int) -> Item:
        self.making += 1
        self.most_making = max(self.most_making, self.making)
        threading.Event().wait(0.0005)
        self.making -= 1
        return Item(number=number)


def call(person: Person, path: str) -> TestResponse:
    return Person(person.client.application.test_client(), person.token).call("GET", path)


def test_one_list_is_made_at_a_time(tmp_path: Path) -> None:
    backend = ListBackend(tmp_path)
    people = [backend.member() for _ in range(6)]
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(lambda person: call(person, "/planted/large"), people))
    assert [len(answer.get_json()) for answer in answers] == [50] * 6
    assert backend.most_making == 1
    backend.services.store.close()


def test_a_caller_who_waits_for_many_lists_is_told_to_wait_and_others_are_answered(
    tmp_path: Path,
) -> None:
    backend = ListBackend(tmp_path)
    ada, bob = backend.member(), backend.member()
    with ThreadPoolExecutor(MOST_LISTS_OF_ONE_CALLER) as pool:
        under_way = [
            pool.submit(call, ada, "/planted/slow") for _ in range(MOST_LISTS_OF_ONE_CALLER)
        ]
        for _ in under_way:
            assert backend.searching.acquire(timeout=30)
        refused = call(ada, "/submissions")
        assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_requests")
        assert refused.headers["Retry-After"] == "1"
        assert call(ada, "/me").status_code == 200
        assert call(bob, "/submissions").status_code == 200
        backend.found.set()
        assert [done.result().status_code for done in under_way] == [200] * MOST_LISTS_OF_ONE_CALLER
    for _ in range(2 * MOST_LISTS_OF_ONE_CALLER):
        assert call(ada, "/planted/slow").status_code == 200
    backend.services.store.close()


def test_a_request_that_waited_for_its_account_does_not_wait_to_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()

    def gone(*_: object) -> NoReturn:
        raise StoreUnavailable

    def waited_again(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(Accounts, "get", gone)
    monkeypatch.setattr(Limits, "spend", waited_again)
    answer = ada.call("GET", "/me")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
