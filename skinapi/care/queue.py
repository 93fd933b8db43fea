"""The use cases of a doctor's lists: patients in care, their findings, and the queue of all.

The order of the queue: findings/records/queue_order.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.errors import InvalidQuery, NotFound
from skinapi.base.pages import Page, PageRequest
from skinapi.base.values import Value
from skinapi.findings.records.damaged_records import DamagedRecords
from skinapi.findings.records.finding_lists import FindingLists
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.queue_order import band_of_key
from skinapi.findings.records.read_access import in_care, is_asked
from skinapi.findings.records.read_notes import ReadNotes
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.records.unassigned_patients import UnassignedPatients, UnassignedView
from skinapi.findings.records.visible_findings import VisibleFindingRow
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.unreadable import hide, is_hidden

NO_PATIENT = "Patient not found"
NO_SEARCH = "A key of the clinic finds a patient by POST /patients/external, and by no name"
# So many second opinions that have come are counted at most.
MOST_OPINIONS = 1000
# Before the key that a list of the opinions that are asked of a doctor, or have come, continues
# behind.
ASKED, CAME = "a", "b"


@dataclass(frozen=True, slots=True)
class FoundCase:
    """`doctors` are those that work on it; `waits_for` is of a patient without a doctor."""

    finding: VisibleFindingRow
    owner: Account
    doctors: Mapping[str, Account]
    waits_for: tuple[WaitingKind, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundWaiting:
    """What a spot of this patient waits for, with the finding to open for it, if there is one.
    `number` is what another system calls a patient who is to be told.
    """

    row: WaitingSpot
    owner: Account
    case: FoundCase | None
    number: PatientNumber | None


@dataclass(frozen=True, slots=True)
class FoundPatient:
    """`waiting` are the rows of the spots of the patient."""

    account: Account
    waiting: Sequence[WaitingSpot]


class DamagedPatient(Value):
    patient: str
    patient_name: str | None = Field(description="null where it cannot be read either")


class WaitingCount(Value):
    count: int
    overdue: int


class QueueCountsView(Value):
    to_review: int = Field(
        description="all of them, reviewed ones too about which a second opinion has come, or is "
        "asked of the caller"
    )
    by_urgency: dict[Band, int] = Field(description="those with `urgency`, for each")
    unassigned: UnassignedView | None = Field(
        description="those with `unassigned=true`; null where the caller sees none of them"
    )
    waiting: dict[WaitingKind, WaitingCount] = Field(
        description="how many `GET /waiting` lists of each kind, and how many of them are overdue"
    )
    damaged: list[DamagedPatient] = Field(
        description="patients in care of whom a record cannot be read: no list shows it"
    )


def doctors_of(finding: StoredFindingRow) -> set[str]:
    named = (finding.doctor, finding.opinion_of, finding.asker)
    return {doctor for doctor in named if doctor}


@dataclass(frozen=True, slots=True, kw_only=True)
class CareService:
    """Reads the lists. Each page costs few queries, each answered from an index."""

    accounts: Accounts
    records: FindingRecords
    lists: FindingLists
    waiting: WaitingSpots
    notes: ReadNotes
    unassigned: UnassignedPatients
    damaged: DamagedRecords

    def list_patients(
        self, *, doctor: Subject, beginning: str | None = None, paging: PageRequest
    ) -> Page[FoundPatient]:
        """Patients by their most urgent unreviewed finding. A program has them, or with a
        clinic-wide key all, in the order in which they registered.
        """
        wide = doctor.key is not None and doctor.key.clinic_wide
        if wide and beginning:
            raise InvalidQuery(NO_SEARCH)
        if beginning:
            page = self.accounts.search_patients(doctor.id, beginning, paging)
        elif doctor.key:
            page = self.accounts.page_of_doctor(None if wide else doctor.id, paging)
        else:
            page = self.accounts.page_patients(doctor.id, paging)
        # `in_care` again: the query cannot leave out patients who have become doctors since.
        shown = [item for item in page.items if in_care(item, doctor) and not item.machine]
        self.notes.note([patient.id for patient in shown], by=doctor, action="record.read")
        waiting: dict[str, list[WaitingSpot]] = {}
        for row in self.waiting.list_of_owners(patient.id for patient in shown):
            waiting.setdefault(row.owner, []).append(row)
        return Page(
            [FoundPatient(patient, waiting.get(patient.id, [])) for patient in shown],
            page.next_after,
        )

    def list_findings(
        self,
        *,
        patient: str,
        doctor: Subject,
        reviewed: bool | None,
        paging: PageRequest,
    ) -> Page[FoundCase]:
        """`patient` may be the id of an account that was joined to another one."""
        owner = self.accounts.find_staying(patient)
        if owner is None or not in_care(owner, doctor):
            raise NotFound(NO_PATIENT)
        page = self.lists.page_by_urgency({"owner": owner.id}, reviewed=reviewed, paging=paging)
        return self._with_accounts(page, lambda _, account: account.id == owner.id, doctor=doctor)

    def list_waiting(
        self, *, doctor: Subject, kind: WaitingKind, overdue: bool, paging: PageRequest
    ) -> Page[FoundWaiting]:
        """What the spots of the doctor's patients wait for, and messages about none: the soonest
        due first.
        """
        page = self.waiting.page(kind, doctor.id, overdue=overdue, paging=paging)
        accounts = self.accounts.by_ids({row.owner for row in page.items})
        owners = {name: item for name, item in accounts.items() if in_care(item, doctor)}
        named = [row.finding for row in page.items if row.finding and row.owner in owners]
        found = Page([*self.records.by_ids(named).values()])
        cases = {case.finding.id: case for case in self._in_care(found, doctor).items}
        self.notes.note(owners, by=doctor, action="record.read")
        external = {row.owner for row in page.items if row.kind is WaitingKind.TELLING}
        numbers = self.records.find_patient_numbers(
            [name for name in external if name in owners and owners[name].external]
        )
        rows = [row for row in page.items if not is_hidden(FINDINGS, row.finding or "")]
        return Page(
            [
                FoundWaiting(
                    row, owners[row.owner], cases.get(row.finding or ""), numbers.get(row.owner)
                )
                for row in rows
                if row.owner in owners
            ],
            page.next_after,
        )

    def list_queue(
        self,
        *,
        doctor: Subject,
        reviewed: bool | None,
        urgency: Band | None = None,
        paging: PageRequest,
    ) -> Page[FoundCase]:
        """Findings about which a second opinion has come stand first, the oldest opinion at the
        top, then those about which the doctor is asked for one.

        A page may hold fewer than `limit` although more follow: findings of patients who left the
        doctor's care a moment ago are left out, and so are those that stood first.
        """
        first: list[FoundCase] = []
        came_first = not reviewed and urgency is None

        def stands_before(finding: VisibleFindingRow) -> bool:
            return came_first and finding.doctor == doctor.id and finding.opinion_key is not None

        if came_first and _is_within(paging, CAME):
            page = self.lists.page_opinions(doctor.id, _without_prefix(paging, CAME))
            first += self._in_care(page, doctor).items
            if len(page.items) == paging.limit:
                return Page(first, f"{CAME}{page.items[-1].opinion_key}")
            paging = PageRequest(paging.limit - len(page.items))
        if not reviewed and _is_within(paging, ASKED):
            page = self.lists.page_by_urgency(
                {"opinion_of": doctor.id},
                reviewed=None,
                urgency=urgency,
                paging=_without_prefix(paging, ASKED),
            )
            asked = self._with_accounts(
                page, lambda entry, owner: is_asked(entry, owner, doctor), doctor=doctor
            ).items
            first += (case for case in asked if not stands_before(case.finding))
            if len(page.items) == paging.limit:
                return Page(first, f"{ASKED}{page.items[-1].queue_key}")
            paging = PageRequest(paging.limit - len(page.items))
        page = self.lists.page_by_urgency(
            {"doctor": doctor.id}, reviewed=reviewed, urgency=urgency, paging=paging
        )
        own = self._in_care(page, doctor)
        others = [
            item
            for item in own.items
            if reviewed
            or not (stands_before(item.finding) or is_asked(item.finding, item.owner, doctor))
        ]
        return Page([*first, *others], own.next_after)

    def list_unassigned(
        self, *, doctor: Subject, urgency: Band | None, paging: PageRequest
    ) -> Page[FoundCase]:
        """Return nothing for a doctor who does not see the patients without a doctor."""
        if not self.unassigned.shows_list(doctor):
            return Page([], None)
        page = self.unassigned.page(urgency=urgency, paging=paging, to=doctor.account)
        waits = {item.finding.id: item.waits_for for item in page.items}
        cases = self._with_accounts(
            page.map(lambda entry: entry.finding), lambda entry, _: entry.id in waits, doctor=doctor
        )
        return cases.map(lambda entry: replace(entry, waits_for=waits[entry.finding.id]))

    def count_queue(self, *, doctor: Subject) -> QueueCountsView:
        """Count what `list_queue` has to review, in all and of each urgency, and `list_waiting`."""
        count = self.lists.count_by_urgency
        by_urgency = {
            band: count({"doctor": doctor.id}, reviewed=False, urgency=band)
            + count({"opinion_of": doctor.id}, reviewed=None, urgency=band)
            for band in Band
        }
        rows = self.records.list_asked_of(doctor.id)
        asked = {finding.id: finding for finding in rows if finding.doctor == doctor.id}
        for finding in asked.values():
            if not finding.reviewed:  # counted twice
                by_urgency[band_of_key(_key_of(finding))] -= 1
        opinions = self.lists.page_opinions(doctor.id, PageRequest(MOST_OPINIONS))
        came = sum(item.reviewed and item.id not in asked for item in opinions.items)
        shown = self.unassigned.shows_list(doctor)
        unassigned = self.unassigned.count(to=doctor.account) if shown else None
        return QueueCountsView(
            to_review=sum(by_urgency.values()) + came,
            by_urgency=by_urgency,
            unassigned=unassigned,
            waiting={
                kind: WaitingCount(count=count, overdue=overdue)
                for kind, (count, overdue) in self.waiting.count_kinds(doctor.id).items()
            },
            damaged=[
                DamagedPatient(patient=item.patient, patient_name=item.patient_name)
                for item in self.damaged.list_in_care(doctor)
            ],
        )

    def _in_care(self, page: Page[StoredFindingRow], doctor: Subject) -> Page[FoundCase]:
        return self._with_accounts(page, lambda _, owner: in_care(owner, doctor), doctor=doctor)

    def _with_accounts(
        self,
        page: Page[StoredFindingRow],
        belongs: Callable[[StoredFindingRow, Account], bool],
        *,
        doctor: Subject,
    ) -> Page[FoundCase]:
        """Findings with their owners, doctors and what holds; those that do not belong are left
        out.
        """
        named = {case for entry in page.items for case in (entry.owner, *doctors_of(entry))}
        accounts = self.accounts.by_ids(named)
        for entry in page.items:
            if is_hidden("accounts", entry.owner):
                hide(FINDINGS, entry.id)
        shown = [
            entry
            for entry in page.items
            if entry.owner in accounts and belongs(entry, accounts[entry.owner])
        ]
        cases = [
            FoundCase(entry, accounts[entry.owner], accounts) for entry in self.records.see(shown)
        ]
        self.notes.note([case.owner.id for case in cases], by=doctor, action="record.read")
        return Page(cases, page.next_after)


def _is_within(paging: PageRequest, part: str) -> bool:
    """Whether the page begins in this part of the queue, or at its beginning."""
    return paging.after is None or paging.after.startswith(part)


def _without_prefix(paging: PageRequest, part: str) -> PageRequest:
    return replace(paging, after=paging.after and paging.after.removeprefix(part))


def _key_of(case: StoredFindingRow) -> str:
    return case.queue_key or ""
