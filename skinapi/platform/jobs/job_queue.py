"""The repository of jobs, and their queue.

**A claim is one transaction**: it selects the next job and gives it a token and a lease. Later
writes of the worker name the token, and change nothing if another worker has taken the job
meanwhile. If a worker dies, its lease ends and `take_back` queues the job again at its old
position.

**An account runs one job at a time**, and one short job in parallel: the claim sets
`running_owner`, which is unique. **An account has at most MOST_UNFINISHED unfinished jobs**: each
has a `slot`, which is unique for its owner.

**The queue is fair** (start-time fair queueing, https://doi.org/10.1145/248156.248171): a new job
gets the round after its owner's newest one, or the round being served if that is later. The round
being served is that of the running jobs, but not above the lowest waiting one. So an account's
second job waits behind the first job of every other account, and no job waits for ever.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from skinapi.base.errors import IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.platform.jobs.job import (
    CRASHED,
    ENDED,
    KEPT_FOR,
    MOST_ATTEMPTS,
    MOST_KEPT,
    MOST_UNFINISHED,
    PERSON_FILE,
    Job,
    JobEnded,
    JobNotEnded,
    Status,
    TooManyJobs,
)
from skinapi.platform.jobs.job_logs import JobLogs
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, Ops, Store
from skinapi.platform.storage.records import Repository, in_transaction

# A busy owner has at most MOST_UNFINISHED of these, so 20 workers find a job of somebody else.
LOOK_AHEAD = 100
SWEPT_AT_ONCE = 100
WORK = "job"  # of `FailedItems`
# An idle worker takes a job within 10 s, whatever tells it of the job.
NO_WORKER = timedelta(minutes=1)
# What a list shows of a job: all but its metrics and its result, which may be 300 KB.
LISTED = tuple(Job.model_fields.keys() - {"id", "metrics", "result"})
# What belongs to one attempt, and what belongs to an unfinished job.
HELD = dict.fromkeys(("token", "worker", "lease_ends_at", "running_owner"), True)
UNFINISHED = {**HELD, "slot": True, "cancel_asked": True}
# What goes when an ended job is queued again.
OF_LAST_RUN = dict.fromkeys(
    ("error", "error_code", "result", "started_at", "attempt_started_at", "completed_at"), True
)
BEGUN_ANEW: Document = {
    "status": "queued",
    "attempts": 0,
    "progress": 0.0,
    "seconds_before": 0.0,
    "metrics": [],
    "message": "",
}
GAVE_UP = (
    f"It was started {MOST_ATTEMPTS} times, and each time its process ended without a word: "
    "the machine may have too little memory. The log shows how far it came"
)


class Jobs(Repository[Job]):
    """`on_ended` is called in the transaction that ends a job. `before_claim` is called in the one
    that takes it, and may raise.
    """

    collection, record = "jobs", Job
    indexes = (
        ("status", "queue_key", "id"),
        ("status", "short", "queue_key", "id"),
        ("status", "lease_ends_at", "id"),
        ("place", "id"),
        ("owner", "place", "id"),
        ("completed_at", "id"),
        ("status", "completed_at", "id"),
        ("queue_key", "id"),
        ("owner", "queue_key", "id"),
    )
    unique = (("owner", "idempotency_key"), ("running_owner",), ("owner", "slot"))

    def __init__(
        self,
        store: Store,
        *,
        on_ended: Callable[[Job], None] | None = None,
        before_claim: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(store)
        self._before_claim = before_claim
        self._on_ended = on_ended or (lambda _: None)
        self.logs = JobLogs(store)
        self._failed = FailedItems(store)

    def new_id(self) -> str:
        """Make an id of 8 hex digits, which a client of an earlier system expects."""
        while self._documents.get(identifier := secrets.token_hex(4)):
            pass
        return identifier

    @in_transaction
    def add(
        self,
        identifier: str,
        *,
        kind: str,
        owner: str,
        request: Mapping[str, Any],
        key: str | None = None,
        short: bool = False,
    ) -> Job:
        job = Job(
            id=identifier,
            created_at=now(),
            kind=kind,
            owner=owner,
            request=dict(request),
            status="queued",
            idempotency_key=key,
            short=short,
            **self._take_place(owner),
        )
        self.insert(job)
        self._make_room(owner)
        return job

    def find_by_key(
        self, *, kind: str, owner: str, request: Mapping[str, Any], key: str | None
    ) -> Job | None:
        job = self._by_key(key, owner=owner)
        if job and (job.kind, job.request) != (kind, request):
            raise IdempotencyKeyReused
        return job

    def page_jobs(self, *, owner: str | None, paging: PageRequest) -> Page[Job]:
        conditions: Document = {"kind": {"$ne": PERSON_FILE}}
        if owner is not None:
            conditions["owner"] = owner
        if paging.after is not None:
            last = self._documents.get(paging.after)
            if last is None or owner not in (None, last["owner"]):
                raise NotFound
            conditions["place"] = {"$lt": last["place"]}
        most = paging.limit + 1
        found = self._documents.find(conditions, sort="-place", limit=most, fields=LISTED)
        return page_of(found, paging).map_all(self._read_each)

    def list_failed(self, *, limit: int) -> list[Job]:
        failed: Document = {"status": "failed", "kind": {"$ne": PERSON_FILE}}
        return self._list(failed, sort="-completed_at", limit=limit, fields=LISTED)

    def unfinished_requests(self) -> list[Mapping[str, Any]]:
        waiting, running = (
            self._documents.find({"status": status}, sort="queue_key", fields=("request",))
            for status in ("queued", "running")
        )
        return [document["request"] for document in (*waiting, *running)]

    def count_unfinished(self) -> dict[str, int]:
        running = self._documents.count({"status": "running"})
        late = {"status": "running", "lease_ends_at": {"$lt": now()}}
        lost = min(running, self._documents.count(late))
        queued = self._documents.count({"status": "queued"})
        return {"queued": queued, "running": running - lost, "lost": lost}

    def next_waits(self) -> timedelta:
        waiting = self._documents.find(
            {"status": "queued"}, sort="queue_key", limit=LOOK_AHEAD, fields=("place",)
        )
        damaged = self._failed.find_all(WORK) if waiting else ()
        for job in waiting:
            if job["id"] not in damaged:  # which no worker can take
                return max(now() - made_at(job["place"]), timedelta(0))
        return timedelta(0)

    def find_wait_without_worker(self) -> timedelta | None:
        """Find how long the next job has waited without any active worker. An idle worker takes a
        job within seconds, and a busy one renews its lease.
        """
        waits = self.next_waits()
        return waits if waits >= NO_WORKER and not self.count_unfinished()["running"] else None

    @in_transaction
    def cancel(self, job: Job) -> Job:
        job = self.get(job.id)
        if job.status == "cancelled":
            return job
        if job.ended:
            raise JobEnded
        ops: Ops = {"$set": {"cancel_asked": True, "message": "Being cancelled"}}
        if job.status == "queued":
            ended = {"status": "cancelled", "message": "Cancelled", "completed_at": now()}
            ops = {"$set": ended, "$unset": UNFINISHED}
        changed = self._apply(job.id, ops)
        if changed.ended:
            self._on_ended(changed)
        return changed

    @in_transaction
    def retry(self, job: Job) -> Job:
        job = self.get(job.id)
        if job.status not in ("failed", "cancelled"):
            raise JobNotEnded
        queued = {**self._take_place(job.owner), **BEGUN_ANEW}
        return self._apply(job.id, {"$set": queued, "$unset": OF_LAST_RUN})

    def _apply(self, identifier: str, ops: Ops) -> Job:
        return Job.model_validate(self._documents.update({"id": identifier}, ops))

    def claim(self, *, worker: str, lease: timedelta, short_only: bool = False) -> Job | None:
        self.take_back()
        wanted: Filter = {"status": "queued", **({"short": True} if short_only else {})}
        # Without a transaction, which no idle worker needs every second.
        if not self._documents.find(wanted, sort="queue_key", limit=1, fields=()):
            return None
        return self._claim(wanted, worker, lease)

    @in_transaction
    def _claim(self, wanted: Filter, worker: str, lease: timedelta) -> Job | None:
        self._before_claim()
        running = self._documents.find(
            {"status": "running"}, sort="queue_key", fields=("running_owner",)
        )
        busy = {job.get("running_owner") for job in running}
        waiting = self._documents.find(
            wanted,
            sort="queue_key",
            limit=LOOK_AHEAD,
            fields=("owner", "kind", "progress", "short", "started_at"),
        )
        free = [job for job in waiting if _lane_of(job) not in busy]
        # A person is waiting for a PERSON_FILE, which takes seconds; other jobs take longer.
        first = sorted(free, key=lambda job: job["kind"] != PERSON_FILE)
        take = partial(self._take, worker, lease)
        return next(self._failed.each(WORK, first, take), None)

    def _take(self, worker: str, lease: timedelta, job: Document) -> Job:
        Job.model_validate(self._documents.get(job["id"]))  # before it is changed
        moment = now()
        taken = {
            "status": "running",
            "running_owner": _lane_of(job),
            "token": secrets.token_hex(16),
            "worker": worker,
            "lease_ends_at": moment + lease,
            "attempt_started_at": moment,
            "started_at": job.get("started_at") or moment,
        }
        return self._apply(job["id"], {"$set": taken, "$inc": {"attempts": 1}})

    def beat(self, job: Job, *, lease: timedelta, changes: Mapping[str, Any]) -> Job | None:
        """Renew the lease of a running job and change it; None if another worker has the lease."""
        return self._as_holder(job, {"$set": {"lease_ends_at": now() + lease, **changes}})

    @in_transaction
    def finish(self, job: Job, *, status: Status, changes: Mapping[str, Any]) -> Job | None:
        ended = {**changes, "status": status, "completed_at": now()}
        finished = self._as_holder(job, {"$set": ended, "$unset": UNFINISHED})
        if finished:
            self._on_ended(finished)
        return finished

    def release(
        self, job: Job, *, changes: Mapping[str, Any], counted: bool, seconds: float = 0.0
    ) -> Job | None:
        ran = {"status": "queued", "seconds_before": job.seconds_before + max(0.0, seconds)}
        ops: Ops = {"$set": {**changes, **ran}, "$unset": HELD}
        if not counted:
            ops["$inc"] = {"attempts": -1}
        return self._as_holder(job, ops)

    def take_back(self) -> None:
        late = {"status": "running", "lease_ends_at": {"$lt": now()}}
        documents = self._documents.find(late, sort="lease_ends_at", limit=LOOK_AHEAD)
        self._failed.do_each(WORK, documents, self._take_back)

    def _take_back(self, document: Document) -> None:
        job = Job.model_validate(document)
        if job.cancel_asked:
            self.finish(job, status="cancelled", changes={"message": "Cancelled"})
        elif job.attempts >= MOST_ATTEMPTS:
            gave_up = {"message": "Failed", "error": GAVE_UP, "error_code": CRASHED}
            self.finish(job, status="failed", changes=gave_up)
        else:
            disappeared = {"message": "Its worker disappeared; it waits again"}
            until, began = job.lease_ends_at, job.attempt_started_at
            held = (min(until, now()) - began).total_seconds() if until and began else 0.0
            self.release(job, changes=disappeared, counted=True, seconds=held)

    def sweep(self) -> None:
        old = {"completed_at": {"$lt": now() - KEPT_FOR}}
        for document in self._documents.find(
            old, sort="completed_at", limit=SWEPT_AT_ONCE, fields=()
        ):
            self._remove(document["id"], {"completed_at": old["completed_at"]})

    def forget(self, owner: str) -> int:
        """A running job stops at the next heartbeat of its worker."""
        own, deleted = {"owner": owner}, 0
        while documents := self._documents.find(own, sort="-place", limit=SWEPT_AT_ONCE, fields=()):
            for document in documents:
                self._remove(document["id"], {})
            deleted += len(documents)
        return deleted

    def check_integrity(self, owner_stays: Callable[[str], bool]) -> Iterator[Fault]:
        for owner in self._gone("owner", owner_stays):
            yield Fault(f"jobs of account {owner}, which is gone", partial(self.forget, owner))

    def _as_holder(self, job: Job, ops: Ops) -> Job | None:
        return self._read(self._documents.update({"id": job.id, "token": job.token}, ops))

    def _make_room(self, owner: str) -> None:
        kept: Sequence[Document] = self._documents.find(
            {"owner": owner}, sort="-place", limit=MOST_KEPT + 10, fields=("status",)
        )
        for document in kept[MOST_KEPT:]:
            if document["status"] in ENDED:
                self._remove(document["id"], {"status": document["status"]})

    def _take_place(self, owner: str) -> Document:
        unfinished = {"owner": owner, "slot": {"$gte": 0}}
        held = self._documents.find(unfinished, sort="slot", fields=("slot",))
        taken = {job["slot"] for job in held}
        free = next((slot for slot in range(MOST_UNFINISHED) if slot not in taken), None)
        if free is None:
            raise TooManyJobs
        place = new_id()
        return {
            "slot": free,
            "place": place,
            "queue_key": f"{self._next_round(owner):010d}-{place}",
        }

    def _next_round(self, owner: str) -> int:
        running = self._round_of({"status": "running"}, sort="-queue_key")
        waiting = self._round_of({"status": "queued"}, sort="queue_key")
        served = min((number for number in (running, waiting) if number is not None), default=None)
        if served is None:  # no job is running or waiting: continue after the newest job's round
            served = self._round_of({}, sort="-queue_key")
        own = self._round_of({"owner": owner}, sort="-queue_key")
        return max(served or 0, 0 if own is None else own + 1)

    def _round_of(self, filter: Document, *, sort: str) -> int | None:
        jobs = self._documents.find(filter, sort=sort, limit=1, fields=("queue_key",))
        return int(jobs[0]["queue_key"].partition("-")[0]) if jobs else None

    @in_transaction
    def _remove(self, identifier: str, unchanged: Document) -> None:
        if self._documents.delete({"id": identifier, **unchanged}):
            self.logs.forget(identifier)


def _lane_of(job: Document) -> str:
    return f"{job['owner']} short" if job.get("short") else str(job["owner"])
