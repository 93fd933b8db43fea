"""Notes in the audit trail who has read whose record."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from skinapi.accounts.auth.account import Subject
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ids import first_id_at, now
from skinapi.platform.storage.unit_of_work import AuditRow

# `record.read`: findings, spots or messages, on a list or one by one. A photo has rows of its own.
ReadAction = Literal["record.read", "thumbnail.read"]


# For so many readers.
MOST_REMEMBERED = 1000


# A row that is older is no part of a transaction under way, which may be undone.
SETTLED = timedelta(minutes=1)


# What is read, who reads, and by which key.
ReaderKey = tuple[ReadAction, str, str | None]


@dataclass(slots=True)
class _Noted:
    """`owners`: whose record a reader has read since the day began; `after`: its last row."""

    after: str
    owners: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNotes:
    """One row in the audit trail for each reader, patient and day (UTC). What was noted today is
    remembered, so that a list that is read again asks nothing.
    """

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
        """The same, one request after the other, and not inside a transaction."""
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
        """Read the trail on from where it was read; remember what is settled."""
        action, by, key = reader
        settled, fresh = now() - SETTLED, set[str]()
        for row in self.trail.walk_acts(action, by=by, after=noted.after):
            if row.get("by_key") == key:
                fresh.add(row["target"])
            if row["created_at"] < settled:
                noted.owners |= fresh
                noted.after = row["id"]
        return fresh
