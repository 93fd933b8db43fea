import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.platform.jobs.handlers import NOT_SET_UP, TOO_LITTLE_MEMORY
from skinapi.platform.jobs.job import MOST_ATTEMPTS, NO_RIGHT, Job
from skinapi.platform.storage.store_version import join_store
from tests.platform.jobs.bench import LONGEST_S, Bench
from tests.platform.jobs.handlers import is_alive
from tests.platform.jobs.killing import assert_one_end_each, kill_one, replace_dead
from tests.support.backends import SECRET
from tests.support.size import in_drill, size

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_jobs_end_as_their_handlers_say(bench: Bench) -> None:
    jobs = {
        kind: bench.submit(kind, owner=kind)
        for kind in (
            "count", "fail", "break_down", "lose_store", "answer_too_much", "send_nonsense",
            "print_secret", "need_memory", "gone", "unknown", "crash",
            "find_other_key",
        )
    }  # fmt: skip
    nobodys = bench.jobs.new_id()  # an account without the right, or none
    jobs["nobody"] = bench.jobs.add(nobodys, kind="count", owner="nobody", request={})
    bench.start_worker(OPENROUTER_API_KEY="sk-or-0123456789", JOB_MEMORY_BYTES=str(2 * 10**9))
    ended = {kind: bench.ended(job) for kind, job in jobs.items()}
    assert (ended["nobody"].status, ended["nobody"].message) == ("cancelled", NO_RIGHT)
    counted = ended["count"]
    assert (counted.status, counted.result, counted.progress) == ("completed", {"steps": 3}, 100.0)
    assert [row["epoch"] for row in counted.metrics] == [1, 2, 3]
    assert bench.log(counted)[1:] == ["step 1", "step 2", "step 3", "[Completed]"]
    errors = {kind: job.error for kind, job in ended.items() if job.status == "failed"}
    assert errors == {
        "fail": "Class nv has one lesion; at least three are needed",
        "break_down": "It ended with an error of the program (KeyError); the log has more",
        "lose_store": "The database cannot be reached; try again shortly",
        "answer_too_much": "It ended, but the result has more than 65536 bytes",
        "gone": "What jobs of the kind gone need is not installed where the worker runs "
        "(tests.nowhere): install requirements-train.txt there (`make lab`)",
        "unknown": "This server has no code for jobs of the kind unknown",
        "need_memory": TOO_LITTLE_MEMORY,
        "find_other_key": NOT_SET_UP,
        "crash": "Its process was ended by SIGKILL, at the last of 3 attempts",
    }
    codes = {kind: job.error_code for kind, job in ended.items() if job.status == "failed"}
    assert codes == {
        "fail": "bad_dataset",
        "break_down": "internal_error",
        "lose_store": "store_unavailable",
        "answer_too_much": None,
        "gone": "internal_error",
        "unknown": "internal_error",
        "need_memory": "job_needs_memory",
        "find_other_key": "unavailable",
        "crash": "job_crashed",
    }
    again = {kind: job.attempts for kind, job in ended.items() if job.attempts > 1}
    assert again == dict.fromkeys(("lose_store", "crash", "find_other_key"), MOST_ATTEMPTS)
    assert bench.starts(jobs["crash"]) == MOST_ATTEMPTS
    assert '    raise KeyError("a mistake")' in bench.log(jobs["break_down"])
    assert "FORMER_JWT_SECRET_KEYS" not in str(bench.log(jobs["find_other_key"]))
    nonsense = ended["send_nonsense"]
    assert nonsense.result == {"deep": {"a.b": None}, "kept": None}
    assert [row | {"timestamp": ""} for row in nonsense.metrics] == [
        {"loss": None, "word": "", "timestamp": ""}
    ]
    said = bench.log(jobs["print_secret"])
    assert SECRET not in str(said)
    assert said[1:-1] == [
        "the key is [secret]",
        "that of the LLM is None",
        "red and   a bell",
        "30 %",
        "no end",
    ]
    bench.await_(lambda: not bench.folders())


