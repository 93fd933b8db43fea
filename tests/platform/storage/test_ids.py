from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from skinapi.platform.storage import ids
from skinapi.platform.storage.ids import made_at, new_id, now


def test_identifiers_of_one_process_differ_and_sort_in_the_order_of_making() -> None:
    def make(_: int) -> list[str]:
        return [new_id() for _ in range(1_000)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert all(each == sorted(each) for each in made)
    assert len({identifier for each in made for identifier in each}) == 8_000
    assert {len(identifier) for identifier in made[0]} == {32}
    assert abs(made_at(new_id()) - now()) < timedelta(seconds=5)


def test_a_clock_set_back_does_not_set_the_identifiers_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = new_id()
    monkeypatch.setattr(ids, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
    assert new_id() > before
