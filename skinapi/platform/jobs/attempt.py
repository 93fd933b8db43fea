import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from skinapi.base.errors import StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.jobs.handlers import BUSY
from skinapi.platform.jobs.job import CRASHED, MOST_ATTEMPTS, NO_RIGHT, TOOK_TOO_LONG, Job, Status
from skinapi.platform.jobs.job_logs import LogLines
from skinapi.platform.jobs.job_process import (
    LONGEST_MESSAGE,
    JobProcess,
    clean_code,
    clean_progress,
    clean_result,
    clean_text,
    with_row,
)
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.process import boot_time, described

# Why an attempt is over although its process had not ended.
StopReason = Literal["cancelled", "stopping", "fenced", "lease", "no right", "time"]


@dataclass(frozen=True)
class Timing:
    """Times in seconds. The guard of a job kills it `margin` before its lease ends. An idle worker
    polls the store every `poll`, or every `seldom_poll` if a broker answers.
    """

    lease: float = 30.0
    beat: float = 2.0
    poll: float = 1.5
    seldom_poll: float = 10.0
    grace: float = 10.0
    margin: float = 2.0
    store_retry: float = 1.0
    longest: float = 24 * 3600.0
    longest_short: float = 4 * 3600.0

    @property
    def lease_time(self) -> timedelta:
        return timedelta(seconds=self.lease)

    def longest_of(self, job: Job) -> float:
        return self.longest_short if job.short else self.longest


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    worker: str
    command: Sequence[str]
    folder: Path
    timing: Timing
    secrets: Sequence[str]
    may_work: Callable[[Job], bool]
    stopping: Callable[[], bool]


