"""The use cases of a doctor's lists: patients in care, their findings, and the queue of all.

The order of the queue: findings/records/queue_order.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
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
from skinapi.findings.records.unassigned_patients import (
    OrphanedWork,
    UnassignedPatients,
    UnassignedView,
)
from skinapi.findings.records.visible_findings import VisibleFindingRow
from skinapi.findings.status.decisions import RESULT_AFTER, WaitsFor
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.unreadable import hide, is_hidden

NO_PATIENT = "Patient not found"
NO_SEARCH = "A key of the clinic finds a patient by POST /patients/external, and by no name"
# So many findings at most are read to say what each patient of a page waits for, and of visits.
MOST_AWAITED = 2000
# Before the key that a list of the opinions that are asked of a doctor, or have come, continues
# behind.
ASKED, CAME = "a", "b"
# After so long what is awaited is marked: a rule of this queue, not of medicine.
OVERDUE_AFTER = RESULT_AFTER


@dataclass(frozen=True, slots=True)
class FoundCase:
    """`doctors` are those that work on it; `left` is of a patient without a doctor."""

    finding: VisibleFindingRow
    owner: Account
    doctors: Mapping[str, Account]
    left: tuple[OrphanedWork, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPatient:
    """`awaited` is what a decision about one of the findings has waited for the longest; until
    `due` the patient should next be seen, by what doctors have decided.
    """

    account: Account
    awaited: VisibleFindingRow | None
    due: date | None


class DamagedPatient(Value):
    patient: str
    patient_name: str | None = Field(description="null where it cannot be read either")


class QueueCountsView(Value):
    to_review: int = Field(
        description="all of them, reviewed ones too about which a second opinion has come, or is "
        "asked of the caller"
    )
    by_urgency: dict[Band, int] = Field(description="those with `urgency`, for each")
    unassigned: UnassignedView | None = Field(
        description="those with `unassigned=true`; null where the caller sees none of them"
    )
    awaited: dict[WaitsFor, int] = Field(
        description="how many findings `GET /queue` lists with `awaited`, for each"
    )
    overdue: dict[WaitsFor, int] = Field(
        description="how many of those have waited for more than 14 days"
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
        awaited = self._awaited_of(shown)
        visits = self._visits_of(shown)
        patients = [
            FoundPatient(patient, awaited.get(patient.id), visits.get(patient.id))
            for patient in shown
        ]
        return Page(patients, page.next_after)

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

    def list_awaited(
        self,
        *,
        doctor: Subject,
        awaited: WaitsFor,
        paging: PageRequest,
    ) -> Page[FoundCase]:
        """The oldest decision first."""
        page = self.lists.page_awaited(doctor.id, awaited, paging=paging)
        return self._in_care(page, doctor)

    def _awaited_of(self, patients: Sequence[Account]) -> dict[str, VisibleFindingRow]:
        """What the decisions about these patients' findings have waited for the longest."""
        findings = list[StoredFindingRow]()
        for doctor, owners in _by_doctor(patients):
            page = self.lists.page_awaited(doctor, owners=owners, paging=PageRequest(MOST_AWAITED))
            findings += page.items
        findings.sort(key=lambda finding: finding.awaited_key or "", reverse=True)
        seen = self.records.see(findings)
        return {finding.owner: finding for finding in seen if finding.awaited}

    def _visits_of(self, patients: Sequence[Account]) -> dict[str, date]:
        """A day that is long past is none: nobody notes here that a patient came."""
        findings = list[StoredFindingRow]()
        for doctor, owners in _by_doctor(patients):
            findings += self.lists.list_visits(doctor, owners, limit=MOST_AWAITED)
        least = (now() - OVERDUE_AFTER).date()
        days: dict[str, date] = {}
        for finding in self.records.see(findings):
            due = finding.instruction.due
            if due and due >= least:
                days[finding.owner] = min(due, days.get(finding.owner, due))
        return days

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
        left = {item.finding.id: item.left for item in page.items}
        cases = self._with_accounts(
            page.map(lambda entry: entry.finding), lambda entry, _: entry.id in left, doctor=doctor
        )
        return cases.map(lambda entry: replace(entry, left=left[entry.finding.id]))

    def count_queue(self, *, doctor: Subject) -> QueueCountsView:
        """Count what `list_queue` has to review, in all and of each urgency, and `list_awaited`."""
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
        counted = (item for item in asked.values() if item.opinion_key)
        came = self.lists.count_opinions(doctor.id) - sum(item.reviewed for item in counted)
        awaited = {item: self.lists.count_awaited(doctor.id, item) for item in WaitsFor}
        since = now() - OVERDUE_AFTER
        overdue = {
            item: count and self.lists.count_awaited(doctor.id, item, before=since)
            for item, count in awaited.items()
        }
        shown = self.unassigned.shows_list(doctor)
        unassigned = self.unassigned.count(to=doctor.account) if shown else None
        return QueueCountsView(
            to_review=sum(by_urgency.values()) + came,
            by_urgency=by_urgency,
            unassigned=unassigned,
            awaited=awaited,
            overdue=overdue,
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


def _by_doctor(patients: Sequence[Account]) -> Iterable[tuple[str, list[str]]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for patient in patients:
        if patient.doctor_id:
            found[patient.doctor_id].append(patient.id)
    return found.items()
