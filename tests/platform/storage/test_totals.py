from collections.abc import Iterator

import pytest

from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

FACTS = {"schema": 1, "created_at": now()}


@pytest.fixture
def store(sqlite: Store) -> Store:
    return sqlite


@pytest.fixture
def totals(store: Store) -> Iterator[Totals]:
    totals = Totals(store)
    totals.write_collected()
    yield totals
    totals.stop()


def written(store: Store) -> dict[str, tuple[int, int]]:
    return {
        row["id"]: (row["findings"], row.get("refused", 0))
        for row in store.collection("daily_counts").find()
    }


def test_numbers_are_written_together_and_what_is_left_at_a_stop(
    store: Store, totals: Totals
) -> None:
    for _ in range(3):
        totals.add("daily_counts", "monday", {"findings": 1, "refused": 0}, FACTS)
        totals.add("daily_counts", "tuesday", {"findings": 2, "refused": 1}, FACTS)
    assert written(store) == {}
    totals.write_collected()
    totals.write_collected()
    assert written(store) == {"monday": (3, 0), "tuesday": (6, 3)}
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    totals.stop()
    assert written(store)["monday"] == (4, 0)
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)  # no longer collected
    assert written(store)["monday"] == (5, 0)
