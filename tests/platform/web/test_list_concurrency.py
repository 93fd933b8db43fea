"""Lists are built one at a time, and few wait for one caller."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from werkzeug.test import TestResponse

from skinapi.base.pages import Page
from skinapi.platform.web.admission import MOST_LISTS_OF_ONE_CALLER
from skinapi.platform.web.declaration import Rate, Routes, Signed
from skinapi.platform.web.schemas import Answer
from tests.support.backends import Backend, Person


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
