import errno
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.areas import list_channels
from skinapi.base.logs import LossyStream
from skinapi.care.lesions import LesionsService
from skinapi.findings.records import new_findings
from skinapi.findings.status import waiting
from skinapi.platform.backups.backup import begin_backup, end_backup
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from skinapi.platform.web.rate_limits import SqliteWindows
from tests.care.clinic import URGENT, file_for
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, unavailable

REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"


def test_a_whole_session_leaves_no_personal_data_in_the_logs(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, backend: Backend
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("INFO", logger="pymongo")  # threads of other tests' clients say what they ask
    client = backend.client
    ada = backend.register("ada@example.org", name="Ada Lovelace")
    admin = backend.admin("root@example.org")
    grey = {"name": "Meredith Grey", "email": "grey@example.org", "password": "defaultPass123"}
    admin.call("POST", "/doctors", json=grey)
    admin.call("POST", "/doctors", json=grey)
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    admin.call("PUT", "/users/ada@example.org/doctor", json={"doctor": "grey@example.org"})
    admin.call("GET", "/accounts?q=Lovelace")
    admin.call("GET", "/users/ada@example.org/nowhere")
    client.post("/login", json={"email": "ada@example.org", "password": "wrong-horse"})
    client.post("/login", data=b'{"email":"ada@example.org","password":"half-a-hor')
    client.post("/register", json={"name": "Ada Lovelace", "email": "ada@example.org"})
    passwords = {"current_password": PASSWORD, "new_password": "third-horse"}
    client.post("/password", json={"email": "ada@example.org", **passwords})
    again = backend.log_in("ada@example.org", "third-horse")
    passwords = {"current_password": "third-horse", "new_password": "fourth-horse"}
    again.call("PUT", "/me/password", json=passwords)
    ada.call("GET", "/me", headers={"Referer": "http://x/ada@example.org"})
    admin.call("DELETE", "/users/ada@example.org")
    admin.call("POST", "/auth/logout")

    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    secrets = [PASSWORD, "defaultPass123", "wrong-horse", "half-a-hor"]
    secrets += ["third-horse", "fourth-horse"]
    people = ["@example.org", "%40", "Lovelace", "Meredith"]
    for hidden in (*secrets, *people, ada.token, admin.token, again.token):
        assert hidden not in logged


def test_a_request_is_one_line_with_its_template_and_its_id(
    capfd: pytest.CaptureFixture[str], backend: Backend
) -> None:
    admin = backend.member("root@example.org", role="admin")
    capfd.readouterr()
    admin.call("DELETE", "/users/no@example.org", headers={"X-Request-ID": REQUEST_ID})
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["method"], said["route"], said["status"]) == ("DELETE", "/users/<email>", 404)
    assert said["request_id"] == REQUEST_ID
    assert said["account"] == backend.account("root@example.org").id
    assert said["ms"] >= 0


@pytest.mark.parametrize("asked", [False, True])
def test_a_line_names_the_callers_address_where_the_operator_asks_for_it_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], asked: bool
) -> None:
    settings: dict[str, Any] = {"log_addresses": True} if asked else {}
    backend = Backend(tmp_path, trusted_proxies=1, **settings)
    capfd.readouterr()
    backend.client.get("/conditions", headers={"X-Forwarded-For": "192.0.2.7"})
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line).get("address") == ("192.0.2.7" if asked else None)
    assert ("192.0.2.7" in line) == asked
    backend.services.store.close()


FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


