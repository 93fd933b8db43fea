"""Cuts what a job's process prints into lines of its log: bounded, printable, without secrets."""

import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from skinapi.errors import Duplicate
from skinapi.jobs.job_logs import HEAD_LINES, LINES_OF_BATCH, TAIL_LINES, JobLogs
from skinapi.jobs.job_process import UNPRINTABLE

LONGEST_LINE = 500
# Of a line without an end no more than this waits for it; a secret is looked for in so much.
LONGEST_RAW_LINE = 8 * 1024
HIDDEN = "[secret]"
# Colours and cursor movements: https://ecma-international.org/publications-and-standards/standards/ecma-48/
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")


class LogLines:
    """Takes the output of one attempt, and stores it now and then.

    Between two calls of `flush`, no more lines wait than a job's log may have, and only what is
    stored is cleaned: a process may print 100 MB.
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
        """The output has ended: its last line may lack an end."""
        if self._rest and not self._skips:
            self._add(self._rest)
        self._rest = b""

    def say(self, text: str) -> None:
        """Add one line of the worker's own."""
        self._add(text.encode())

    def _add(self, line: bytes) -> None:
        self._number += 1
        waiting = self._head if self._number <= HEAD_LINES else self._tail
        waiting.append((self._number, line))

    def _clean(self, line: bytes) -> str:
        text = _newest(line)[:LONGEST_RAW_LINE].decode("utf-8", "replace")
        if self._hide:
            text = self._hide.sub(HIDDEN, text)
        return UNPRINTABLE.sub(" ", ESCAPES.sub("", text))[:LONGEST_LINE].rstrip()

    def flush(self) -> None:
        """Store the lines that came since the last call. Raises StoreUnavailable; then they are
        stored by the next call.
        """
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
    """What a terminal would show last: a progress bar begins its line anew with "\\r"."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]
