"""What a run says about itself while it goes on."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from skinapi.batch.output.table import FAILED, JUDGED, REFUSED, UNREADABLE, Row

SECONDS_BETWEEN_LINES = 10.0
# The rate is that of the last minute.
LINES_OF_RATE = 7
Clock = Callable[[], float]


class Progress:
    """Counts rows, and says every ten seconds how many there are and how long the rest will take.

    `done` pictures were finished by earlier runs.
    """

    def __init__(
        self, *, total: int, done: int, say: Callable[[str], None], clock: Clock = time.monotonic
    ) -> None:
        self._total = total
        self._done = done
        self._say = say
        self._clock = clock
        self._began = clock()
        self._begun_at = done
        self._statuses: Counter[str] = Counter()
        self._seen = deque([(self._began, done)], maxlen=LINES_OF_RATE)

    def count(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._done += 1
            self._statuses[row["status"]] += 1
        now = self._clock()
        if now - self._seen[-1][0] >= SECONDS_BETWEEN_LINES:
            self._say(self._line(now))
            self._seen.append((now, self._done))

    def _line(self, now: float) -> str:
        then, done = self._seen[0]
        rate = (self._done - done) / (now - then)
        left = _hours((self._total - self._done) / rate) if rate else "unknown"
        share = self._done / self._total
        return (
            f"{self._done:,} of {self._total:,} ({share:.1%}), {rate:.1f}/s, {left} left; "
            f"{self._in_words()}"
        )

    @property
    def complete(self) -> bool:
        return self._done == self._total

    def summary(self) -> str:
        """What this run has done."""
        seconds = self._clock() - self._began
        judged = self._done - self._begun_at
        return f"{judged:,} pictures in {_hours(seconds)}: {self._in_words()}"

    def _in_words(self) -> str:
        always = (JUDGED, REFUSED, UNREADABLE)
        shown = [*always, FAILED] if self._statuses[FAILED] else always
        return ", ".join(f"{status} {self._statuses[status]:,}" for status in shown)


def _hours(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
