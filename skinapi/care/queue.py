from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.errors import InvalidQuery, NotFound
from skinapi.base.pages import Page, PageRequest, join_pages
from skinapi.base.values import Value
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import in_care, is_asked
from skinapi.findings.records.read_notes import ReadNotes
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.records.unassigned_patients import UnassignedPatients, UnassignedView
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.findings.status.spot import Spot
from skinapi.findings.status.spot_view import SpotView
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.storage.unreadable import is_hidden

T = TypeVar("T")
NO_PATIENT = "Patient not found"
NO_SEARCH = "A key of the clinic finds a patient by POST /patients/external, and by no name"
# The parts of the queue. A page continues after the name of its part and the key there.
ASKED, OPEN, REVIEWED = "a", "b", "c"


@dataclass(frozen=True, slots=True)
class FoundCase:
    finding: StoredFindingRow
    owner: Account
    doctors: Mapping[str, Account]


@dataclass(frozen=True, slots=True)
class FoundWaiting:
    """`status` is None for a message about no spot, and if a record is damaged. `waits_for` lists
    all kinds if the patient has no doctor.
    """

    row: WaitingSpot
    owner: Account
    case: FoundCase | None
    number: PatientNumber | None
    status: SpotView | None
    waits_for: tuple[WaitingKind, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPatient:
    account: Account
    waiting: Sequence[WaitingSpot]
    numbers: Mapping[str, int]


class WaitingKindCount(Value):
    count: int
    overdue: int


class QueueCountsView(Value):
    to_review: int = Field(
        description="all that `GET /queue?reviewed=false` lists: spots of patients in care, and "
        "findings about which the caller is asked for a second opinion"
    )
    by_urgency: dict[Band, int] = Field(description="those with `urgency`, for each")
    unassigned: UnassignedView | None = Field(
        description="those with `unassigned=true`; null where the caller sees none of them"
    )
    waiting: dict[WaitingKind, WaitingKindCount] = Field(
        description="how many `GET /waiting` lists of each kind, and how many of them are overdue"
    )


def doctors_of(spot: Spot) -> set[str]:
    """Return the colleague who is asked for an opinion and the doctor who asks."""
    named = (spot.opinion.colleague, spot.opinion.asker) if spot.opinion else ()
    return {doctor for doctor in named if doctor}


@dataclass(frozen=True, slots=True, kw_only=True)
class CareService:
    accounts: Accounts
    records: FindingRecords
    waiting: WaitingSpots
    notes: ReadNotes
    unassigned: UnassignedPatients

    def list_patients(
        self, *, doctor: Subject, beginning: str | None = None, paging: PageRequest
    ) -> Page[FoundPatient]:
        """Patients without open reviews come last. A system gets the order of registration."""
        wide = doctor.key is not None and doctor.key.clinic_wide
        if wide and beginning:
            raise InvalidQuery(NO_SEARCH)
        if beginning:
            page = self._page_found(doctor.id, beginning, paging)
        elif doctor.key:
            page = self.accounts.page_of_doctor(None if wide else doctor.id, paging)
        else:
            page = self._page_patients(doctor.id, paging)
        # Check `in_care` again, because the query includes patients who have become doctors.
        shown = [item for item in page.items if in_care(item, doctor) and not item.machine]
        self.notes.note([patient.id for patient in shown], by=doctor, action="record.read")
        waiting: dict[str, list[WaitingSpot]] = {}
        for row in self.waiting.list_of("owner", (patient.id for patient in shown)):
            waiting.setdefault(row.owner, []).append(row)
        named = {row.finding for rows in waiting.values() for row in rows if row.finding}
        numbers = self.records.numbers_of(sorted(named))
        return Page(
            [FoundPatient(patient, waiting.get(patient.id, []), numbers) for patient in shown],
            page.next_after,
        )

    def _page_patients(self, doctor: str, paging: PageRequest) -> Page[Account]:
        keys = self.waiting.order_owners(doctor)

        def page_waiting(part: PageRequest) -> Page[Account]:
            page = _page_by([*keys.items()], lambda item: item[1], part)
            found = self.accounts.by_ids({name for name, _ in page.items})
            shown = [found[name] for name, _ in page.items if name in found]
            return Page(shown, page.next_after)

        def page_others(part: PageRequest) -> Page[Account]:
            page = self.accounts.page_of_doctor(doctor, part)
            return Page([item for item in page.items if item.id not in keys], page.next_after)

        return join_pages({OPEN: page_waiting, REVIEWED: page_others}, paging)

    def _page_found(self, doctor: str, beginning: str, paging: PageRequest) -> Page[Account]:
        keys = self.waiting.order_owners(doctor)

        def place(account: Account) -> str:
            key = keys.get(account.id)
            return f"{OPEN}{key}" if key else f"{REVIEWED}{account.id}"

        found = sorted(self.accounts.search_patients(doctor, beginning), key=place)
        return _page_by(found, place, paging)

    def list_findings(
        self,
        *,
        patient: str,
        doctor: Subject,
        reviewed: bool | None,
        paging: PageRequest,
    ) -> Page[FoundCase]:
        """`patient` may be the id of an account that was joined to another one."""
        owner = self.accounts.find_patient(patient)
        if owner is None or not in_care(owner, doctor):
            raise NotFound(NO_PATIENT)
        groups = {OPEN: False, REVIEWED: True}
        parts = {
            name: partial(self.records.page_newest, owner.id, reviewed=group)
            for name, group in groups.items()
            if reviewed in (None, group)
        }
        page = join_pages(parts, paging)
        cases = self._with_accounts(
            page.items, lambda _, account: account.id == owner.id, doctor=doctor
        )
        return Page(cases, page.next_after)

    def list_waiting(
        self, *, doctor: Subject, kind: WaitingKind, overdue: bool, paging: PageRequest
    ) -> Page[FoundWaiting]:
        page = self.waiting.page(kind, doctor.id, overdue=overdue, paging=paging)
        return Page(self._see_rows(page.items, doctor), page.next_after)

    def _see_rows(
        self, rows: Sequence[WaitingSpot], doctor: Subject, unassigned: Collection[str] = ()
    ) -> list[FoundWaiting]:
        """Leave out patients who just left the doctor's care. A spot with a damaged record is
        urgent whatever its row says.
        """

        def is_seen(owner: Account) -> bool:
            return owner.id in unassigned or in_care(owner, doctor)

        accounts = self.accounts.by_ids({row.owner for row in rows})
        owners = {name: item for name, item in accounts.items() if is_seen(item)}
        known = [row for row in rows if row.owner in owners]
        found = self.records.by_ids([row.finding for row in known if row.finding])
        seen = self._with_accounts([*found.values()], lambda _, it: is_seen(it), doctor=doctor)
        cases = {case.finding.id: case for case in seen}
        without = [row.lesion for row in known if row.lesion and row.finding not in cases]
        statuses = self.records.spots.read(without)
        damaged = {row.id for row in known if is_hidden("lesions", row.lesion or "")}
        self.notes.note(owners, by=doctor, action="record.read")
        external = {row.owner for row in known if row.kind is WaitingKind.TELLING}
        numbers = self.records.find_patient_numbers(
            [name for name in external if owners[name].external]
        )
        return [
            FoundWaiting(
                row.model_copy(update={"urgency": Band.URGENT_REFERRAL})
                if row.id in damaged
                else row,
                owners[row.owner],
                case := cases.get(row.finding or ""),
                numbers.get(row.owner),
                case.finding.spot_view if case else statuses.get(row.lesion or ""),
            )
            for row in known
            if row.id in damaged or row.finding in cases or row.lesion in (None, *statuses)
        ]

    def list_queue(
        self,
        *,
        doctor: Subject,
        reviewed: bool | None,
        urgency: Band | None = None,
        paging: PageRequest,
    ) -> Page[FoundCase | FoundWaiting]:
        """Requests for an opinion come first, then open spots, then reviewed findings. A page may
        hold fewer than `limit` although more follow.
        """
        asked = [] if reviewed else self._list_asked(doctor, urgency)
        spots = {row.lesion for row in asked}

        def page_asked(part: PageRequest) -> Page[FoundCase | FoundWaiting]:
            page = _page_by(asked, lambda row: row.urgency_key or "", part)
            return Page([*self._see_asked(page.items, doctor)], page.next_after)

        def page_open(part: PageRequest) -> Page[FoundCase | FoundWaiting]:
            page = self.waiting.page_queue(doctor.id, urgency=urgency, paging=part)
            # A damaged spot has a row without a finding here, and is not among the requested
            # opinions.
            rows = [row for row in page.items if row.lesion not in spots or row.finding is None]
            return Page(self._see_rows(rows, doctor), page.next_after)

        def page_reviewed(part: PageRequest) -> Page[FoundCase | FoundWaiting]:
            page = self.records.page_reviewed({*self.accounts.list_patients(doctor.id)}, part)
            cases = self._with_accounts(
                page.items,
                lambda _, owner: in_care(owner, doctor),
                doctor=doctor,
                urgency=urgency,
            )
            return Page([*cases], page.next_after)

        parts: dict[str, Callable[[PageRequest], Page[FoundCase | FoundWaiting]]] = {
            ASKED: page_asked,
            OPEN: page_open,
            REVIEWED: page_reviewed,
        }
        if reviewed is not None:
            for name in (ASKED, OPEN) if reviewed else (REVIEWED,):
                del parts[name]
        return join_pages(parts, paging)

    def _list_asked(self, doctor: Subject, urgency: Band | None = None) -> list[WaitingSpot]:
        rows = self.waiting.list_asked(doctor.id)
        return [row for row in rows if urgency in (None, row.urgency)]

    def _see_asked(self, rows: Sequence[WaitingSpot], doctor: Subject) -> list[FoundCase]:
        named = [row.finding for row in rows if row.finding]
        found = self.records.by_ids(named)
        return self._with_accounts(
            [found[name] for name in named if name in found],
            lambda _, owner: is_asked(doctor.id, owner, doctor),
            doctor=doctor,
        )

    def list_unassigned(
        self, *, doctor: Subject, urgency: Band | None, paging: PageRequest
    ) -> Page[FoundWaiting]:
        """The page is empty for a doctor who does not see patients without a doctor."""
        if not self.unassigned.shows_list(doctor):
            return Page([], None)
        spots = self.unassigned.list_spots(doctor.account)
        wanted = [rows for rows in spots if urgency in (None, rows[0].urgency)]
        page = _page_by(wanted, lambda rows: rows[0].urgency_key or "", paging)
        waits_for = {rows[0].id: tuple(row.kind for row in rows) for rows in page.items}
        owners = {rows[0].owner for rows in page.items}
        found = self._see_rows([rows[0] for rows in page.items], doctor, owners)
        return Page(
            [replace(item, waits_for=waits_for[item.row.id]) for item in found], page.next_after
        )

    def count_queue(self, *, doctor: Subject) -> QueueCountsView:
        asked = self.waiting.list_asked(doctor.id)
        listed = self.waiting.count_queue(doctor.id)
        twice = self.waiting.list_queued(doctor.id, {row.lesion for row in asked if row.lesion})
        by_urgency = Counter(row.urgency for row in asked) + listed
        by_urgency.subtract(row.urgency for row in twice)
        shown = self.unassigned.shows_list(doctor)
        unassigned = self.unassigned.count(to=doctor.account) if shown else None
        return QueueCountsView(
            to_review=len(asked) + listed.total() - len(twice),
            by_urgency={band: by_urgency[band] for band in Band},
            unassigned=unassigned,
            waiting={
                kind: WaitingKindCount(count=count, overdue=overdue)
                for kind, (count, overdue) in self.waiting.count_kinds(doctor.id).items()
            },
        )

    def _with_accounts(
        self,
        entries: Sequence[StoredFindingRow],
        belongs: Callable[[StoredFindingRow, Account], bool],
        *,
        doctor: Subject,
        urgency: Band | None = None,
    ) -> list[FoundCase]:
        accounts = self.accounts.by_ids({entry.owner for entry in entries})
        shown = [
            entry
            for entry in entries
            if entry.owner in accounts and belongs(entry, accounts[entry.owner])
        ]
        found = self.records.see(shown)
        seen = [item for item in found if urgency in (None, item.instruction.band)]
        named = {doctor for item in seen for doctor in doctors_of(item.spot)}
        doctors = self.accounts.by_ids(named)
        cases = [FoundCase(item, accounts[item.owner], doctors) for item in seen]
        self.notes.note([case.owner.id for case in cases], by=doctor, action="record.read")
        return cases


def _page_by(items: Sequence[T], key: Callable[[T], str], paging: PageRequest) -> Page[T]:
    behind = [item for item in items if key(item) > (paging.after or "")]
    shown = behind[: paging.limit]
    return Page(shown, key(shown[-1]) if len(behind) > len(shown) else None)
