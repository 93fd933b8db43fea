import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def await_(
    what: Callable[[], T | None], *, within: float = 60, told: Callable[[], object] = str
) -> T:
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)
    return found
