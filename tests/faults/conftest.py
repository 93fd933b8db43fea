"""Fixtures for the drills."""

import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.stores.mongod import Mongod, NoMongodError, running_mongod


@pytest.fixture
def seed(report: Callable[[str], None]) -> int:
    """Of the faults and of the actors' choices; reported, so that a failure can be looked at."""
    chosen = int(os.environ.get("FAULT_SEED") or random.randrange(10**6))
    report(f"FAULT_SEED={chosen}")
    return chosen


@pytest.fixture
def mongod() -> Iterator[Mongod]:
    """One of this test's own, to be broken."""
    try:
        with running_mongod() as running:
            yield running
    except NoMongodError as error:
        pytest.skip(f"no mongod: {error}")
