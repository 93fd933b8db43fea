"""How many bytes of bodies a process works on at the same time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from flask import Flask

from skinapi.base.errors import Unavailable
from skinapi.platform.web.admission import BodyBudget, leave_body_budget

MEGABYTE = 1024 * 1024
APP = Flask(__name__)


@contextmanager
def request_of(caller: str, megabytes: float, budget: BodyBudget) -> Iterator[None]:
    """While it is answered."""
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
