from dataclasses import dataclass
from datetime import datetime, timedelta

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.platform.storage.ports import Document, Filter

# A change gets its time before its transaction ends. MongoDB ends a transaction after a minute at
# most, and the clocks of two servers can differ by seconds.
LATEST_COMMIT = timedelta(minutes=2)
SeenFinding = tuple[StoredFinding, Account]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        since, until = self.since, self.until
        return (since is None or moment >= since) and (until is None or moment < until)


ALWAYS = TimeSpan()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFindings:
    findings: FindingAccess

    def page(
        self,
        *,
        to: Subject,
        patient: str | None = None,
        span: TimeSpan = ALWAYS,
        newest_first: bool = False,
        paging: PageRequest,
    ) -> Page[SeenFinding]:
        """List also findings in error, because whoever copied one must learn it. A finding that
        changes between two pages is listed again at the end.
        """
        records, owners = self.findings.records, self._find_owners(to, patient)
        of: Filter = {"owner": owners[0]} if owners and len(owners) == 1 else {}
        whose, after = {*(owners or ())}, paging.after
        found: list[Document] = []
        while len(found) <= paging.limit and owners != []:
            changed = records.find_changed(
                of, since=span.since, until=span.until, newest_first=newest_first, after=after
            )
            found += [it for it in changed if owners is None or it["owner"] in whose]
            if not changed:
                break
            after = changed[-1]["changed"]
        page = page_of(found, paging, by="changed")
        shown = records.list_whole([item["id"] for item in page.items])
        return Page(self._seen(shown, to, span), page.next_after)

    def _find_owners(self, to: Subject, patient: str | None) -> list[str] | None:
        """Return None if the caller may see the findings of all owners."""
        key = to.key
        if key and key.patient:
            if patient not in (None, key.patient):
                return []
            patient = key.patient
        wide = key is not None and key.clinic_wide
        if patient is not None:
            # The time to search all findings would reveal how many there are.
            may = patient == to.id or wide or to.role == "doctor"
            return [patient] if may else []
        if wide:
            return None
        in_care = self.findings.accounts.list_patients(to.id) if to.role == "doctor" else []
        return [to.id, *in_care]

    def _seen(self, found: list[StoredFinding], to: Subject, span: TimeSpan) -> list[SeenFinding]:
        owners = self.findings.accounts.by_ids({record.owner for record in found})
        seen = list[StoredFinding]()
        for finding in found:
            owner = owners.get(finding.owner)
            if owner is None or not span.holds(finding.changed_at):
                continue
            if owner.id == to.id or self.findings.may_see(owner, to, case=finding.lesion):
                seen.append(finding)
        self.findings.note_read({finding.owner for finding in seen}, by=to)
        told = self.findings.records.see(seen, with_errors=True)
        return [(item, owners[item.owner]) for item in told]

    def find(self, number: int) -> SeenFinding | None:
        found = self.findings.records.find_by_number(number)
        if found is None or found.error:
            return None
        owner = self.findings.accounts.find_by_id(found.owner)
        if owner is None:
            return None
        return self.findings.records.see_one(found), owner
