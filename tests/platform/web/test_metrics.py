"""The metrics: room for the counts before anything is counted, and what they say of the server."""

import errno
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.web import pages as metrics
from skinapi.platform.web.rate_limits import SqliteWindows
from tests.support.backends import Backend

SCRAPER = "a-token-for-the-collector-of-metrics"
LEASE = timedelta(seconds=30)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path))
    return tmp_path


def test_the_space_of_the_counts_is_reserved(folder: Path) -> None:
    """A worker died of SIGBUS at the first new label on a full disk, and each after it."""
    app = Flask(__name__)
    metrics.measure_requests(app)
    assert app.after_request_funcs
    files = {file.name: file.stat() for file in folder.iterdir()}
    assert files.keys() == {f"{kind}_{os.getpid()}.db" for kind in ("counter", "histogram")}
    assert all(stat.st_blocks * 512 >= stat.st_size > 0 for stat in files.values())


def test_without_room_for_the_counts_requests_are_answered_uncounted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    app = Flask(__name__)
    metrics.measure_requests(app)
    assert not app.after_request_funcs
    assert list(folder.iterdir()) == []


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path, metrics_token=SCRAPER)
    yield backend
    backend.services.store.close()


def scrape(backend: Backend) -> list[str]:
    answer = backend.client.get("/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    assert answer.status_code == 200
    return answer.text.splitlines()


def ready(lines: list[str]) -> dict[str, float]:
    found = [line.split('"') for line in lines if line.startswith("skinapi_ready{")]
    return {name: float(value.rpartition(" ")[2]) for _, name, value in found}


def test_the_metrics_say_which_parts_work(scraped: Backend) -> None:
    assert ready(scrape(scraped)) == {"store": 1, "rate_limits": 1, "model": 1}
    shutil.move(scraped.settings.instance_dir / "blobs", scraped.settings.instance_dir / "away")
    assert ready(scrape(scraped)) == {"store": 0, "rate_limits": 1, "model": 1}


def test_the_collector_reads_the_metrics_while_the_rate_limits_cannot_be_counted(
    scraped: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(SqliteWindows, "hit", refuse)
    assert ready(scrape(scraped))["store"] == 1
    assert scraped.client.get("/metrics").status_code == 503, "a refusal is counted"


def test_the_metrics_count_jobs_that_wait_run_or_lost_their_worker(scraped: Backend) -> None:
    jobs = Jobs(scraped.services.store)
    for number in range(3):
        jobs.add(f"0badc0d{number}", kind="train", owner=f"{number}", request={})
    assert jobs.claim(worker="w", lease=LEASE)
    assert 'skinapi_jobs{state="running"} 1.0' in scrape(scraped)
    lost = jobs.claim(worker="w", lease=LEASE)
    assert lost
    jobs.beat(lost, lease=-LEASE, changes={})
    made = scraped.services.store.collection("jobs")
    made.update({"status": "queued"}, {"$set": {"place": f"{0:032x}"}})
    lines = scrape(scraped)
    for state in ("queued", "running", "lost"):
        assert f'skinapi_jobs{{state="{state}"}} 1.0' in lines
    (waits,) = (line for line in lines if line.startswith("skinapi_jobs_next_waits_seconds "))
    assert float(waits.split()[1]) > timedelta(days=365).total_seconds()
