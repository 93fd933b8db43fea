import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from skinapi.base.pages import PageRequest
from skinapi.platform.jobs import job_queue
from skinapi.platform.jobs.job import (
    CRASHED,
    KEPT_FOR,
    MOST_ATTEMPTS,
    MOST_UNFINISHED,
    Job,
    JobNotEnded,
    TooManyJobs,
)
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from tests.support.size import size

LEASE = timedelta(seconds=30)
OVER = timedelta(seconds=-1)


def submit(jobs: Jobs, owner: str = "ada", *, short: bool = False, **request: Any) -> Job:
    identifier = jobs.new_id()
    return jobs.add(identifier, kind="train", owner=owner, request=request, short=short)


def claim(jobs: Jobs, lease: timedelta = LEASE) -> Job:
    job = jobs.claim(worker="w", lease=lease)
    assert job
    return job


def complete(jobs: Jobs, job: Job) -> None:
    done = {"message": "Completed", "progress": 100.0, "result": {"accuracy": 0.9}}
    assert jobs.finish(job, status="completed", changes=done)


def logged(store: Store) -> set[str]:
    return {batch["job"] for batch in store.collection("job_logs").find()}


def test_everybodys_first_job_comes_before_the_second_of_who_has_one_running(jobs: Jobs) -> None:
    adas = [submit(jobs, "ada") for _ in range(3)]
    running: Job | None = claim(jobs)
    ben, cleo = submit(jobs, "ben"), submit(jobs, "cleo")
    taken = []
    while running:
        taken.append(running.id)
        complete(jobs, running)
        running = jobs.claim(worker="w", lease=LEASE)
    assert taken == [adas[0].id, ben.id, cleo.id, adas[1].id, adas[2].id]


def _claimed(jobs: Jobs, owner: str) -> Job:
    submit(jobs, owner)
    return claim(jobs)


def test_one_job_of_an_account_runs_at_a_time_and_one_short_job_beside_it(jobs: Jobs) -> None:
    first, second = submit(jobs), submit(jobs)
    assert claim(jobs).id == first.id
    assert jobs.claim(worker="w", lease=LEASE) is None
    ben = submit(jobs, "ben")
    assert claim(jobs).id == ben.id
    beside, _ = submit(jobs, short=True), submit(jobs, short=True)
    assert claim(jobs).id == beside.id
    assert jobs.claim(worker="w", lease=LEASE) is None
    assert jobs.cancel(jobs.get(first.id)).cancel_asked
    assert jobs.finish(jobs.get(first.id), status="cancelled", changes={"message": "Cancelled"})
    assert claim(jobs).id == second.id


def test_an_account_has_so_many_unfinished_jobs_at_most(jobs: Jobs) -> None:
    held = [submit(jobs) for _ in range(MOST_UNFINISHED)]
    with pytest.raises(TooManyJobs):
        submit(jobs)
    submit(jobs, "ben")
    jobs.cancel(held[2])
    submit(jobs)
    with pytest.raises(TooManyJobs):
        jobs.retry(jobs.get(held[2].id))
    with pytest.raises(TooManyJobs):
        submit(jobs)


def test_a_job_that_begins_again_keeps_its_first_start(jobs: Jobs) -> None:
    submit(jobs)
    first = claim(jobs)
    assert first.started_at == first.attempt_started_at
    assert jobs.release(first, changes={"message": "Interrupted"}, counted=False)
    again = claim(jobs, OVER)
    assert again.started_at
    assert again.attempt_started_at
    assert again.started_at == first.started_at
    assert again.attempt_started_at > again.started_at
    assert claim(jobs).started_at == first.started_at


def test_who_lost_the_lease_changes_nothing_more(jobs: Jobs) -> None:
    submit(jobs)
    slow = claim(jobs, OVER)
    quick = claim(jobs)
    assert (quick.id, quick.attempts) == (slow.id, 2)
    assert jobs.beat(slow, lease=LEASE, changes={"progress": 99.0}) is None
    assert jobs.release(slow, changes={"message": "no"}, counted=False) is None
    assert jobs.finish(slow, status="failed", changes={"message": "no"}) is None
    assert jobs.get(slow.id) == quick