class Log:
    """A stream to a file that is full, or cannot be written, for as long as a test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.stream = LossyStream(self.fd)

    def lead_to(self, path: Path) -> None:
        other = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(other, self.fd)
        os.close(other)

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log")
    yield log
    os.close(log.fd)


@needs_full
def test_lines_that_do_not_fit_on_the_disk_are_lost(log: Log) -> None:
    log.stream.write("first\n")
    log.lead_to(FULL)
    log.stream.write("lost\n")
    log.lead_to(log.path)
    log.stream.write("second\n")
    assert log.lines() == ["first", "second"]


def test_a_line_that_was_cut_takes_no_other_along(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, room = os.write, [3, 0]

    def fill_the_disk(fd: int, data: bytes) -> int:
        if not (left := room.pop(0)):
            raise OSError(errno.ENOSPC, "full")
        return write(fd, data[:left])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill_the_disk)
        log.stream.write("first\n")
    log.stream.write("second\n")
    log.stream.write("third\n")
    assert log.lines() == ["fir", "second", "third"]


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO, errno.EBADF])
def test_no_fault_of_the_log_reaches_who_logs(
    backend: Backend, log: Log, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: object) -> int:
        raise OSError(code, "gone")

    monkeypatch.setattr(sys, "stdout", log.stream)
    monkeypatch.setattr(sys, "stderr", log.stream)
    monkeypatch.setattr(os, "write", fail)
    print("printed", flush=True)  # noqa: T201 (what a library may do)
    logging.StreamHandler().handle(logging.makeLogRecord({"msg": "logged"}))
    backend.client.get("/healthz")
    monkeypatch.undo()
    log.stream.write("written\n")
    assert log.lines() == ["written"]


SCRAPER = "a-token-for-the-collector-of-metrics"
LEASE = timedelta(seconds=30)


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
    assert ready(scrape(scraped)) == {"store": 1, "key": 1, "rate_limits": 1, "model": 1}
    shutil.move(scraped.settings.instance_dir / "blobs", scraped.settings.instance_dir / "away")
    assert ready(scrape(scraped)) == {"store": 0, "key": 1, "rate_limits": 1, "model": 1}


def test_the_collector_reads_the_metrics_while_the_rate_limits_cannot_be_counted(
    scraped: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteWindows, "hit", unavailable)
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


def gauges(backend: Backend) -> dict[str, float]:
    text = backend.member(role="admin").call("GET", "/metrics").text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_the_metrics_tell_the_score_and_the_quality_of_each_photo(scraped: Backend) -> None:
    before = scrape(scraped)
    finding = predicted(scraped.member(), keep_photo="true")
    stored = scraped.services.data.findings.find_by_number(finding["id"])
    assert stored
    quality = stored.finding.quality
    added = {"malignant_score": finding["malignant_score"]}
    added |= {"photo_sharpness": quality.sharpness, "photo_brightness": quality.brightness}
    for name, value in added.items():
        labels = f'{{version="{finding["model_version"]}"}}'
        for figure, more in (("count", 1), ("sum", value)):
            line = f"skinapi_{name}_{figure}{labels} "
            assert value_of(scrape(scraped), line) - value_of(before, line) == pytest.approx(more)


def value_of(lines: list[str], start: str) -> float:
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


WITHOUT_ROOM = """
from flask import Flask
from skinapi.accounts.admin.usage import SCORES
from skinapi.platform.web.pages import measure_requests
app = Flask("full")
measure_requests(app)
app.before_request(lambda: setattr(__import__("flask").g, "started", 0.0))
SCORES.labels("a-1").observe(0.5)
print(app.test_client().get("/").status_code)
"""


def test_without_room_for_the_metrics_a_server_answers(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "nowhere")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "404", done.stderr


OVERDUE_AFTER_A_MONTH = ("review", "visit", "telling")


def test_the_metrics_tell_what_an_operator_should_be_called_for(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, store = gauges(backend), backend.services.store
    assert before["skinapi_backup_age_seconds"] == float("inf")
    assert before["skinapi_died_processes"] == 0
    kinds = list_channels(backend.settings)
    waits = {
        name: before[name]
        for name in (
            "skinapi_late_mails",
            *(f'skinapi_late_deliveries{{kind="{kind}"}}' for kind in kinds),
            "skinapi_unassigned_patients",
            *(f'skinapi_overdue_spots{{kind="{kind}"}}' for kind in OVERDUE_AFTER_A_MONTH),
        )
    }
    assert set(waits.values()) == {0}
    end_backup(store, begin_backup(store, place="stdout", name=None))
    long_ago = now() - timedelta(days=30)
    backend.services.data.outbox.enabled = True
    backend.services.data.outbox.add(Kind.WITHOUT_DOCTOR, to="x", delay=-timedelta(hours=1))
    for kind in kinds:
        backend.services.data.deliveries.add(kind, to=kind, about={})
    store.collection("deliveries").update_all({}, {"$set": {"waiting_since_at": long_ago}})
    monkeypatch.setattr(new_findings, "now", lambda: long_ago)
    filer = backend.account(backend.member(role="doctor").email).id
    file_for(backend, backend.member(), URGENT, by=filer)
    after = gauges(backend)
    assert 0 <= after["skinapi_backup_age_seconds"] < 60
    assert {name for name in waits if after[name] != 1} == set()
    for kind in {*waiting.WaitingKind} - {*OVERDUE_AFTER_A_MONTH}:
        assert after[f'skinapi_overdue_spots{{kind="{kind}"}}'] == 0
    assert 0 < after["skinapi_disk_free_bytes"] <= after["skinapi_disk_total_bytes"]


def test_a_fault_is_counted_by_its_route(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 'skinapi_requests_total{method="GET",route="/lesions",status="500"}'
    before = gauges(backend).get(counted, 0)
    ada = backend.member()
    monkeypatch.setattr(LesionsService, "page_owned", lambda *_, **__: 1 / 0)
    assert ada.call("GET", "/lesions").status_code == 500
    assert gauges(backend)[counted] == before + 1


def test_a_start_is_no_fault_in_the_log(
    backend: Backend, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend.services.inference.served, "_tried", threading.Event())
    answer = backend.anyone.get("/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "starting" in answer.get_json()["detail"]
    assert '"event": "fault"' not in capfd.readouterr().err
