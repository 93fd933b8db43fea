"""Records in the audit trail who has read whose data."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from skinapi.accounts.auth.account import Subject
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ids import first_id_at, now
from skinapi.platform.storage.unit_of_work import AuditRow

# `record.read` covers findings, spots and messages. A photo has its own rows.
ReadAction = Literal["record.read", "thumbnail.read"]


# The number of readers to remember.
MOST_REMEMBERED = 1000


# An older row cannot belong to a transaction that is still open and may be rolled back.
SETTLED = timedelta(minutes=1)


# The action, the reader and the reader's key.
ReaderKey = tuple[ReadAction, str, str | None]


@dataclass(slots=True)
class _Noted:
    """`owners` whose data was read today, up to the audit row `after`."""

    after: str
    owners: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNotes:
    """Writes an audit row for each reader, patient and day (UTC), and caches today's rows."""

    trail: AuditTrail
    _noted: dict[ReaderKey, _Noted] = field(default_factory=dict, init=False, repr=False)
    _noting: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def note(self, owners: Iterable[str], *, by: Subject, action: ReadAction) -> None:
        """Call it before the record is shown."""
        reader = (action, by.id, by.key.id if by.key else None)
        others = dict.fromkeys(item for item in owners if item != by.id)
        noted = self._find(reader)
        if others.keys() <= noted.owners:
            return
        known = noted.owners | self._read_on(reader, noted)
        missing = [
            AuditRow(action, by=by.id, target=other) for other in others if other not in known
        ]
        if missing:
            self.trail.record(*missing)

    def note_once(self, owner: str, *, by: Subject, action: ReadAction) -> None:
        """Call it outside a transaction. Concurrent requests are serialised."""
        with self._noting:
            self.note([owner], by=by, action=action)

    def has_read(self, owner: str, *, by: Subject) -> bool:
        reader: ReaderKey = ("record.read", by.id, by.key.id if by.key else None)
        noted = self._find(reader)
        return owner in noted.owners or owner in self._read_on(reader, noted)

    def _find(self, reader: ReaderKey) -> _Noted:
        began = first_id_at(now().replace(hour=0, minute=0, second=0, microsecond=0))
        noted = self._noted.get(reader)
        if noted is None or noted.after < began:
            if len(self._noted) >= MOST_REMEMBERED:
                self._noted.clear()
            noted = self._noted[reader] = _Noted(began)
        return noted

    def _read_on(self, reader: ReaderKey, noted: _Noted) -> set[str]:
        """Read the trail since the last time and cache settled rows."""
        action, by, key = reader
        settled, fresh = now() - SETTLED, set[str]()
        for row in self.trail.walk_acts(action, by=by, after=noted.after):
            if row.get("by_key") == key:
                fresh.add(row["target"])
            if row["created_at"] < settled:
                noted.owners |= fresh
                noted.after = row["id"]
        return fresh
