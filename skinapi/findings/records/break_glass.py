"""Break-glass: an admin may read one finding for an hour, with a reason, and everybody concerned is
told. Which grants there are, and whether one is in force. Who asks for one, and who is told:
privacy/break_glass.
"""

from datetime import datetime, timedelta
from typing import Literal

from skinapi.base.pages import Page, page_of
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import Subject
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.documents import merged
from skinapi.platform.storage.ids import first_id_at, now
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.records import Records
from skinapi.platform.storage.unit_of_work import AuditRow

LIFE = timedelta(hours=1)
GONE = "gone"
# The clocks of two servers differ by less. One that was set back by more ends a grant: the hour
# would begin again.
TOLERANCE = timedelta(minutes=1)
# How a grant ended. The last two were never in force: what was asked for is not there, or the admin
# has asked too often.
End = Literal["time", "closed", "account", "finding", "clock", "not_found", "limit"]


class BreakGlass(StoredRecord):
    """What an admin was granted. `finding` is None until one of the patient's is chosen. `open_by`
    is the admin as long as it has not ended. `read_at` is when it was used last. `owner_untold` and
    `doctor_untold` are the patient and the doctor in charge until the console has told them.
    """

    id: str
    created_at: datetime
    admin: str
    reason: str
    ends_at: datetime
    owner: str | None = None
    doctor: str | None = None
    finding: str | None = None
    number: int | None = None
    open_by: str | None = None
    read_at: datetime | None = None
    ended_at: datetime | None = None
    ended: End | None = None
    owner_untold: str | None = None
    doctor_untold: str | None = None

    def find_end(self, moment: datetime) -> End | None:
        """How it has ended by this time; None where it is in force."""
        if self.ended:
            return self.ended
        if moment >= self.ends_at:
            return "time"
        latest = max(self.created_at, self.read_at or self.created_at)
        return "clock" if moment < latest - TOLERANCE else None

    @property
    def in_force(self) -> bool:
        return self.find_end(now()) is None


class BreakGlasses(Records[BreakGlass]):
    """The collection of grants. A grant goes with the account of its patient."""

    collection, record = "break_glass", BreakGlass
    indexes = (
        ("open_by", "id"),
        ("admin", "id"),
        ("owner", "id"),
        ("doctor", "id"),
        ("finding", "id"),
        ("owner_untold", "id"),
        ("doctor_untold", "id"),
    )
    unique = (("open_by",),)  # an admin has one at a time

    def __init__(self, store: Store, trail: AuditTrail) -> None:
        super().__init__(store)
        self._trail = trail

    def find_open(self, admin: str) -> BreakGlass | None:
        """The one that this admin has and that was not ended; it may be over."""
        return self._first({"open_by": admin})

    def find_in_force(self, *, finding: str, to: Subject) -> BreakGlass | None:
        """Find the grant by which a person who is an admin may read this finding now."""
        if to.role != "admin" or to.key is not None:
            return None
        grant = self.find_open(to.id)
        return grant if grant and grant.finding == finding and grant.in_force else None

    def find_all_open(self) -> list[Document]:
        """Those that nobody has ended, as they are stored."""
        return self._documents.find({"open_by": {"$gt": ""}}, sort="open_by")

    def list_open_on(self, finding: str) -> list[BreakGlass]:
        return [grant for grant in self._list({"finding": finding}) if grant.open_by]

    def change(self, grant: BreakGlass, **fields: object) -> BreakGlass | None:
        """Set fields of one that was not ended meanwhile; None where it was."""
        return self._change({"id": grant.id, "open_by": grant.admin}, **fields)

    def end(self, grant: BreakGlass, how: End, *, by: str = "system") -> None:
        """Call it in a transaction, which gets an audit row. Nothing changes where it was ended."""
        ended_at = min(now(), grant.ends_at)
        if self.change(grant, ended=how, ended_at=ended_at, open_by=None):
            about = grant.finding or grant.owner or grant.admin
            self._trail.add(
                AuditRow("breakglass.end", by=by, target=about, owner=grant.owner, detail=how)
            )

    def end_of_admin(self, admin: str) -> None:
        """Whoever is no admin any more reads nothing by it, nor as an admin again."""
        if grant := self.find_open(admin):
            self.end(grant, "account")

    def end_of_finding(self, finding: str) -> None:
        for grant in self.list_open_on(finding):
            self.end(grant, "finding")

    def count_since(self, admin: str, since: datetime) -> int:
        """How many this admin has asked for since then; what a clock was ahead with counts too."""
        return self._documents.count({"admin": admin, "id": {"$gt": first_id_at(since)}})

    def page_all(self, *, after: str | None, limit: int) -> Page[BreakGlass]:
        """All, the newest first."""
        return self._page({}, after=after, limit=limit, newest_first=True)

    def page_concerning(self, account: str, *, after: str | None, limit: int) -> Page[BreakGlass]:
        """Those about this patient, or of patients of this doctor, the newest first."""
        behind: Filter = {"id": {"$lt": after}} if after else {}
        listings = [
            self._documents.find({field: account, **behind}, sort="-id", limit=limit + 1)
            for field in ("owner", "doctor")
        ]
        found = merged(listings, sort="-id", limit=limit + 1)
        return page_of(found, limit).map(BreakGlass.model_validate)

    def count_untold(self, account: str) -> int:
        return sum(self._documents.count({field: account}) for field in _UNTOLD)

    def mark_told(self, account: str) -> None:
        """The console has told this patient or doctor of all."""
        for field in _UNTOLD:
            self._documents.update_all({field: account}, {"$unset": {field: True}})

    def forget(self, account: str) -> None:
        """Delete those about this patient. Of what this account has asked for as an admin, or was
        told of as a doctor, the patient reads that it happened, and nobody that it was this one.
        Idempotent.
        """
        self._documents.delete({"owner": account})
        self._documents.update_all({"admin": account}, {"$set": {"admin": GONE}})
        self._documents.update_all({"doctor": account}, {"$unset": {"doctor": True}})
        self.mark_told(account)


_UNTOLD = ("owner_untold", "doctor_untold")