@pytest.mark.parametrize("kind", ["count", "ignore_sigterm"])
def test_a_running_job_is_cancelled_within_seconds(served_bench: Bench, kind: str) -> None:
    bench = served_bench
    job = bench.submit(kind, steps=1000, pause=0.05)
    pid = bench.started(job)
    bench.await_(lambda: bench.job(job).metrics or kind != "count")
    assert bench.jobs.cancel(bench.job(job)).status == "running"
    cancelled = bench.ended(job, within=30)
    assert (cancelled.status, cancelled.message) == ("cancelled", "Cancelled")
    assert bool(cancelled.metrics) == (kind == "count")
    bench.await_gone(pid)


@pytest.mark.parametrize("lost", [{"role": "user"}, {"status": "suspended"}])
def test_a_job_ends_with_the_rights_of_its_account(
    served_bench: Bench, lost: dict[str, str]
) -> None:
    bench = served_bench
    running = bench.submit("count", steps=10_000, pause=0.05)
    waiting = bench.submit("count")
    pid = bench.started(running)
    bench.store.collection("accounts").update({"id": "ada"}, {"$set": lost})
    for job in (running, waiting):
        ended = bench.ended(job)
        assert (ended.status, ended.message) == ("cancelled", NO_RIGHT)
    bench.await_gone(pid)
    assert not bench.starts(waiting)


@pytest.mark.parametrize("short", [False, True])
def test_a_job_that_takes_too_long_fails_with_what_it_has_reached(
    bench: Bench, short: bool
) -> None:
    """The time under a previous worker counts too."""
    hours = 4 if short else 1
    for left_s in (1.0, 5.0, 30.0):  # a busy machine needs more of them for the handler's start
        job = bench.submit("count", short=short, steps=10_000, pause=0.02)
        before = {"seconds_before": 3600 * hours - left_s}
        bench.store.collection("jobs").update({"id": job.id}, {"$set": before})
        worker = bench.start_worker(JOB_HOURS="1")
        ended = bench.ended(job)
        worker.terminate()
        worker.wait()
        if ended.metrics:
            break
    pid = bench.started(job)
    assert (ended.status, ended.error_code, ended.attempts) == ("failed", "job_took_too_long", 1)
    ran = "4 hours" if short else "1 hour"
    assert (ended.error or "").startswith(f"It was ended after {ran}, which is as long as such")
    assert ("JOB_HOURS" in (ended.error or "")) is not short
    assert ended.metrics
    assert 0 < ended.progress < 100
    bench.await_gone(pid)


def test_a_short_job_runs_beside_a_long_one(bench: Bench) -> None:
    long = bench.submit("count", steps=10_000, pause=0.02)
    worker = bench.start_worker()
    bench.started(long)
    second = bench.submit("count", owner="ben")
    shorts = [bench.submit("count", owner=owner, short=True) for owner in ("ada", "ben", "ada")]
    for short in shorts:
        assert bench.ended(short).status == "completed"
    beside = bench.submit("count", short=True, steps=10_000, pause=0.02)
    bench.started(beside)
    assert (bench.job(long).status, bench.job(second).status) == ("running", "queued")
    worker.terminate()
    assert worker.wait(LONGEST_S) == 0
    assert [bench.job(job).status for job in (long, beside, second)] == ["queued"] * 3
    assert [bench.job(job).attempts for job in (long, beside)] == [0, 0]
    assert min(bench.job(job).seconds_before for job in (long, beside)) > 0
    bench.await_(lambda: not bench.processes())


def test_a_deleted_job_ends_with_everything(served_bench: Bench) -> None:
    bench = served_bench
    job = bench.submit("count", steps=1000, pause=0.02)
    bench.started(job)
    bench.jobs.forget("ada")
    bench.await_(lambda: bench.processes() == bench.workers())
    bench.await_(lambda: not bench.folders())
    assert not bench.store.collection("job_logs").find()


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(bench: Bench) -> None:
    """It does not count as an attempt, and the next worker continues where it was."""
    (hold := bench.folder / "hold").touch()
    job = bench.submit("count", steps=40, hold=str(hold))
    worker = bench.start_worker()
    bench.await_(lambda: bench.job(job).progress >= 50)
    worker.terminate()
    assert worker.wait(LONGEST_S) == 0
    waiting = bench.job(job)
    assert (waiting.status, waiting.attempts) == ("queued", 0)
    bench.await_(lambda: not bench.processes())
    hold.unlink()
    bench.start_worker()
    ended = bench.ended(job)
    assert (ended.status, ended.attempts) == ("completed", 1)
    assert [row["epoch"] for row in ended.metrics] == list(range(1, 41))
    steps = [line for line in bench.log(job) if line.startswith("step")]
    assert len(steps) < 44  # not from the beginning again


