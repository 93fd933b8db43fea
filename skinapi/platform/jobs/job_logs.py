"""The logs of jobs, stored as documents of some lines each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Records, in_transaction

# Of each job the first and the last lines are kept: how it began, and why it ended.
HEAD_LINES, TAIL_LINES = 500, 1500
LINES_OF_BATCH = 100
MOST_BATCHES = HEAD_LINES + TAIL_LINES  # where each line came alone


class LogBatch(StoredRecord):
    """Some lines in a row; `number` is the number of the first."""

    id: str
    created_at: datetime
    job: str
    number: int
    lines: tuple[str, ...]


class LogLine(NamedTuple):
    """One line; `number` counts all lines of the job from 1."""

    number: int
    text: str


class JobLogs(Records[LogBatch]):
    """The log repository."""

    collection, record = "job_logs", LogBatch
    indexes = (("job", "number", "id"), ("job", "id"))
    unique = (("job", "number"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._jobs = store.collection("jobs")

    @in_transaction
    def add(self, job: str, number: int, lines: Sequence[str]) -> None:
        """Store at most LINES_OF_BATCH lines, the first of which has this number; nothing where the
        job was deleted. Raises Duplicate if a batch begins with that number already.
        """
        batch = LogBatch(id=new_id(), created_at=now(), job=job, number=number, lines=tuple(lines))
        # It changes the job, so that a deletion at the same time deletes these lines too.
        if self._jobs.update({"id": job}, {"$inc": {"log_batches": 1}}):
            self.insert(batch)

    def trim(self, job: str, last: int) -> None:
        """Delete the batches that begin between the first lines and the last ones; `last` is the
        number of the newest line.
        """
        gone = last - TAIL_LINES
        if gone > HEAD_LINES:
            self._documents.delete({"job": job, "number": {"$gt": HEAD_LINES, "$lte": gone}})

    def last_number(self, job: str) -> int:
        """The number of the newest line; 0 without one."""
        batch = self._first({"job": job}, sort="-number")
        return batch.number + len(batch.lines) - 1 if batch else 0

    def lines(self, job: str, *, after: int) -> list[LogLine]:
        """The lines that are kept, behind the one with the number `after`, in order."""
        since = {"job": job, "number": {"$gt": after - LINES_OF_BATCH}}
        return [
            LogLine(batch.number + place, text)
            for batch in self._list(since, sort="number", limit=MOST_BATCHES)
            for place, text in enumerate(batch.lines)
            if batch.number + place > after
        ]

    def forget(self, job: str) -> None:
        self._documents.delete({"job": job})