def test_a_lost_job_keeps_its_place_and_is_given_up_after_the_last_attempt(jobs: Jobs) -> None:
    job = submit(jobs)
    submit(jobs, "ben")
    for attempt in range(MOST_ATTEMPTS):
        held = claim(jobs, OVER)
        assert (held.id, held.attempts) == (job.id, attempt + 1)
    assert claim(jobs).owner == "ben"
    failed = jobs.get(job.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.startswith(f"It was started {MOST_ATTEMPTS} times")
    assert failed.error_code == CRASHED


def test_a_job_that_failed_starts_again_from_nothing_behind_the_others(jobs: Jobs) -> None:
    job = _claimed(jobs, "ada")
    with pytest.raises(JobNotEnded):
        jobs.retry(job)
    said = {"message": "Failed", "error": "no", "error_code": "bad_dataset"}
    failed = {**said, "progress": 30.0, "metrics": [{"epoch": 1}]}
    assert jobs.finish(job, status="failed", changes=failed)
    ben = submit(jobs, "ben")
    queued = jobs.retry(job)
    assert (queued.status, queued.attempts, queued.progress) == ("queued", 0, 0.0)
    assert (queued.error, queued.error_code, queued.metrics) == (None, None, ())
    assert queued.completed_at is None
    assert [claim(jobs).id, claim(jobs).id] == [ben.id, job.id]
    complete(jobs, jobs.get(job.id))
    with pytest.raises(JobNotEnded):
        jobs.retry(job)


def test_forgetting_an_owner_takes_jobs_and_logs_and_fences_the_worker(
    jobs: Jobs, store: Store
) -> None:
    running, queued, bens = _claimed(jobs, "ada"), submit(jobs), submit(jobs, "ben")
    for job in (running, queued, bens):
        jobs.logs.add(job.id, 1, ["a line"])
    jobs.forget("ada")
    jobs.forget("ada")
    assert jobs.find(running.id) is jobs.find(queued.id) is None
    assert jobs.beat(running, lease=LEASE, changes={}) is None
    jobs.logs.add(running.id, 2, ["a line that came too late"])
    assert logged(store) == {bens.id}
    assert claim(jobs).id == bens.id


def test_check_finds_jobs_without_an_owner(jobs: Jobs) -> None:
    submit(jobs, "gone")
    submit(jobs, "ada")
    [fault] = jobs.check_integrity(lambda owner: owner != "gone")
    assert fault.message == "jobs of account gone, which is gone"
    assert fault.repair
    fault.repair()
    assert not list(jobs.check_integrity(lambda owner: owner != "gone"))


def test_old_jobs_go_with_their_logs(jobs: Jobs, store: Store) -> None:
    old, young, waiting = _claimed(jobs, "ada"), _claimed(jobs, "ben"), submit(jobs)
    for job in (old, young):
        complete(jobs, job)
        jobs.logs.add(job.id, 1, ["a line"])
    long_ago = {"completed_at": now() - KEPT_FOR - timedelta(days=1)}
    assert store.collection("jobs").update({"id": old.id}, {"$set": long_ago})
    jobs.sweep()
    assert {job.id for job in jobs.page_jobs(owner=None, paging=PageRequest(9)).items} == {
        young.id,
        waiting.id,
    }
    assert logged(store) == {young.id}


def test_an_account_keeps_so_many_jobs_at_most(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue, "MOST_KEPT", 2)
    waiting = submit(jobs)
    for _ in range(4):
        jobs.cancel(submit(jobs))
    newest = submit(jobs)
    kept = [job.id for job in jobs.page_jobs(owner="ada", paging=PageRequest(9)).items]
    assert len(kept) == 3
    assert {waiting.id, newest.id} <= set(kept)


def test_of_several_workers_each_job_gets_one(real_store: Store) -> None:
    jobs = Jobs(real_store)
    for _ in range(size(1, 10)):
        # Four jobs of each owner: a worker meets owners who have one running.
        submitted = {submit(jobs, f"owner{number % 10}").id for number in range(40)}
        starts: list[str] = []

        def work(starts: list[str] = starts) -> None:
            while len(starts) < 40:
                if job := jobs.claim(worker="w", lease=LEASE):
                    starts.append(job.id)
                    complete(jobs, job)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert Counter(starts) == dict.fromkeys(submitted, 1)


def test_a_damaged_job_stops_no_other(jobs: Jobs, store: Store) -> None:
    running, waiting, whole = submit(jobs, "ada"), submit(jobs, "bob"), submit(jobs, "cleo")
    lost = jobs.claim(worker="w", lease=OVER)
    assert lost
    assert lost.id == running.id
    for job in (running, waiting):
        store.collection("jobs").update({"id": job.id}, {"$unset": {"created_at": True}})
    assert claim(jobs).id == whole.id
    assert jobs.claim(worker="w", lease=LEASE) is None
    shown = FailedItems(store).walk_all()
    assert {(item.work, item.item, item.attempts) for item in shown} == {
        ("job", running.id, 1),
        ("job", waiting.id, 1),
    }
