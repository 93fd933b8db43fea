"""The places of jobs in the queue.

**An account has at most MOST_UNFINISHED**: each unfinished job has a `slot`, one of so many
numbers, unique with its owner.

**The queue is fair** (start-time fair queueing, https://doi.org/10.1145/248156.248171): a new job
gets the round after its owner's newest one, or the round that is being served if that is later:
that of the jobs that run, but none after the lowest that waits. So somebody's second job waits
behind everybody's first, also while the first one runs, and nobody waits for ever.
"""

from skinapi.platform.jobs.job import MOST_UNFINISHED, TooManyJobs
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Document, Documents


class Places:
    """The slots and places of the jobs in this collection."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._documents.ensure_index("owner", "slot", unique=True)
        self._documents.ensure_index("queue_key", "id")
        self._documents.ensure_index("owner", "queue_key", "id")

    def take(self, owner: str) -> Document:
        """The fields of a job that joins the queue: a slot that no unfinished job of the owner has,
        and a place. Call it in the transaction that stores them. Raises TooManyJobs.
        """
        unfinished = {"owner": owner, "slot": {"$gte": 0}}
        held = self._documents.find(unfinished, sort="slot", fields=("slot",))
        taken = {job["slot"] for job in held}
        free = next((slot for slot in range(MOST_UNFINISHED) if slot not in taken), None)
        if free is None:
            raise TooManyJobs
        place = new_id()
        queue_key = f"{self._next_round(owner):010d}-{place}"
        return {"slot": free, "place": place, "queue_key": queue_key}

    def _next_round(self, owner: str) -> int:
        running = self._round_of({"status": "running"}, sort="-queue_key")
        waiting = self._round_of({"status": "queued"}, sort="queue_key")
        served = min((number for number in (running, waiting) if number is not None), default=None)
        if served is None:  # nobody works or waits: the round of the newest job was served last
            served = self._round_of({}, sort="-queue_key")
        own = self._round_of({"owner": owner}, sort="-queue_key")
        return max(served or 0, 0 if own is None else own + 1)

    def _round_of(self, filter: Document, *, sort: str) -> int | None:
        jobs = self._documents.find(filter, sort=sort, limit=1, fields=("queue_key",))
        return int(jobs[0]["queue_key"].partition("-")[0]) if jobs else None
