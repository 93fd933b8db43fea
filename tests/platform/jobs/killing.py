import os
import random
import signal
from contextlib import suppress

from skinapi.platform.jobs.job import MOST_ATTEMPTS, Job
from tests.platform.jobs.bench import Bench, Worker


def kill_one(bench: Bench, chance: random.Random) -> int:
    victim = chance.choice(bench.processes())
    with suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(victim, signal.SIGKILL)
    return victim


def replace_dead(bench: Bench, workers: list[Worker], victim: int) -> None:
    for place, worker in enumerate(workers):
        if worker.pid == victim:
            worker.wait()
            workers[place] = bench.start_worker()


def assert_one_end_each(bench: Bench, jobs: list[Job]) -> list[Job]:
    """Check the ended jobs. None ran twice at once, none failed without all its attempts, and none
    is completed unless its handler has returned. The only folder left may be that of a job whose
    last worker died: the hourly sweep deletes it.
    """
    ended = [bench.ended(job, within=120) for job in jobs]
    failed = [job for job in ended if job.status != "completed"]
    assert {(job.error, job.attempts) for job in failed if job.attempts < MOST_ATTEMPTS} == set()
    assert not [job for job in jobs if bench.overlaps(job)]
    assert not [job for job in ended if job.status == "completed" and not bench.ends(job)]
    given_up = {job.id for job in failed}
    bench.await_(lambda: set(bench.folders()) <= given_up)
    return ended
