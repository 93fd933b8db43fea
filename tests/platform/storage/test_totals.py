"""Totals: added up in memory, written together, and by nobody else's process."""

import os
from collections.abc import Iterator

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

FACTS = {"schema": 1, "created_at": now()}


@pytest.fixture
def store(sqlite: Store) -> Store:
    return sqlite


@pytest.fixture
def totals(store: Store) -> Iterator[Totals]:
    """With a thread that makes no pass before the test ends."""
    totals = Totals(store)
    totals.every_s = 3600
    totals.start()
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
    totals.make_pass()
    totals.make_pass()
    assert written(store) == {"monday": (3, 0), "tuesday": (6, 3)}
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    totals.stop()
    assert written(store)["monday"] == (4, 0)
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)  # without its thread, at once
    assert written(store)["monday"] == (5, 0)


def test_what_the_store_refuses_is_written_later_and_once(
    store: Store, totals: Totals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise StoreUnavailable

    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    with monkeypatch.context() as patch:
        patch.setattr(store, "transaction", refuse)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                totals.make_pass()
            totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    for _ in range(2):
        totals.make_pass()
    assert written(store) == {"monday": (3, 0)}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_writes_its_own_numbers_and_not_its_parents(store: Store, totals: Totals) -> None:
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    child = os.fork()
    if child == 0:
        totals.add("daily_counts", "tuesday", {"findings": 1}, FACTS)
        os._exit(0 if written(store) == {"tuesday": (1, 0)} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    totals.stop()
    assert written(store) == {"monday": (1, 0), "tuesday": (1, 0)}
