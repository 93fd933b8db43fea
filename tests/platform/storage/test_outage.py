"""While the database is unreachable, one request probes it; all others get 503 at once."""

from contextlib import nullcontext, suppress

import pytest

from skinapi.base.errors import DiskFull, Duplicate, StoreUnavailable
from skinapi.platform.stores import outage as outage_module
from skinapi.platform.stores.outage import FAIL_FAST_S, TIMEOUT_S, Outage


class Clock:
    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outage_module, "time", clock)
    return clock


@pytest.fixture
def outage(clock: Clock) -> Outage:
    """One that a call has begun which waited in vain."""
    outage = Outage(nullcontext)
    wait(outage, clock, TIMEOUT_S, StoreUnavailable())
    return outage


def wait(outage: Outage, clock: Clock, seconds: float, ends: Exception) -> None:
    with suppress(type(ends)), outage.noticed():
        clock.moment += seconds
        raise ends


def is_refused_at_once(outage: Outage) -> bool:
    try:
        with outage.noticed():
            return False
    except StoreUnavailable:
        return True


def test_after_a_second_one_request_probes_and_the_others_fail_at_once(
    outage: Outage, clock: Clock
) -> None:
    assert is_refused_at_once(outage)
    clock.moment += FAIL_FAST_S
    with outage.noticed():
        assert is_refused_at_once(outage)
    wait(outage, clock, TIMEOUT_S, StoreUnavailable())
    assert is_refused_at_once(outage)


def test_when_the_probe_succeeds_all_requests_are_sent(outage: Outage, clock: Clock) -> None:
    clock.moment += FAIL_FAST_S
    assert [is_refused_at_once(outage) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("ends", [StoreUnavailable(), DiskFull(), Duplicate()])
def test_a_quick_failure_does_not_start_an_outage(clock: Clock, ends: Exception) -> None:
    outage = Outage(nullcontext)
    wait(outage, clock, 0, ends)
    assert not is_refused_at_once(outage)