def test_a_job_ends_when_its_worker_is_frozen(mongod_bench: Bench) -> None:
    """It ends before another worker may begin, because the guard of the job counts the lease
    itself. Not on SQLite: a process that is frozen while it writes blocks every other writer.
    """
    bench = mongod_bench
    job = bench.submit("count", steps=10_000, pause=0.01)
    frozen = bench.start_worker()
    pid = bench.started(job)
    os.kill(frozen.pid, signal.SIGSTOP)
    lease_ends_at = bench.job(job).lease_ends_at
    assert lease_ends_at
    bench.await_(lambda: not is_alive(pid))
    assert time.time() < lease_ends_at.timestamp()
    bench.start_worker()
    bench.await_(lambda: bench.starts(job) == 2)
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(0.5)
    running = bench.job(job)
    assert (running.status, running.attempts) == ("running", 2)
    assert len(bench.folders()) == 1


def test_a_worker_removes_what_ended_or_unknown_jobs_left(bench: Bench) -> None:
    """It does so at its start, and when a job has ended elsewhere or was given up, not only
    hourly.
    """
    waiting = bench.submit("count")
    running = bench.jobs.claim(worker="elsewhere", lease=timedelta(minutes=1))
    assert running
    for name in (waiting.id, "0badc0de", "not-a-job"):
        (bench.folder / "jobs" / name).mkdir(parents=True)
    bench.start_worker()
    bench.await_(lambda: bench.folders() == sorted([waiting.id, "not-a-job"]))
    bench.jobs.finish(running, status="failed", changes={})
    bench.await_(lambda: bench.folders() == ["not-a-job"])


Report = Callable[[str], None]


def guard_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("victim", ["guard", "handler", *in_drill("worker")])
def test_a_kill_costs_one_attempt_and_leaves_no_process(bench: Bench, victim: str) -> None:
    """Grandchildren have also ended before the job runs again."""
    job = bench.submit("leave_grandchildren")
    worker = bench.start_worker()
    handler = bench.started(job)
    # The guard, the handler and two that it started; a new program has no environment at first.
    bench.await_(lambda: len(bench.processes()) == 5)
    first = {pid for pid in bench.processes() if pid != worker.pid}
    os.kill({"worker": worker.pid, "guard": guard_of(handler), "handler": handler}[victim], 9)
    if victim == "worker":
        worker.wait()
        bench.await_(lambda: not bench.processes())
        bench.start_worker()
    bench.await_(lambda: bench.starts(job) == 2)
    assert not first & set(bench.processes())
    ended = bench.ended(job)
    assert (ended.status, ended.attempts) == ("completed", 2)
    bench.await_(lambda: bench.processes() == [bench.workers()[-1]])


def test_jobs_come_to_one_end_whoever_is_killed(bench: Bench, report: Report) -> None:
    seed = random.randrange(10**6)
    report(f"kills of workers and jobs: seed {seed}")
    kills_of_jobs(bench, random.Random(seed), size(2, 30), lambda: None)


def kills_of_jobs(
    bench: Bench,
    chance: random.Random,
    kills: int,
    also: Callable[[], None],
    announce: Callable[[str], object] = lambda _: None,
) -> None:
    """Run two workers and some jobs. Each kill hits one of their processes, and a dead worker is
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


def test_a_worker_with_a_former_key_takes_no_job_and_says_why(bench: Bench) -> None:
    worker, new_key = bench.start_worker(), SECRET[::-1]
    bench.ended(bench.submit("count"))
    join_store(bench.store, secrets=[new_key, SECRET])
    job = bench.submit("count")
    bench.await_(lambda: "newer JWT_SECRET_KEY" in bench.worker_log())
    assert (bench.job(job).status, bench.job(job).attempts) == ("queued", 0)
    worker.kill()
    bench.start_worker(JWT_SECRET_KEY=new_key)
    assert bench.ended(job).status == "completed"
