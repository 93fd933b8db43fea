"""While the database is unreachable, one request probes it; all others get 503 at once."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from skinapi.base.errors import DiskFull, Duplicate, StoreUnavailable
from skinapi.platform.stores import outage as outage_module
from skinapi.platform.stores.outage import FAIL_FAST_S, TIMEOUT_S, Outage
from tests.stores.mock_store import MockStore


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
    return Outage(nullcontext)


def wait(outage: Outage, clock: Clock, seconds: float, ends: Exception | None = None) -> None:
    with outage.noticed():
        clock.moment += seconds
        if ends:
            raise ends


def wait_in_vain(outage: Outage, clock: Clock) -> None:
    with pytest.raises(StoreUnavailable):
        wait(outage, clock, TIMEOUT_S, StoreUnavailable())


def is_refused_at_once(outage: Outage) -> bool:
    try:
        with outage.noticed():
            return False
    except StoreUnavailable:
        return True


def test_after_a_timeout_other_requests_fail_at_once(outage: Outage, clock: Clock) -> None:
    wait_in_vain(outage, clock)
    assert is_refused_at_once(outage)


def test_after_a_second_one_request_probes_and_the_others_fail_at_once(
    outage: Outage, clock: Clock
) -> None:
    wait_in_vain(outage, clock)
    clock.moment += FAIL_FAST_S
    with outage.noticed():
        assert is_refused_at_once(outage)
    wait_in_vain(outage, clock)
    assert is_refused_at_once(outage)


def test_when_the_probe_succeeds_all_requests_are_sent(outage: Outage, clock: Clock) -> None:
    wait_in_vain(outage, clock)
    clock.moment += FAIL_FAST_S
    wait(outage, clock, 0)
    assert not is_refused_at_once(outage)
    assert not is_refused_at_once(outage)


@pytest.mark.parametrize("ends", [StoreUnavailable(), DiskFull(), Duplicate()])
def test_a_quick_failure_does_not_start_an_outage(
    outage: Outage, clock: Clock, ends: Exception
) -> None:
    with pytest.raises(type(ends)):
        wait(outage, clock, 0, ends)
    assert not is_refused_at_once(outage)


def test_only_what_may_read_a_whole_collection_has_longer() -> None:
    documents = MockStore().collection("notes")
    given_longer: list[str] = []

    @contextmanager
    def longer() -> Iterator[None]:
        given_longer.append(asked)
        yield

    documents._longer_timeout = longer  # type: ignore[assignment]
    for asked in ("page", "all"):
        documents.find({"word": "x"}, limit=None if asked == "all" else 20)
    assert given_longer == ["all"]
