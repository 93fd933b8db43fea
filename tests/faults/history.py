"""What the actors of a drill asked for and what they were told: the log that the checker holds
against the store afterwards.

One subject (an account, a finding) is touched by one actor at a time, so that the order of the
lines is the order of the actions; only contested e-mails are everybody's.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """One request and its answer. `status` is 0 where the line was cut before a whole answer came,
    and HUNG where none came in time.
    """

    action: str
    about: str  # an e-mail
    value: str = ""
    status: int = 0
    answer: str = ""

    @property
    def done(self) -> bool:
        """The server gave its word."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """The server gave its word that nothing was changed."""
        return 400 <= self.status < 500

    @property
    def unknown(self) -> bool:
        """It may have happened, or not, or may still happen when a frozen store goes on."""
        return not self.done and not self.refused


HUNG = -1


class History:
    """Written line by line as things happen, so that it outlives the run that it tells of."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()

    def record(self, event: Event) -> Event:
        with self._turn, self._path.open("a") as file:
            file.write(json.dumps(asdict(event)) + "\n")
        return event

    def events(self) -> Iterator[Event]:
        with self._path.open() as file:
            for line in file:
                yield Event(**json.loads(line))
