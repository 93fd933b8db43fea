"""Jobs while processes are killed with SIGKILL: each comes to one end, and nothing stays behind."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from skinapi.jobs.job import MOST_ATTEMPTS, Job
from tests.jobs.bench import Bench
from tests.mongod import NoMongodError, running_mongod
from tests.size import drill, in_drill, size

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
Report = Callable[[str], None]


def guard_of(pid: int) -> int:
    """The parent of a handler's process."""
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


def test_all_killed_at_once_are_cleared_up_by_the_next_worker(bench: Bench) -> None:
    job = bench.submit("leave_grandchildren", pause=30)
    worker = bench.start_worker()
    handler = bench.started(job)
    guard = guard_of(handler)
    for pid in (worker.pid, guard, handler):
        os.kill(pid, signal.SIGSTOP)
    for pid in (worker.pid, guard, handler):
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    left = bench.await_(lambda: (found := bench.processes()) and len(found) == 2 and found)
    bench.jobs.cancel(bench.job(job))
    second = bench.start_worker()
    assert bench.ended(job).status == "cancelled"
    bench.await_(lambda: bench.processes() == [second.pid], within=10)
    assert left


def test_jobs_come_to_one_end_whoever_is_killed(any_bench: Bench, report: Report) -> None:
    seed = random.randrange(10**6)
    report(f"kills of workers and jobs: seed {seed}")
    kills_of_jobs(any_bench, random.Random(seed), size(2, 30), lambda: None)


@pytest.mark.skipif(not drill, reason="only in the drill: mongod starts thirty times")
def test_jobs_come_to_one_end_while_mongod_is_killed(
    tmp_path_factory: pytest.TempPathFactory, report: Report
) -> None:
    seed = random.randrange(10**6)
    report(f"kills of mongod: seed {seed}")
    try:
        with running_mongod() as server:

            def kill_store() -> None:
                server.kill()
                time.sleep(chance.uniform(0, 3))
                server.start()

            chance = random.Random(seed)
            with Bench(tmp_path_factory.mktemp("drill"), f"{server.uri}") as bench:
                kills_of_jobs(bench, chance, 30, kill_store)
    except NoMongodError as error:
        pytest.skip(f"no mongod: {error}")


def kills_of_jobs(
    bench: Bench, chance: random.Random, kills: int, also: Callable[[], None]
) -> None:
    """Two workers and some jobs; each kill hits one of their processes, and a dead worker is
    replaced.
    """
    jobs: list[Job] = []
    workers = [bench.start_worker() for _ in range(2)]
    for number in range(kills):
        jobs.append(bench.submit("count", owner=f"owner{number}", steps=10, pause=0.05))
        newest = jobs[-1]
        bench.await_(lambda newest=newest: bench.starts(newest) or bench.job(newest).ended)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.5))
        victim = chance.choice(bench.processes())
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(victim, signal.SIGKILL)
        also()
        for place, worker in enumerate(workers):
            if worker.pid == victim:
                worker.wait()
                workers[place] = bench.start_worker()
    ended = [bench.ended(job, within=120) for job in jobs]
    failed = [job for job in ended if job.status != "completed"]
    assert {(job.error, job.attempts) for job in failed if job.attempts < MOST_ATTEMPTS} == set()
    assert not [job for job in jobs if bench.overlaps(job)]
    assert not [job for job in ended if job.status == "completed" and not bench.ends(job)]
    bench.await_(lambda: set(bench.processes()) == {worker.pid for worker in workers})
    bench.await_(lambda: not bench.folders())
