"""Jobs while processes are killed with SIGKILL: each comes to one end, and nothing stays behind."""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skinapi.model.registry.prediction_pool import open_warm
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.jobs.job import Job
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.killing import assert_one_end_each, kill_one, replace_dead
from tests.support.size import in_drill, size

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
Report = Callable[[str], None]


def guard_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("victim", ["guard", "handler", *in_drill("worker")])
def test_a_kill_costs_one_attempt_and_leaves_no_process(bench: Bench, victim: str) -> None:
    """Grandchildren too are gone before the job runs again."""
    job = bench.submit("leave_grandchildren", pause=1.5)
    worker = bench.start_worker()
    handler = bench.started(job)
    first = {pid for pid in bench.processes() if pid != worker.pid}
    assert len(first) == 4, "the guard, the handler and two that it started"
    os.kill({"worker": worker.pid, "guard": guard_of(handler), "handler": handler}[victim], 9)
    if victim == "worker":
        worker.wait()
        bench.await_(lambda: not bench.processes(), within=5)
        bench.start_worker()
    bench.await_(lambda: bench.starts(job) == 2)
    assert not first & set(bench.processes())
    ended = bench.ended(job)
    assert (ended.status, ended.attempts) == ("completed", 2)
    assert len(bench.processes()) == 1


def test_jobs_come_to_one_end_whoever_is_killed(any_bench: Bench, report: Report) -> None:
    seed = random.randrange(10**6)
    report(f"kills of workers and jobs: seed {seed}")
    kills_of_jobs(any_bench, random.Random(seed), size(2, 30), lambda: None)


@pytest.mark.parametrize("store", ["sqlite", *in_drill("mongod")])
def test_no_kill_leaves_half_a_model(
    request: pytest.FixtureRequest, store: str, report: Report
) -> None:
    bench: Bench = request.getfixturevalue({"sqlite": "bench", "mongod": "mongod_bench"}[store])
    seed = random.randrange(10**6)
    report(f"kills of what stores a model: seed {seed}")
    chance = random.Random(seed)
    jobs: list[Job] = []
    workers = [bench.start_worker()]
    for number in range(size(1, 30)):
        jobs.append(bench.submit("register", owner=f"owner{number}"))
        bench.await_begun(jobs[-1])
        time.sleep(chance.uniform(0, 1))
        replace_dead(bench, workers, kill_one(bench, chance))
    ended = assert_one_end_each(bench, jobs)
    trail = AuditTrail(bench.store, secrets=["secret"])
    versions = ModelVersions(bench.store, UnitOfWork(bench.store, trail))
    stored = list(versions.page_versions(limit=100).items)
    assert len({version.job for version in stored}) == len(stored)
    assert {job.id for job in ended if job.status == "completed"} <= {one.job for one in stored}
    for version in stored:
        folder = bench.folder / "written" / version.version
        versions.write_folder(version.version, folder)
        assert open_warm(folder)


def kills_of_jobs(
    bench: Bench,
    chance: random.Random,
    kills: int,
    also: Callable[[], None],
    announce: Callable[[str], object] = lambda _: None,
) -> None:
    """Two workers and some jobs; each kill hits one of their processes, and a dead worker is
    replaced.
    """
    jobs: list[Job] = []
    workers = [bench.start_worker() for _ in range(2)]
    for number in range(kills):
        jobs.append(bench.submit("count", owner=f"owner{number}", steps=10, pause=0.05))
        announce(jobs[-1].id)
        bench.await_begun(jobs[-1])
        time.sleep(chance.uniform(0, 0.5))
        victim = kill_one(bench, chance)
        also()
        replace_dead(bench, workers, victim)
    assert_one_end_each(bench, jobs)
    bench.await_(lambda: set(bench.processes()) == {worker.pid for worker in workers})
