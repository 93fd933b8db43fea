"""What the actors of a drill requested and were answered, for comparison with the store. Each
subject (an account, a finding) belongs to one actor, so that the order of the lines is the order of
the actions. Only contested e-mails are shared.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from skinapi.app.composition.services import Services
from skinapi.app.integrity_check import check_integrity
from skinapi.platform.storage.ports import Document


@dataclass(frozen=True)
class Event:
    """One request and its answer. `status` is 0 if the connection broke before a whole answer came,
    and HUNG if none came in time.
    """

    action: str
    about: str  # an e-mail
    value: str = ""
    status: int = 0
    answer: str = ""

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500

    @property
    def unknown(self) -> bool:
        """It may have happened, or not, or may still happen when a frozen store continues."""
        return not self.done and not self.refused


HUNG = -1


class History:
    """Written line by line, so that it outlives the run that it records."""

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


@dataclass(frozen=True)
class Contents:
    accounts: list[Document] = field(default_factory=list)
    findings: list[Document] = field(default_factory=list)
    audit: list[Document] = field(default_factory=list)
    blobs: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()


def read_contents(services: Services) -> Contents:
    store = services.store
    return Contents(
        accounts=store.collection("accounts").find(),
        findings=store.collection("submissions").find(),
        audit=store.collection("audit").find(sort="id"),
        blobs=frozenset(store.blobs.keys()),
        faults=tuple(fault.message for fault in check_integrity(services)),
    )
