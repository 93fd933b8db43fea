"""The messages and output of a job's process are untrusted: they are cut, cleaned and bounded."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skinapi.platform.jobs import job_logs
from skinapi.platform.jobs.job_logs import JobLogs, LogLines
from skinapi.platform.jobs.job_process import (
    LONGEST_LINE,
    EventReader,
    clean_progress,
    clean_result,
    clean_text,
    with_row,
)
from skinapi.platform.storage.documents import require_value
from tests.support.backends import store_of_kind
from tests.support.size import size


def test_an_endless_line_takes_no_memory_and_the_next_event_is_read() -> None:
    reader = EventReader()
    for _ in range(50):
        assert not list(reader.feed(b"x" * 60_000))
        assert len(reader._rest) <= LONGEST_LINE
    assert list(reader.feed(b'"}\n{"b": 2}\n')) == [{"b": 2}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (12, 12.0), (-1, 0.0), (101.5, 100.0), (True, None), ("9", None), (float("nan"), None),
        (float("inf"), None), (10**400, 100.0), (-(10**400), 0.0),
    ],
    ids=lambda value: str(value)[:8],
)  # fmt: skip
def test_progress_is_a_percentage_or_nothing(sent: object, kept: float | None) -> None:
    assert clean_progress(sent) == kept


def test_a_row_of_an_epoch_replaces_what_an_interrupted_attempt_left() -> None:
    rows: tuple[dict[str, Any], ...] = ()
    for epoch in (1, 2, 3, 2):
        rows = tuple(with_row(rows, {"epoch": epoch, "loss": float("inf"), "at_at": 1, "A b": 2}))
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[0].keys() == {"epoch", "loss", "timestamp"}
    assert rows[0]["loss"] is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**4000), 10**4000)
    | st.floats()
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
)


@settings(max_examples=size(30, 5000), deadline=None)
@given(JSON)
@example(10**400)
@example({"epoch": 10**400, "loss": [[10**400]]})
def test_whatever_is_sent_is_cleaned_or_refused(sent: Any) -> None:
    clean_progress(sent)
    require_value("message", clean_text(sent))
    rows = with_row(({"epoch": 1},), sent)
    require_value("metrics", with_row(tuple(rows), {"epoch": sent}))
    with suppress(ValueError):
        require_value("result", clean_result(sent))


def test_a_result_that_is_too_large_is_refused() -> None:
    deep: Any = "bottom"
    for _ in range(12):
        deep = {"in": deep}
    for sent in ({"a": ["x" * 2000] * 40}, {"a": list(range(2000))}, deep, [1], None):
        with pytest.raises(ValueError, match="result"):
            clean_result(json.loads(json.dumps(sent)))


def test_a_printed_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    store = store_of_kind("sqlite", tmp_path)
    store.collection("jobs").insert({"id": "0badc0de"})
    logs = JobLogs(store)
    lines = LogLines(logs, "0badc0de")
    for _ in range(100):
        lines.feed(b"z" * 60_000)
        assert len(lines._rest) < 70_000
    lines.feed(b"\nnext\n")
    lines.flush()
    kept = [line.text for line in logs.lines("0badc0de", after=0)]
    assert kept == ["z" * job_logs.LONGEST_LINE, "next"]
