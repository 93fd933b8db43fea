"""Jobs: submitted, claimed, ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skinapi.jobs.job import Job
from skinapi.jobs.job_queue import Jobs
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on

LEASE = timedelta(seconds=30)
DONE = {"message": "Completed", "result": {"accuracy": 0.9}}


@dataclass
class Owner:
    ada: Person
    account: str
    jobs: Jobs
    held: Job | None = None


Act = Callable[[Backend, Owner], object]


def without_jobs(backend: Backend) -> Owner:
    ada = backend.member(role="researcher")
    return Owner(ada, backend.account(ada.email).id, Jobs(backend.services.store))


def queued(backend: Backend) -> Owner:
    owner = without_jobs(backend)
    submit(backend, owner)
    return owner


def running(backend: Backend) -> Owner:
    owner = queued(backend)
    owner.held = claim(backend, owner)
    return owner


def cancelled(backend: Backend) -> Owner:
    owner = queued(backend)
    call("cancel")(backend, owner)
    return owner


def submit(backend: Backend, owner: Owner) -> object:
    return backend.services.jobs.submit(kind="train", owner=owner.account, request={})


def claim(backend: Backend, owner: Owner) -> Job | None:
    """It is this owner's turn."""
    backend.services.store.collection("jobs").delete({"owner": {"$ne": owner.account}})
    return owner.jobs.claim(worker="w", lease=LEASE)


def finish(_: Backend, owner: Owner) -> object:
    assert owner.held
    return owner.jobs.finish(owner.held, status="completed", changes=DONE)


def give_back(_: Backend, owner: Owner) -> object:
    assert owner.held
    return owner.jobs.release(owner.held, changes={"message": "Interrupted"}, counted=False)


def log(_: Backend, owner: Owner) -> object:
    assert owner.held
    owner.jobs.logs.add(owner.held.id, 1, ["a line"])
    return None


def call(what: str) -> Act:
    def act(_: Backend, owner: Owner) -> object:
        [job] = owner.jobs.list_jobs(owner=owner.account, after=None, limit=1)
        return owner.ada.call("POST", f"/jobs/{job.id}/{what}")

    return act


def jobs_and_rows(backend: Backend, owner: Owner) -> Any:
    found = []
    for listed in owner.ada.call("GET", "/jobs").get_json():
        job = owner.ada.call("GET", f"/jobs/{listed['id']}").get_json()
        lines = owner.ada.call("GET", f"/jobs/{listed['id']}/log").get_json()["lines"]
        kept = (job["status"], job["attempts"], job["message"], job["result"], len(lines))
        found.append((*kept, *acts_on(backend, job["id"])))
    return found


USE_CASES = (
    UseCase("submit a job", without_jobs, submit, jobs_and_rows),
    UseCase("claim a job", queued, claim, jobs_and_rows),
    UseCase("cancel a waiting job", queued, call("cancel"), jobs_and_rows),
    UseCase("cancel a running job", running, call("cancel"), jobs_and_rows),
    UseCase("retry a job", cancelled, call("retry"), jobs_and_rows),
    UseCase("finish a job", running, finish, jobs_and_rows),
    UseCase("give a job back", running, give_back, jobs_and_rows),
    UseCase("log a line of a job", running, log, jobs_and_rows),
)
