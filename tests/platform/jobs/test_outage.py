import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.jobs import attempt as attempt_module
from skinapi.platform.jobs.attempt import Attempt, Timing, WorkerSettings
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.process import boot_time
from skinapi.platform.storage.ports import Store
from tests.platform.jobs.handlers import is_alive
from tests.support.waiting import await_

# A process that is started beside others takes a second or two of its lease, and a test that looks
# at it comes late.
TIMING = Timing(lease=8.0, beat=0.1, grace=1.0, margin=4.0, store_retry=0.05)
LONG = replace(TIMING, lease=60.0)
COMMAND = (sys.executable, "-m", "tests.platform.jobs.run_job")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Away(Jobs):
    """The store can be unavailable for what a worker writes."""

    away = False
    refused = 0

    def beat(self, job: Job, *, lease: timedelta, changes: Mapping[str, Any]) -> Job | None:
        self._look()
        return super().beat(job, lease=lease, changes=changes)

    def release(
        self, job: Job, *, changes: Mapping[str, Any], counted: bool, seconds: float = 0.0
    ) -> Job | None:
        self._look()
        return super().release(job, changes=changes, counted=counted, seconds=seconds)

    def _look(self) -> None:
        if self.away:
            self.refused += 1
            raise StoreUnavailable


@pytest.fixture
def jobs(store: Store) -> Away:
    return Away(store)


def attempt_at(
    jobs: Away,
    folder: Path,
    *,
    pause: float,
    since_claim: float = 0.0,
    timing: Timing = TIMING,
) -> tuple[Job, Attempt]:
    files = {name: str(folder / name) for name in ("notes", "hold")}
    request = {**files, "steps": 30, "pause": pause}
    jobs.add(jobs.new_id(), kind="count", owner="ada", request=request)
    job = jobs.claim(worker="w", lease=timing.lease_time)
    assert job
    settings = WorkerSettings(
        worker="w",
        command=COMMAND,
        folder=folder / "jobs",
        timing=timing,
        secrets=[],
        may_work=lambda _: True,
        stopping=lambda: False,
    )
    claimed_at = boot_time() - since_claim
    wakeup = os.pipe()[0]
    return job, Attempt(settings, jobs=jobs, job=job, claimed_at=claimed_at, wakeup=wakeup)


def begun(
    jobs: Away, folder: Path, *, pause: float, timing: Timing = TIMING
) -> tuple[Job, threading.Thread, int]:
    notes = folder / "notes"
    job, attempt = attempt_at(jobs, folder, pause=pause, timing=timing)
    watcher = threading.Thread(target=attempt.run)
    watcher.start()
    _, _, process = await_(lambda: notes.read_text().split()[:3] if notes.exists() else [])
    return job, watcher, int(process)


def test_a_short_outage_costs_nothing(jobs: Away, tmp_path: Path) -> None:
    (hold := tmp_path / "hold").touch()
    job, watcher, process = begun(jobs, tmp_path, pause=0.0, timing=LONG)
    jobs.away = True
    while jobs.refused < 5:
        time.sleep(0.02)
    assert is_alive(process)
    hold.unlink()
    jobs.away = False
    watcher.join(60)
    ended = jobs.get(job.id)
    assert (ended.status, ended.attempts, len(ended.metrics)) == ("completed", 1, 30)


def test_a_long_outage_stops_the_process_before_another_worker_may_begin(
    jobs: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hold").touch()
    job, watcher, process = begun(jobs, tmp_path, pause=0.0, timing=LONG)
    jobs.away = True
    passed = LONG.lease - LONG.margin
    monkeypatch.setattr(attempt_module, "boot_time", lambda: boot_time() + passed)
    await_(lambda: not is_alive(process))
    assert jobs.claim(worker="next", lease=LONG.lease_time) is None
    jobs.away = False
    watcher.join(60)
    waiting = jobs.get(job.id)
    assert (waiting.status, waiting.attempts) == ("queued", 0), waiting.message


def test_the_lease_is_counted_from_the_claim_however_long_the_start_took(
    jobs: Away, tmp_path: Path
) -> None:
    jobs.away = True
    job, attempt = attempt_at(jobs, tmp_path, pause=10.0, since_claim=TIMING.lease)
    watcher = threading.Thread(target=attempt.run)
    watcher.start()
    time.sleep(0.5)
    jobs.away = False
    watcher.join(60)
    assert not (tmp_path / "notes").exists()
    waiting = jobs.get(job.id)
    assert (waiting.status, waiting.attempts) == ("queued", 0)
