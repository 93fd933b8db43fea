"""What a job's process sends and prints is foreign: it is cut, cleaned and bounded."""

import json
from typing import Any

import pytest

from skinapi.jobs.events import (
    LONGEST_LINE,
    MOST_ROWS,
    EventReader,
    clean_progress,
    clean_result,
    with_row,
)
from skinapi.storage.validation import check_value


def read(*parts: bytes) -> list[dict[str, Any]]:
    reader = EventReader()
    return [event for part in parts for event in reader.feed(part)]


def test_events_are_whole_lines_of_json_objects() -> None:
    assert read(b'{"progr', b'ess": 5}\n{"a"', b": 1}\n[1]\nno\n\n") == [{"progress": 5}, {"a": 1}]


def test_an_endless_line_takes_no_memory_and_the_next_event_is_read() -> None:
    reader = EventReader()
    for _ in range(50):
        assert not list(reader.feed(b"x" * 60_000))
        assert len(reader._rest) <= LONGEST_LINE
    assert list(reader.feed(b'"}\n{"b": 2}\n')) == [{"b": 2}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(12, 12.0), (-1, 0.0), (101.5, 100.0), (True, None), ("9", None), (float("nan"), None)],
)
def test_progress_is_a_percentage_or_nothing(sent: object, kept: float | None) -> None:
    assert clean_progress(sent) == kept


def test_a_row_of_an_epoch_replaces_what_an_interrupted_attempt_left() -> None:
    rows: tuple[dict[str, Any], ...] = ()
    for epoch in (1, 2, 3, 2):
        rows = tuple(with_row(rows, {"epoch": epoch, "loss": float("inf"), "at_at": 1, "A b": 2}))
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[0].keys() == {"epoch", "loss", "timestamp"}
    assert rows[0]["loss"] is None


def test_rows_are_as_many_as_there_may_be() -> None:
    rows: tuple[dict[str, Any], ...] = tuple({"epoch": n} for n in range(MOST_ROWS))
    assert with_row(rows, {"loss": 1}) == list(rows)
    assert with_row(rows, "no row") == list(rows)


def test_a_result_is_what_the_store_can_keep() -> None:
    sent = {
        "version": "a\0b\ud800",
        "made_at": 5,
        "$set": 1,
        "figures": [1, 2.5, float("nan"), 10**30, None, True, object],
    }
    result = clean_result(sent)
    check_value("result", result)
    assert result["version"] == "a b"
    assert result["figures"][:6] == [1, 2.5, None, None, None, True]
    assert result.keys() == {"version", "figures"}


def test_a_result_that_is_too_large_is_refused() -> None:
    deep: Any = "bottom"
    for _ in range(12):
        deep = {"in": deep}
    for sent in ({"a": ["x" * 2000] * 40}, {"a": list(range(2000))}, deep, [1], None):
        with pytest.raises(ValueError, match="result"):
            clean_result(json.loads(json.dumps(sent)))
