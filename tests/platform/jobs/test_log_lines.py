"""What a process prints becomes lines of its log."""

from pathlib import Path

import pytest

from skinapi.platform.jobs.job_logs import (
    HEAD_LINES,
    LINES_OF_BATCH,
    LONGEST_LINE,
    TAIL_LINES,
    JobLogs,
    LogLines,
)
from tests.support.backends import store_of_kind

JOB = "0badc0de"


@pytest.fixture
def logs(tmp_path: Path) -> JobLogs:
    store = store_of_kind("sqlite", tmp_path)
    store.collection("jobs").insert({"id": JOB})
    return JobLogs(store)


def texts(logs: JobLogs) -> list[str]:
    return [line.text for line in logs.lines(JOB, after=0)]


def test_lines_are_cut_at_their_ends_and_cleaned(logs: JobLogs) -> None:
    lines = LogLines(logs, JOB, secrets=["hunter2+", ""])
    lines.feed(b"WARNING: All log messages before absl::InitializeLog() is called\n")
    lines.feed(b"To enable the following instructions: AVX2 FMA, rebuild TensorFlow\n")
    lines.feed(b"I0000 00:00:1795803153.364513    3331 port.cc:153] oneDNN operations are on.\n")
    lines.feed(b"one\r\n  two \xff\n\x1b[1;31mred\x1b[0m\n1 %\r2 %\r3 %\nhun")
    lines.feed(b"ter2+ and hunter2+\n" + b"y" * 600 + b"\nlast")
    lines.end()
    lines.flush()
    assert texts(logs) == [
        "one",
        "  two \N{REPLACEMENT CHARACTER}",
        "red",
        "3 %",
        "[secret] and [secret]",
        "y" * LONGEST_LINE,
        "last",
    ]


def test_a_line_without_an_end_takes_no_memory(logs: JobLogs) -> None:
    lines = LogLines(logs, JOB)
    for _ in range(100):
        lines.feed(b"z" * 60_000)
        assert len(lines._rest) < 70_000
    lines.feed(b"\nnext\n")
    lines.flush()
    assert texts(logs) == ["z" * LONGEST_LINE, "next"]


def test_the_first_and_the_last_lines_are_kept(logs: JobLogs) -> None:
    lines = LogLines(logs, JOB)
    for number in range(1, 6001):
        lines.say(f"line {number}")
        if number % 77 == 0:
            lines.flush()
    lines.flush()
    kept = logs.lines(JOB, after=0)
    assert all(line.text == f"line {line.number}" for line in kept)
    assert [line.number for line in kept[:HEAD_LINES]] == list(range(1, HEAD_LINES + 1))
    tail = [line.number for line in kept if line.number > HEAD_LINES]
    assert TAIL_LINES - LINES_OF_BATCH <= len(tail) <= TAIL_LINES
    assert tail == list(range(6001 - len(tail), 6001))
    assert logs.lines(JOB, after=5998) == kept[-2:]
