"""Progress lines of long computations, with the estimated time left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

Report = Callable[[str], None]
SECONDS_BETWEEN_LINES = 10.0


@dataclass(slots=True)
class Progress:
    """Counts steps, and reports them and the time left every few seconds."""

    what: str
    total: int
    report: Report
    _done: int = 0
    _started: float = field(default_factory=time.monotonic)
    _last_line: float = field(default_factory=time.monotonic)

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES or self._done >= self.total:
            self._last_line = now
            seconds = (now - self._started) / max(self._done, 1) * (self.total - self._done)
            left = timedelta(seconds=round(seconds))
            self.report(f"{self.what} {self._done}/{self.total}, {left} left{note}")
