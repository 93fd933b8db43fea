import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.stores.mongod import Mongod, running_mongod


@pytest.fixture
def seed(report: Callable[[str], None]) -> int:
    chosen = int(os.environ.get("FAULT_SEED") or random.randrange(10**6))
    report(f"FAULT_SEED={chosen}")
    return chosen


@pytest.fixture
def mongod() -> Iterator[Mongod]:
    with running_mongod() as running:
        yield running