class Attempt:
    def __init__(
        self, settings: WorkerSettings, *, jobs: Jobs, job: Job, claimed_at: float, wakeup: int
    ) -> None:
        """`claimed_at` is the `boot_time` before the claim: the lease has been running since
        then.
        """
        self._settings, self._timing = settings, settings.timing
        self._jobs, self._job, self._wakeup = jobs, job, wakeup
        self._lines = LogLines(jobs.logs, job.id, secrets=settings.secrets)
        self._lines.say(f"[attempt {job.attempts} of {MOST_ATTEMPTS}]")
        self._stop: StopReason | None = None
        self._result: Any = None
        self._error: str | None = None
        self._code: str | None = None
        self._again = False
        self._metrics = job.metrics
        self._news: dict[str, Any] = {"message": "Starting"}
        self._claimed_at = claimed_at
        self._lease_ends = claimed_at + self._timing.lease - self._timing.margin
        self._next_beat = time.monotonic()
        self._process = JobProcess(
            settings.command,
            job,
            folder=settings.folder,
            lease_s=self._lease_left(),
            on_output=self._lines.feed,
        )

    def run(self) -> None:
        while not self._process.ended():
            until_beat = max(0.0, self._next_beat - time.monotonic())
            self._take_all(self._process.read(min(until_beat, 0.5), also=self._wakeup))
            if self._settings.stopping() and self._stop is None:
                self._end("stopping")
            took = self._job.seconds_before + self._seconds()
            if self._stop is None and took > self._timing.longest_of(self._job):
                self._end("time")
            if time.monotonic() >= self._next_beat:
                self._beat()
        if self._stop is None and self._lease_left() <= 0:
            self._stop = "lease"  # the guard has noticed first
        status, events = self._process.close()
        self._take_all(events)
        self._lines.end()
        self._settle(status)

    def _take_all(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            try:
                self._take(event)
            except Exception as error:  # noqa: BLE001 (foreign code sent it: it must not end the worker)
                log.error("job_event", job=self._job.id, cause=type(error).__name__)

    def _take(self, event: dict[str, Any]) -> None:
        if (percent := clean_progress(event.get("progress"))) is not None:
            self._news["progress"] = percent
            self._news["message"] = clean_text(event.get("message", ""), LONGEST_MESSAGE)
        if "metric" in event:
            self._metrics = tuple(with_row(self._metrics, event["metric"]))
            self._news["metrics"] = list(self._metrics)
        if "error" in event:
            self._error = clean_text(event["error"])
            self._code = clean_code(event.get("code"))
            self._again = bool(event.get("again"))
        if "result" in event:
            try:
                self._result = clean_result(event["result"])
            except ValueError as error:
                self._error = f"It ended, but {error}"

    def _beat(self) -> None:
        began = boot_time()
        self._next_beat = time.monotonic() + min(self._timing.beat, self._timing.lease / 4)
        try:
            job = self._jobs.beat(self._job, lease=self._timing.lease_time, changes=self._news)
            if job is None:
                self._end("fenced")
                return
            self._news = {}
            late = self._lease_left() <= 0  # the guard has killed the process, or is about to
            self._lease_ends = began + self._timing.lease - self._timing.margin
            self._process.renew(self._lease_left())
            if job.cancel_asked and self._stop is None:
                self._end("cancelled")
            elif self._stop is None and not self._settings.may_work(job):
                self._end("no right")
            elif self._stop is None and late:
                self._end("lease")
            self._lines.flush()
        except StoreUnavailable:
            if self._lease_left() <= 0 and self._stop is None:
                self._end("lease")

    def _seconds(self) -> float:
        return boot_time() - self._claimed_at

    def _lease_left(self) -> float:
        return max(0.0, self._lease_ends - boot_time())

    def _end(self, why: StopReason) -> None:
        self._stop = why
        if why in ("fenced", "lease"):
            self._process.kill()  # another worker may have started it
        else:
            self._process.stop(self._timing.grace)

    def _settle(self, status: int) -> None:
        """Try to store the result until it succeeds. While the token is ours, no other worker has
        the job, even if the lease is over.
        """
        end = self._end_of(status)
        self._lines.say(f"[{end.changes.get('error') or end.changes['message']}]")
        log.info("job", job=self._job.id, kind=self._job.kind, status=end.status)
        while True:
            try:
                self._store(end)
            except StoreUnavailable:
                if self._settings.stopping():
                    raise
                time.sleep(self._timing.store_retry)
            else:
                return

    def _store(self, end: "AttemptResult") -> None:
        # Before the job is given back: the next attempt counts its lines from these.
        with suppress(StoreUnavailable):
            self._lines.flush()
        if end.status == "queued":
            self._jobs.release(
                self._job, changes=end.changes, counted=end.counted, seconds=self._seconds()
            )
        else:
            self._jobs.finish(self._job, status=end.status, changes=end.changes)

    def _end_of(self, status: int) -> "AttemptResult":
        crashed = f"Its process was ended {described(status)}"
        reached = {name: value for name, value in self._news.items() if name != "message"}
        last = self._job.attempts >= MOST_ATTEMPTS
        if self._result is not None:
            done = {"result": self._result, "progress": 100.0, "message": "Completed"}
            return AttemptResult("completed", {**reached, **done})
        if self._stop == "cancelled":
            return AttemptResult("cancelled", {**reached, "message": "Cancelled"})
        if self._stop == "no right":
            return AttemptResult("cancelled", {**reached, "message": NO_RIGHT})
        if self._stop == "time":
            return _failed(reached, self._too_long(), TOOK_TOO_LONG)
        if self._stop is not None or status == BUSY:
            text = "Interrupted; it waits again"
            return AttemptResult("queued", {**reached, "message": text}, counted=False)
        if self._error is not None and (last or not self._again):
            return _failed(reached, self._error, self._code)
        if last:
            text = f"{crashed}, at the last of {MOST_ATTEMPTS} attempts"
            return _failed(reached, text, CRASHED)
        text = clean_text(f"{self._error or crashed}; it waits again", LONGEST_MESSAGE)
        return AttemptResult("queued", {**reached, "message": text})

    def _too_long(self) -> str:
        hours = self._timing.longest_of(self._job) / 3600
        ran = f"{hours:g} {'hour' if hours == 1 else 'hours'}"
        limit = "" if self._job.short else " (JOB_HOURS where the worker runs)"
        return f"It was ended after {ran}, which is as long as such a job may run{limit}"


@dataclass(frozen=True)
class AttemptResult:
    status: Status
    changes: dict[str, Any]
    counted: bool = True


def _failed(reached: dict[str, Any], says: str, code: str | None) -> AttemptResult:
    coded = {"error_code": code} if code else {}
    return AttemptResult("failed", {**reached, "error": says, **coded, "message": "Failed"})
