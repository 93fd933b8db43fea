"""Identifiers sort by the time of making."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from skinapi.platform.storage import ids
from skinapi.platform.storage.ids import made_at, new_id, now


def test_identifiers_of_one_process_sort_in_the_order_of_making() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {len(identifier) for identifier in made} == {32}


def test_threads_never_make_the_same_identifier() -> None:
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend(new_id() for _ in range(500))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4_000


def test_a_clock_set_back_does_not_set_the_identifiers_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = new_id()
    monkeypatch.setattr(ids, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
    assert new_id() > before


def test_an_identifier_says_when_it_was_made() -> None:
    assert abs(made_at(new_id()) - now()) < timedelta(seconds=5)
