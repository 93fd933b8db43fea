"""The repository of jobs, and the queue that they form.

**One document decides.** A worker takes a job with one atomic update that gives it a token and a
lease; each later write of the worker names the token, and changes nothing if another worker has
taken the job meanwhile. Whoever dies leaves a lease that ends: `take_back` then queues the job
again, at its old place.

**One job of an account runs at a time**, and one short job beside it: the claim sets
`running_owner`, which is unique. What a job's place in the queue is, places.py decides.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from skinapi.errors import Duplicate, IdempotencyKeyReused, NotFound
from skinapi.jobs.errors import JobEnded, JobNotEnded
from skinapi.jobs.job import (
    CRASHED,
    ENDED,
    KEPT_FOR,
    MOST_ATTEMPTS,
    MOST_KEPT,
    Job,
    Status,
)
from skinapi.jobs.log_store import JobLogs
from skinapi.jobs.places import Places
from skinapi.storage.faults import Fault
from skinapi.storage.ids import CLOCK_TOLERANCE, made_at, now
from skinapi.storage.ports import Document, Ops, Store

# A busy owner has at most MOST_UNFINISHED of these, so 20 workers find a job of somebody else.
LOOK_AHEAD = 100
SWEPT_AT_ONCE = 100
# What a list shows of a job: all but its metrics and its result, which may be 300 KB.
LISTED = tuple(Job.model_fields.keys() - {"id", "metrics", "result"})
# What belongs to one attempt, and what belongs to an unfinished job.
HELD = dict.fromkeys(("token", "worker", "lease_ends_at", "running_owner"), True)
UNFINISHED = {**HELD, "slot": True, "cancel_asked": True}
# What goes when an ended job is queued again, where the request for it brings no other.
OF_LAST_RUN = {
    "error",
    "error_code",
    "result",
    "started_at",
    "attempt_started_at",
    "completed_at",
    "traceparent",
}
GAVE_UP = (
    f"It was started {MOST_ATTEMPTS} times, and each time its process ended without a word: "
    "the machine may have too little memory. The log shows how far it came"
)


class Jobs:
    """The repository; the logs of jobs are deleted with them."""

    def __init__(self, store: Store) -> None:
        self.logs = JobLogs(store)
        self._documents = store.collection("jobs")
        self._documents.ensure_index("owner", "idempotency_key", unique=True)
        self._documents.ensure_index("running_owner", unique=True)
        self._documents.ensure_index("status", "queue_key", "id")
        self._documents.ensure_index("status", "short", "queue_key", "id")
        self._documents.ensure_index("status", "lease_ends_at", "id")
        self._documents.ensure_index("place", "id")
        self._documents.ensure_index("owner", "place", "id")
        self._documents.ensure_index("completed_at", "id")
        self._places = Places(self._documents)

    def new_id(self) -> str:
        """8 hex digits, which is the form that DermaScan lab expects."""
        while self._documents.get(identifier := secrets.token_hex(4)):
            pass
        return identifier

    def add(
        self,
        *,
        identifier: str,
        kind: str,
        owner: str,
        request: Mapping[str, Any],
        key: str | None = None,
        short: bool = False,
    ) -> Job:
        """Queue a new job; or the one that a retry with this key has queued at the same time.

        Raises IdempotencyKeyReused, TooManyJobs.
        """

        def insert(queued: Document) -> Job:
            job = Job(
                id=identifier,
                created_at=now(),
                kind=kind,
                owner=owner,
                request=dict(request),
                status="queued",
                idempotency_key=key,
                short=short,
                **queued,
            )
            try:
                self._documents.insert({**job.model_dump(), "metrics": [], "schema": 1})
            except Duplicate:
                if before := self.added_before(kind=kind, owner=owner, request=request, key=key):
                    return before
                raise
            return job

        job = self._places.take(owner, insert)
        self._make_room(owner)
        return job

    def added_before(
        self, *, kind: str, owner: str, request: Mapping[str, Any], key: str | None
    ) -> Job | None:
        """The job that the same request with the same key has queued before, if it is still kept.

        Raises IdempotencyKeyReused for another request with that key.
        """
        if key is None:
            return None
        found = self._documents.find({"owner": owner, "idempotency_key": key}, limit=1)
        if not found:
            return None
        before = Job.model_validate(found[0])
        if (before.kind, before.request) != (kind, request):
            raise IdempotencyKeyReused
        return before

    def get(self, identifier: str) -> Job | None:
        found = self._documents.get(identifier)
        return Job.model_validate(found) if found else None

    def find(self, *, owner: str | None, after: str | None, limit: int) -> list[Job]:
        """Jobs of one owner or of all, the newest first, behind the one with the id `after`.

        Raises NotFound if there is no such job among them.
        """
        conditions: Document = {} if owner is None else {"owner": owner}
        if after is not None:
            last = self._documents.get(after)
            if last is None or owner not in (None, last["owner"]):
                raise NotFound
            conditions["place"] = {"$lt": last["place"]}
        found = self._documents.find(conditions, sort="-place", limit=limit, fields=LISTED)
        return [Job.model_validate(document) for document in found]

    def unfinished_requests(self) -> list[Mapping[str, Any]]:
        """What all jobs that wait or run were asked for."""
        waiting, running = (
            self._documents.find({"status": status}, sort="queue_key", fields=("request",))
            for status in ("queued", "running")
        )
        return [document["request"] for document in (*waiting, *running)]

    def count_unfinished(self) -> dict[str, int]:
        """How many jobs are queued, running, and lost: called running, but their lease is over."""
        running = self._documents.count({"status": "running"})
        late = {"status": "running", "lease_ends_at": {"$lt": now()}}
        lost = min(running, self._documents.count(late))
        queued = self._documents.count({"status": "queued"})
        return {"queued": queued, "running": running - lost, "lost": lost}

    def next_waits(self) -> timedelta:
        """How long the job whose turn it is has waited; zero without one."""
        found = self._documents.find(
            {"status": "queued"}, sort="queue_key", limit=1, fields=("place",)
        )
        return max(now() - made_at(found[0]["place"]), timedelta(0)) if found else timedelta(0)

    def cancel(self, job: Job) -> Job:
        """End a queued job, or ask the worker of a running one to stop it. Raises JobEnded,
        NotFound.
        """
        cancelled = {"status": "cancelled", "message": "Cancelled", "completed_at": now()}
        asked = {"cancel_asked": True, "message": "Being cancelled"}
        # Twice: it may start, or go back into the queue, between the two updates.
        for _ in range(2):
            changed = self._documents.update(
                {"id": job.id, "status": "queued"}, {"$set": cancelled, "$unset": UNFINISHED}
            ) or self._documents.update({"id": job.id, "status": "running"}, {"$set": asked})
            if changed:
                return Job.model_validate(changed)
        found = self.get(job.id)
        if found is None:
            raise NotFound
        if found.status != "cancelled":
            raise JobEnded
        return found

    def retry(self, job: Job) -> Job:
        """Queue a job that failed or was cancelled once more, behind the others. Raises
        JobNotEnded, TooManyJobs, NotFound.
        """

        def queue(queued: Document) -> Job:
            changed = self._documents.update(
                {"id": job.id, "status": {"$in": ["failed", "cancelled"]}},
                {
                    "$set": {
                        **queued,
                        "status": "queued",
                        "attempts": 0,
                        "progress": 0.0,
                        "seconds_before": 0.0,
                        "metrics": [],
                        "message": "",
                    },
                    "$unset": dict.fromkeys(OF_LAST_RUN - queued.keys(), True),
                },
            )
            if changed is None:
                raise JobNotEnded if self.get(job.id) else NotFound
            return Job.model_validate(changed)

        return self._places.take(job.owner, queue)

    def claim(self, *, worker: str, lease: timedelta, short_only: bool = False) -> Job | None:
        """Take the job, or the short job, whose turn it is, or None."""
        self._shorten_leases(lease)
        self.take_back()
        busy: set[str] = set()
        for waiting in self._documents.find(
            {"status": "queued", **({"short": True} if short_only else {})},
            sort="queue_key",
            limit=LOOK_AHEAD,
            fields=("owner", "queue_key", "progress", "short"),
        ):
            place = f"{waiting['owner']} short" if waiting.get("short") else waiting["owner"]
            if place in busy:
                continue
            taken = {
                "status": "running",
                "running_owner": place,
                "token": secrets.token_hex(16),
                "worker": worker,
                "lease_ends_at": now() + lease,
                "attempt_started_at": now(),
                "progress_before": waiting.get("progress", 0.0),
            }
            unchanged = {
                "id": waiting["id"],
                "status": "queued",
                "queue_key": waiting["queue_key"],
            }
            try:
                job = self._documents.update(unchanged, {"$set": taken, "$inc": {"attempts": 1}})
            except Duplicate:
                busy.add(place)
                continue
            if job:
                return self._note_first_start(Job.model_validate(job))
        return None

    def beat(self, job: Job, *, lease: timedelta, changes: Mapping[str, Any]) -> Job | None:
        """Renew the lease of a running job and change it; None if the lease is another's now."""
        return self._as_holder(job, {"$set": {"lease_ends_at": now() + lease, **changes}})

    def finish(self, job: Job, *, status: Status, changes: Mapping[str, Any]) -> Job | None:
        """End a running job; None if the lease is another's now."""
        ended = {**changes, "status": status, "completed_at": now()}
        return self._as_holder(job, {"$set": ended, "$unset": UNFINISHED})

    def release(
        self, job: Job, *, changes: Mapping[str, Any], counted: bool, seconds: float = 0.0
    ) -> Job | None:
        """Give a running job back, at its old place, after so many seconds. Unless `counted`, it
        was no attempt.
        """
        ran = {"status": "queued", "seconds_before": job.seconds_before + max(0.0, seconds)}
        ops: Ops = {"$set": {**changes, **ran}, "$unset": HELD}
        if not counted:
            ops["$inc"] = {"attempts": -1}
        return self._as_holder(job, ops)

    def take_back(self) -> None:
        """Queue the jobs whose worker let the lease end; fail those that had all their attempts."""
        late = {"status": "running", "lease_ends_at": {"$lt": now()}}
        for document in self._documents.find(late, sort="lease_ends_at", limit=LOOK_AHEAD):
            job = Job.model_validate(document)
            if job.cancel_asked:
                self.finish(job, status="cancelled", changes={"message": "Cancelled"})
            elif job.attempts >= MOST_ATTEMPTS:
                gave_up = {"message": "Failed", "error": GAVE_UP, "error_code": CRASHED}
                self.finish(job, status="failed", changes=gave_up)
            else:
                disappeared = {"message": "Its worker disappeared; it waits again"}
                held = _seconds_held(job)
                self.release(job, changes=disappeared, counted=True, seconds=held)

    def _shorten_leases(self, lease: timedelta) -> None:
        """Let leases from the future end like any other: a dead worker would hold its job for as
        long as the clock was ahead. A living one renews its lease before it ends.
        """
        ahead = {"$gt": now() + lease + CLOCK_TOLERANCE}
        far = {"status": "running", "lease_ends_at": ahead}
        for document in self._documents.find(
            far, sort="lease_ends_at", limit=LOOK_AHEAD, fields=()
        ):
            unchanged = {"id": document["id"], "lease_ends_at": ahead}
            self._documents.update(unchanged, {"$set": {"lease_ends_at": now() + lease}})

    def sweep(self) -> None:
        """Delete some of the jobs that ended KEPT_FOR ago, with their logs. One that ended in the
        future ended now: it would be kept for longer.
        """
        ahead = {"completed_at": {"$gt": now() + CLOCK_TOLERANCE}}
        for document in self._documents.find(
            ahead, sort="completed_at", limit=SWEPT_AT_ONCE, fields=()
        ):
            self._documents.update(
                {"id": document["id"], **ahead}, {"$set": {"completed_at": now()}}
            )
        old = {"completed_at": {"$lt": now() - KEPT_FOR}}
        for document in self._documents.find(
            old, sort="completed_at", limit=SWEPT_AT_ONCE, fields=()
        ):
            self._remove(document["id"], {"completed_at": old["completed_at"]})

    def forget(self, owner: str) -> None:
        """Delete all jobs of an owner. The worker of a running one notices with its next beat, and
        stops it. It is idempotent.
        """
        own = {"owner": owner}
        while found := self._documents.find(own, sort="-place", limit=SWEPT_AT_ONCE, fields=()):
            for document in found:
                self._remove(document["id"], {})

    def faults(self, owner_stays: Callable[[str], bool]) -> Iterator[Fault]:
        """Yield jobs whose owner is gone, and logs whose job is gone."""
        for owner in sorted(self._documents.count_by("owner")):
            if not owner_stays(owner):
                says = f"jobs of account {owner}, which is gone"
                yield Fault(says, partial(self.forget, owner))
        for job in sorted(self.logs.jobs()):
            if self._documents.get(job) is None:
                says = f"a log of job {job}, which is gone"
                yield Fault(says, partial(self.logs.forget, job))

    def _as_holder(self, job: Job, ops: Ops) -> Job | None:
        changed = self._documents.update({"id": job.id, "token": job.token}, ops)
        return Job.model_validate(changed) if changed else None

    def _note_first_start(self, job: Job) -> Job:
        """A crash before this is no harm: the next attempt then is the first start."""
        if job.started_at is not None:
            return job
        started = {"$set": {"started_at": job.attempt_started_at}}
        return self._as_holder(job, started) or job

    def _make_room(self, owner: str) -> None:
        """Remove what an owner has beyond MOST_KEPT; of the oldest, only what has ended."""
        kept: Sequence[Document] = self._documents.find(
            {"owner": owner}, sort="-place", limit=MOST_KEPT + 10, fields=("status",)
        )
        for document in kept[MOST_KEPT:]:
            if document["status"] in ENDED:
                self._remove(document["id"], {"status": document["status"]})

    def _remove(self, identifier: str, unchanged: Document) -> None:
        """Delete a job and its log. First the log: a log without a job is found by `check` alone.
        Then the log again: the worker of a running job may have written to it meanwhile.
        """
        self.logs.forget(identifier)
        if self._documents.delete({"id": identifier, **unchanged}):
            self.logs.forget(identifier)


def _seconds_held(job: Job) -> float:
    """By a worker that has disappeared."""
    if job.attempt_started_at is None or job.lease_ends_at is None:
        return 0.0
    return (job.lease_ends_at - job.attempt_started_at).total_seconds()
