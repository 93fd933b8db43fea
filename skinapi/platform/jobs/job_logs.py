import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from skinapi.base.errors import Duplicate
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository, in_transaction

# Of each job the first and the last lines are kept: how it began, and why it ended.
HEAD_LINES, TAIL_LINES = 500, 1500
LINES_OF_BATCH = 100
MOST_BATCHES = HEAD_LINES + TAIL_LINES  # if each batch has one line


class LogBatch(StoredRecord):
    id: str
    created_at: datetime
    job: str
    number: int
    lines: tuple[str, ...]


class LogLine(Value):
    """One line; `number` counts all lines of the job from 1."""

    number: int
    text: str


class JobLogs(Repository[LogBatch]):
    collection, record = "job_logs", LogBatch
    indexes = (("job", "number", "id"), ("job", "id"))
    unique = (("job", "number"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._jobs = store.collection("jobs")

    @in_transaction
    def add(self, job: str, number: int, lines: Sequence[str]) -> None:
        batch = LogBatch(id=new_id(), created_at=now(), job=job, number=number, lines=tuple(lines))
        # It changes the job, so that a deletion at the same time deletes these lines too.
        if self._jobs.update({"id": job}, {"$inc": {"log_batches": 1}}):
            self.insert(batch)

    def trim(self, job: str, last: int) -> None:
        gone = last - TAIL_LINES
        if gone > HEAD_LINES:
            self._documents.delete({"job": job, "number": {"$gt": HEAD_LINES, "$lte": gone}})

    def last_number(self, job: str) -> int:
        batch = self._first({"job": job}, sort="-number")
        return batch.number + len(batch.lines) - 1 if batch else 0

    def lines(self, job: str, *, after: int) -> list[LogLine]:
        since = {"job": job, "number": {"$gt": after - LINES_OF_BATCH}}
        return [
            LogLine(number=batch.number + index, text=text)
            for batch in self._list(since, sort="number", limit=MOST_BATCHES)
            for index, text in enumerate(batch.lines)
            if batch.number + index > after
        ]

    def forget(self, job: str) -> None:
        self._documents.delete({"job": job})


LONGEST_LINE = 500
# Of a line without an end no more than this waits for it; a secret is looked for in so much.
LONGEST_RAW_LINE = 8 * 1024
HIDDEN = "[secret]"
# Colours and cursor movements: https://ecma-international.org/publications-and-standards/standards/ecma-48/
# As in the store: no NUL, no halves of surrogate pairs; and no control characters in a line.
UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")


# What TensorFlow's libraries in C++ print of themselves, whatever TF_CPP_MIN_LOG_LEVEL says: glog's
# lines of the levels below an error.
OF_LIBRARIES = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:[\d.:]+ +\d+ \S+:\d+\] |WARNING: All log messages before absl::"
    rb"|To enable the following instructions: "
)


class LogLines:
    """Takes the output of one attempt. It keeps at most as many lines between two calls of `flush`
    as a log may have, and cleans only what is stored: a process may print 100 MB.
    """

    def __init__(self, logs: JobLogs, job: str, *, secrets: Sequence[str] = ()) -> None:
        self._logs, self._job = logs, job
        hidden = [re.escape(secret) for secret in secrets if secret]
        self._hide = re.compile("|".join(hidden)) if hidden else None
        self._number = logs.last_number(job)
        self._head: deque[tuple[int, bytes]] = deque()
        self._tail: deque[tuple[int, bytes]] = deque(maxlen=TAIL_LINES)
        self._rest = b""
        self._skips = False

    def feed(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._skips:
                self._add(line)
            self._skips = False
        # The end may be the first half of an end of line.
        self._rest = _newest(rest) + (b"\r" if rest.endswith(b"\r") else b"")
        if len(self._rest) > LONGEST_RAW_LINE:
            if not self._skips:
                self._add(self._rest[:LONGEST_RAW_LINE])
            self._rest, self._skips = b"", True

    def end(self) -> None:
        if self._rest and not self._skips:
            self._add(self._rest)
        self._rest = b""

    def say(self, text: str) -> None:
        self._add(text.encode())

    def _add(self, line: bytes) -> None:
        if OF_LIBRARIES.match(line):
            return
        self._number += 1
        waiting = self._head if self._number <= HEAD_LINES else self._tail
        waiting.append((self._number, line))

    def _clean(self, line: bytes) -> str:
        text = _newest(line)[:LONGEST_RAW_LINE].decode("utf-8", "replace")
        if self._hide:
            text = self._hide.sub(HIDDEN, text)
        return UNPRINTABLE.sub(" ", ESCAPES.sub("", text))[:LONGEST_LINE].rstrip()

    def flush(self) -> None:
        while waiting := self._head or self._tail:
            batch = list(islice(waiting, LINES_OF_BATCH))
            # Duplicate: it was stored by the last call, which got no answer.
            with suppress(Duplicate):
                number, _ = batch[0]
                self._logs.add(self._job, number, [self._clean(line) for _, line in batch])
            for _ in batch:
                waiting.popleft()
        self._logs.trim(self._job, self._number)


def _newest(line: bytes) -> bytes:
    """Return what a terminal would show last: a progress bar rewrites its line after "\\r"."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]
