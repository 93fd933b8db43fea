import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

Report = Callable[[str], None]
SECONDS_BETWEEN_LINES = 5.0


class StageLine(str):
    """A log line that names a stage that begins now and whose steps cannot be counted."""

    __slots__ = ()


class StepLine(str):
    __slots__ = ("done", "total")

    def __new__(cls, text: str, done: int, total: int) -> "StepLine":
        line = super().__new__(cls, text)
        line.done, line.total = done, total
        return line

    done: int
    total: int


@dataclass(slots=True)
class Progress:
    """Reports steps and the time left every few seconds, each as a `StepLine`. `done` is the number
    of steps of an earlier run.
    """

    what: str
    total: int
    report: Report
    done: int = 0
    _here: int = 0
    _started: float = field(default_factory=time.monotonic)
    _last_line: float = field(default_factory=time.monotonic)

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        self._here += steps
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES or self.done >= self.total:
            self._last_line = now
            seconds = (now - self._started) / max(self._here, 1) * (self.total - self.done)
            left = timedelta(seconds=round(seconds))
            ahead = f", {left} left" if self.done < self.total else ""
            text = f"{self.what} {self.done}/{self.total}{ahead}{note}"
            self.report(StepLine(text, self.done, self.total))
