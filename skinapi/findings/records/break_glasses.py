"""Emergency accesses of admins, as they are stored."""

from datetime import datetime, timedelta
from typing import Literal

from skinapi.accounts.auth.account import Subject
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.documents import merged
from skinapi.platform.storage.ids import first_id_at, now
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.records import Repository
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
    """What an admin was granted, for a finding that is chosen later. `open_by` is the admin as long
    as it has not ended. `owner_untold` and `doctor_untold` are those whom the console has to tell.
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
        """Find how it has ended by this time; None where it is in force."""
        if self.ended:
            return self.ended
        if moment >= self.ends_at:
            return "time"
        latest = max(self.created_at, self.read_at or self.created_at)
        return "clock" if moment < latest - TOLERANCE else None

    @property
    def in_force(self) -> bool:
        return self.find_end(now()) is None


class BreakGlasses(Repository[BreakGlass]):
    """A grant goes with the account of its patient."""

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
        """Find what this admin has opened, which may be over."""
        return self._first({"open_by": admin})

    def find_in_force(self, *, finding: str, to: Subject) -> BreakGlass | None:
        if to.role != "admin" or to.key is not None:
            return None
        grant = self.find_open(to.id)
        return grant if grant and grant.finding == finding and grant.in_force else None

    def find_all_open(self) -> list[Document]:
        return self._documents.find({"open_by": {"$gt": ""}}, sort="open_by")

    def list_open_on(self, finding: str) -> list[BreakGlass]:
        return [grant for grant in self._list({"finding": finding}) if grant.open_by]

    def change(self, grant: BreakGlass, **fields: object) -> BreakGlass | None:
        """Change it; None where it was ended meanwhile."""
        return self._change({"id": grant.id, "open_by": grant.admin}, **fields)

    def end(self, grant: BreakGlass, how: End, *, by: str = "system") -> None:
        """Call it in a transaction. Nothing changes where it was ended."""
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
        """Count those of this admin; what a clock was ahead with counts too."""
        return self._documents.count({"admin": admin, "id": {"$gt": first_id_at(since)}})

    def page_all(self, paging: PageRequest) -> Page[BreakGlass]:
        return self._page({}, paging, newest_first=True)

    def page_concerning(self, account: str, paging: PageRequest) -> Page[BreakGlass]:
        """List what concerns this patient, or patients of this doctor, the newest first."""
        behind: Filter = {"id": {"$lt": paging.after}} if paging.after else {}
        listings = [
            self._documents.find({name: account, **behind}, sort="-id", limit=paging.limit + 1)
            for name in ("owner", "doctor")
        ]
        found = merged(listings, sort="-id", limit=paging.limit + 1)
        return page_of(found, paging).map_all(self._read_each)

    def count_untold(self, account: str) -> int:
        return sum(self._documents.count({name: account}) for name in _UNTOLD)

    def mark_told(self, account: str) -> None:
        for name in _UNTOLD:
            self._documents.update_all({name: account}, {"$unset": {name: True}})

    def forget(self, account: str) -> None:
        """Delete those about this patient. Of what this account has asked for as an admin, the
        patient still reads that it happened, and nobody that it was this one.
        """
        self._documents.delete({"owner": account})
        self._documents.update_all({"admin": account}, {"$set": {"admin": GONE}})
        self._documents.update_all({"doctor": account}, {"$unset": {"doctor": True}})
        self.mark_told(account)


_UNTOLD = ("owner_untold", "doctor_untold")
