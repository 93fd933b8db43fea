"""Totals: added up in memory, written together, and by nobody else's process."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

FACTS = {"schema": 1, "created_at": now()}


@pytest.fixture
def totals(real_store: Store) -> Iterator[Totals]:
    """With a thread that makes no pass before the test ends."""
    totals = Totals(real_store)
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
    real_store: Store, totals: Totals, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Counter[str]()
    run = real_store.transaction

    def counting(act: object) -> object:
        begun["transactions"] += 1
        return run(act)  # type: ignore[arg-type]

    monkeypatch.setattr(real_store, "transaction", counting)
    for _ in range(3):
        totals.add("daily_counts", "monday", {"findings": 1, "refused": 0}, FACTS)
        totals.add("daily_counts", "tuesday", {"findings": 2, "refused": 1}, FACTS)
    assert written(real_store) == {}
    totals.make_pass()
    totals.make_pass()
    assert written(real_store) == {"monday": (3, 0), "tuesday": (6, 3)}
    assert begun == {"transactions": 1}
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    totals.stop()
    assert written(real_store)["monday"] == (4, 0)


def test_what_the_store_refuses_is_written_later_and_once(
    real_store: Store, totals: Totals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise StoreUnavailable

    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    with monkeypatch.context() as patch:
        patch.setattr(real_store, "transaction", refuse)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                totals.make_pass()
            totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    for _ in range(2):
        totals.make_pass()
    assert written(real_store) == {"monday": (3, 0)}


def test_without_its_thread_each_number_is_written_at_once(real_store: Store) -> None:
    for _ in range(2):
        Totals(real_store).add("daily_counts", "monday", {"findings": 1}, FACTS)
    assert written(real_store) == {"monday": (2, 0)}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("real_store", ["sqlite"], indirect=True)
def test_a_fork_writes_its_own_numbers_and_not_its_parents(
    real_store: Store, totals: Totals
) -> None:
    totals.add("daily_counts", "monday", {"findings": 1}, FACTS)
    child = os.fork()
    if child == 0:
        totals.add("daily_counts", "tuesday", {"findings": 1}, FACTS)
        os._exit(0 if written(real_store) == {"tuesday": (1, 0)} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    totals.stop()
    assert written(real_store) == {"monday": (1, 0), "tuesday": (1, 0)}
