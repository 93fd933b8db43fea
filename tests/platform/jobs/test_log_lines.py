"""What a process prints becomes lines of its log."""

from pathlib import Path

import pytest

from skinapi.platform.jobs.job_logs import LONGEST_LINE, JobLogs, LogLines
from tests.support.backends import store_of_kind

JOB = "0badc0de"


@pytest.fixture
def logs(tmp_path: Path) -> JobLogs:
    store = store_of_kind("sqlite", tmp_path)
    store.collection("jobs").insert({"id": JOB})
    return JobLogs(store)


def texts(logs: JobLogs) -> list[str]:
    return [line.text for line in logs.lines(JOB, after=0)]


def test_a_line_without_an_end_takes_no_memory(logs: JobLogs) -> None:
    lines = LogLines(logs, JOB)
    for _ in range(100):
        lines.feed(b"z" * 60_000)
        assert len(lines._rest) < 70_000
    lines.feed(b"\nnext\n")
    lines.flush()
    assert texts(logs) == ["z" * LONGEST_LINE, "next"]
