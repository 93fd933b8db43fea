"""Patients without a doctor in charge: who looks at their findings, and the mails about them."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.events import DoctorChanged, DoctorReturned
from skinapi.accounts.auth.former_owners import FormerOwners
from skinapi.base.errors import RecordDamaged
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import optional
from skinapi.base.values import Value
from skinapi.findings.records.finding_lists import FindingLists
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.queue_order import awaited_range, key_range
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.records.visible_findings import URGENT, VisibleFinding, VisibleFindingRow
from skinapi.findings.status.decisions import WaitsFor
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unreadable import hide

# So many patients without a doctor at most are listed and counted, the most urgent ones.
MOST_UNASSIGNED = 1000


WORK = "unassigned"


COUNTED_FOR_S = 30.0


# What comes into care meanwhile is told in the same mail.
ARRIVALS_DELAY = timedelta(minutes=2)


# Whoever was told is told again where more is urgent; not of each finding.
TOLD_AGAIN_AFTER = timedelta(hours=1)


class OrphanedWork(StrEnum):
    """What of a reviewed finding waits for a doctor who is gone; a `message` of any."""

    RESULT = "result"
    PHOTO = "photo"
    OPINION = "opinion"
    DISPUTED = "disputed"
    MESSAGE = "message"


class UnassignedCase(NamedTuple):
    finding: VisibleFindingRow
    owner: Account
    left: tuple[OrphanedWork, ...] = ()


class UnassignedView(Value):
    patients: int
    not_approved: int = optional(
        "those of them whose account waits for approval, or was refused", default=0
    )
    findings: int = Field(description="those with `unassigned=true`")
    urgent: int = Field(
        description="those that ask for a doctor this week, and are not reviewed, or wait for the "
        "laboratory"
    )


class Clinic(NamedTuple):
    """Says how patients know the clinic, as far as its operator has said so."""

    name: str | None = None
    phone: str | None = None


class ExpectedReviewer(NamedTuple):
    """The doctor in charge, any of the doctors who see the patients without one, or nobody here;
    usually within `days`, where the clinic says that. Whoever waits for longer calls the
    `clinic`.
    """

    by: Literal["doctor", "doctors", "nobody"]
    doctor: Account | None = None
    days: int | None = None
    clinic: Clinic = Clinic()


class FindUnanswered(Protocol):
    def __call__(self, doctor: str | None) -> Sequence[str]:
        """The newest findings of the spots about which messages wait for this doctor, or for
        nobody; of messages about no spot, or one without findings, those of the patients.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class UnassignedPatients:
    """The doctors whom UNASSIGNED_PATIENTS names (`seen_by`; None: all) see what of theirs somebody
    has to look at, and take the patients from there. One record that cannot be read hides no other.
    """

    accounts: Accounts
    former: FormerOwners
    records: FindingRecords
    lists: FindingLists
    outbox: Outbox
    failed: FailedItems
    seen_by: frozenset[str] | None
    review_days: int | None
    clinic: Clinic
    find_unanswered: FindUnanswered

    def shows_list(self, to: Subject) -> bool:
        """A doctor sees it in person, not by a key."""
        return to.role == "doctor" and to.key is None and self.is_named(to.account)

    def list_cases(self, owner: Account, to: Subject) -> frozenset[str]:
        """The spots of this patient that stand in the list that this doctor sees."""
        shown = self.shows_list(to) and self._is_listed(owner, to.account)
        if not shown or self.find_doctor(owner):
            return frozenset()
        doctor, of, most = owner.doctor_id, [owner.id], MOST_UNASSIGNED
        listed = self.lists.find_waiting(doctor, of, band=None, after="", limit=most)
        listed += self._find_left(doctor, of)[0]
        return frozenset(item["lesion"] for item in listed)

    def find_doctor(self, owner: Account) -> Account | None:
        """The active doctor in charge; None too where the doctor's account cannot be read."""
        with suppress(RecordDamaged):
            doctor = self.accounts.find_by_id(owner.doctor_id)
            return doctor if doctor and doctor.active_doctor else None
        return None

    def find_who_looks(self, owner: Account) -> ExpectedReviewer:
        if doctor := self.find_doctor(owner):
            return ExpectedReviewer("doctor", doctor, self.review_days, self.clinic)
        by_doctors = _is_patient(owner) and self.has_readers()
        return ExpectedReviewer(
            "doctors" if by_doctors else "nobody", None, self.review_days, self.clinic
        )

    def has_readers(self) -> bool:
        if self.seen_by is None:
            return self.accounts.has_active_doctor()
        return bool(self.list_readers())

    def list_readers(self) -> list[str]:
        if self.seen_by is None:
            return self.accounts.list_active_doctors()
        found = map(self.accounts.find_active_doctor, sorted(self.seen_by))
        return [doctor.id for doctor in found if doctor]

    def page(
        self, *, urgency: Band | None, paging: PageRequest, to: Account
    ) -> Page[UnassignedCase]:
        """Page findings that wait for a review, as in the queue, then those that wait else."""
        after, limit = paging.after or "", paging.limit
        cases, more = list[UnassignedCase](), False
        for doctor, patients, damaged in self._walk_patients(to):
            owners = {patient.id: patient for patient in patients}
            stored = self.lists.find_waiting(
                doctor, [*owners, *damaged], band=urgency, after=after, limit=limit + 1
            )
            for lost in damaged:
                hide("accounts", lost)
            more = more or len(stored) > limit
            known = [item for item in stored if item["owner"] in owners]
            read = [*self.failed.each(WORK, known, StoredFindingRow.model_validate)]
            for lost in {item["id"] for item in stored} - {item.id for item in read}:
                hide(FINDINGS, lost)
            written = {*self.find_unanswered(doctor)}
            for item in self.records.see(read):
                left = (OrphanedWork.MESSAGE,) if item.id in written else ()
                cases.append(UnassignedCase(item, owners[item.owner], left))
        first, end = key_range(reviewed=True, band=urgency) if urgency else ("1", "2")
        first = max(first, after)
        cases += (item for item in self._list_left(to) if first < _key_of(item) < end)
        cases.sort(key=_key_of)
        shown = cases[:limit]
        more = bool(shown) and (more or len(cases) > limit)
        return Page(shown, _key_of(shown[-1]) if more else None)

    def count(self, *, to: Account | None = None) -> UnassignedView:
        """Count what waits, for MOST_UNASSIGNED patients at most; `to` one doctor, what `page`
        shows.
        """
        waiting = {item.id: item for _, patients, _ in self._walk_patients(to) for item in patients}
        left, known = list[Document](), dict(waiting)
        for stored, owners, _ in self._walk_left(to):
            left += stored
            known |= {item["owner"]: owners[item["owner"]] for item in stored}
        count, ids = self.lists.count_waiting, [*waiting]
        outside = [item for item in known.values() if item.status == "waiting" or item.refused]
        return UnassignedView(
            patients=len(known),
            not_approved=len(outside),
            findings=len(left) + (count(ids) if ids else 0),
            urgent=sum(map(_is_urgent, left)) + (count(ids, band=URGENT) if ids else 0),
        )

    def count_of_staff(self) -> list[tuple[Account, int, int]]:
        """List who is no patient and has findings that wait, with how many and how many of them
        urgent; the most urgent first. They stand in no doctor's list.
        """
        stored = self.accounts.find_waiting_patients(None, limit=MOST_UNASSIGNED)
        left, _ = self._find_left(None)
        known = {item["id"] for item in stored}
        stored += self.accounts.find_stored({item["owner"] for item in left} - known)
        read = self.failed.each(WORK, stored, Account.model_validate)
        staff = {item.id: item for item in read if _is_staff(item)}
        counts = defaultdict[str, Counter[bool]](Counter)  # urgent or not, by the owner
        for owner, (waiting, urgent) in self.lists.count_waiting_by("owner", staff).items():
            counts[owner] += Counter({True: urgent, False: waiting - urgent})
        for item in left:
            counts[item["owner"]][_is_urgent(item)] += 1
        rows = [
            (staff[item], count.total(), count[True])
            for item, count in counts.items()
            if item in staff
        ]
        return sorted(rows, key=lambda row: (-row[2], -row[1]))

    def sum_of_staff(self) -> dict[str, int]:
        rows = self.count_of_staff()
        return {
            "findings": sum(findings for _, findings, _ in rows),
            "urgent": sum(urgent for *_, urgent in rows),
        }

    def on_doctor_changed(self, event: DoctorChanged) -> None:
        """Tell the doctor what has come into care with this patient."""
        if event.doctor:
            self._tell(Kind.CAME_INTO_CARE, event.doctor, [event.patient])

    def tell_of_urgent(self, patient: Account) -> None:
        """Tell the doctor in charge that something urgent waits."""
        if doctor := self.find_doctor(patient):
            self.outbox.add(Kind.URGENT, to=doctor.id, about="queue")

    def tell_of_rise(self, patient: Account, finding: VisibleFinding) -> None:
        """Tell the doctor in charge that this finding has become urgent: once a day, until a doctor
        has signed a review of it.
        """
        doctor, about = self.find_doctor(patient), f"case/{finding.number}"
        if doctor is None:
            return
        last = self.outbox.find_last(Kind.URGENT, to=doctor.id, about=about)
        signed = finding.reviews
        if last is None or (signed and signed[-1].created_at > last["created_at"]):
            self.outbox.add(Kind.URGENT, to=doctor.id, about=about)

    def tell_of_loss(self, patient: Account) -> None:
        """Tell the doctor in charge, before the patient gets another one, what goes there."""
        if patient.doctor_id:
            self._tell(Kind.LEFT_CARE, patient.doctor_id, [patient.id])

    def on_doctor_returned(self, event: DoctorReturned) -> None:
        """Tell the doctor what waits of the patients who are back in care."""
        patients = self.accounts.find_waiting_patients(event.doctor, limit=MOST_UNASSIGNED)
        waiting = {patient["id"] for patient in patients}
        left = {item["owner"] for item in self._find_left(event.doctor)[0]}
        self._tell(Kind.CAME_INTO_CARE, event.doctor, sorted(waiting | left))

    def _tell(self, kind: Kind, doctor: str, patients: list[str]) -> None:
        if not patients:
            return
        left, _ = self._find_left(doctor, patients)
        findings = self.lists.count_waiting(patients) + len(left)
        if findings or kind is Kind.LEFT_CARE:
            urgent = self.lists.count_waiting(patients, band=URGENT)
            urgent += sum(map(_is_urgent, left))
            waiting = self.outbox.find_last(kind, to=doctor) or {}
            self.outbox.add(
                kind,
                to=doctor,
                about="queue",
                urgent=urgent > 0,
                delay=ARRIVALS_DELAY,
                due_at=waiting.get("due_at"),  # they leave together
                figures={"findings": findings, "urgent": urgent},
            )

    def _walk_patients(
        self, to: Account | None
    ) -> Iterator[tuple[str | None, list[Account], set[str]]]:
        """Read the patients whose finding waits for a review, by the doctor who rests, or None; and
        the ids of accounts that cannot be read.
        """
        left = MOST_UNASSIGNED
        for doctor in self._list_gone():
            stored = self.accounts.find_waiting_patients(doctor, limit=left)
            read = [*self.failed.each(WORK, stored, Account.model_validate)]
            patients = [item for item in read if self._is_listed(item, to)]
            damaged = {item["id"] for item in stored} - {item.id for item in read}
            left -= len(patients)
            if patients or damaged:
                yield doctor, patients, damaged
            if left <= 0:
                return

    def _list_left(self, to: Account) -> list[UnassignedCase]:
        cases: list[UnassignedCase] = []
        for stored, owners, unanswered in self._walk_left(to):
            entries = self.failed.each(WORK, stored, StoredFindingRow.model_validate)
            found = self.records.see([*entries])
            cases += (
                UnassignedCase(record, owners[record.owner], _left_of(record, unanswered))
                for record in found
            )
        return cases

    def _walk_left(
        self, to: Account | None
    ) -> Iterator[tuple[list[Document], dict[str, Account], set[str]]]:
        """Read what is left, with its owners and the ids of what a message waits about."""
        for doctor in self._list_gone():
            stored, unanswered = self._find_left(doctor)
            accounts = self.accounts.find_stored({item["owner"] for item in stored})
            read = self.failed.each(WORK, accounts, Account.model_validate)
            listed = (item for item in read if self._is_listed(item, to))
            owners = {item.id: item for item in listed if item.doctor_id == doctor}
            yield [item for item in stored if item["owner"] in owners], owners, unanswered

    def _is_listed(self, owner: Account, to: Account | None) -> bool:
        return _is_patient(owner) and not (to and self.former.is_own(owner, to))

    def _find_left(
        self, doctor: str | None, owners: Sequence[str] | None = None
    ) -> tuple[list[Document], set[str]]:
        """Find what is left of this doctor's patients, and the ids of what messages wait about."""
        unanswered = {*self.find_unanswered(doctor)}
        stored = self.lists.find_left(doctor, owners=owners, limit=MOST_UNASSIGNED)
        if more := unanswered - {item["id"] for item in stored}:
            written = self.lists.find_reviewed(sorted(more))
            stored += (item for item in written if owners is None or item["owner"] in owners)
        return stored, unanswered

    def _list_gone(self) -> list[str | None]:
        return [None, *self.accounts.list_resting_doctors()]

    def is_named(self, doctor: Account) -> bool:
        return self.seen_by is None or not self.seen_by.isdisjoint(spellings_of(doctor.email))


def _is_patient(owner: Account) -> bool:
    """Whether it is neither of a doctor, a program or staff with own trials, nor will be gone. What
    waits in a record that is kept is looked at by a doctor, too.
    """
    if owner.role == "doctor" or owner.machine or owner.status == "deleting":
        return False
    return owner.role == "user" or owner.doctor_id is not None


def _is_staff(owner: Account) -> bool:
    """Whether its findings are in the care of nobody because it is no patient's."""
    stays = not owner.machine and not owner.is_record and owner.status != "deleting"
    return stays and owner.role != "user" and not _is_patient(owner)


def _key_of(case: UnassignedCase) -> str:
    return case.finding.queue_key or ""


def _is_urgent(stored: Document) -> bool:
    """Whether the result of something urgent is awaited."""
    first, end = key_range(reviewed=True, band=URGENT)
    since, until = awaited_range(WaitsFor.RESULT)
    awaited = since < (stored.get("awaited_key") or "") < until
    return awaited and first <= stored["queue_key"] < end


def _left_of(finding: VisibleFindingRow, unanswered: Collection[str]) -> tuple[OrphanedWork, ...]:
    holds = {
        OrphanedWork.RESULT: finding.awaited is WaitsFor.RESULT,
        OrphanedWork.PHOTO: finding.awaited is WaitsFor.PHOTO,
        OrphanedWork.OPINION: finding.opinion_came_at is not None,
        OrphanedWork.DISPUTED: finding.disputed is not None,
        OrphanedWork.MESSAGE: finding.id in unanswered,
    }
    return tuple(item for item, is_left in holds.items() if is_left)


def _is_news(last: Document, urgent: int) -> bool:
    ended = now() >= last["created_at"] + TOLD_AGAIN_AFTER
    return bool(ended and urgent > last["figures"]["urgent"])


class UnassignedMailer:
    """Tells admins, and the doctors who see the list, of patients without a doctor, and admins of
    findings that are no patient's: each once a day, and once an hour at most where more of these
    findings are urgent. One process at a time.
    """

    def __init__(self, store: Store, unassigned: UnassignedPatients) -> None:
        self._lease = Lease(store.collection("leases"), "unassigned-mailer")
        self._store, self._unassigned = store, unassigned
        self._problems: list[str] = []
        self._counted_until = 0.0

    def run_once(self) -> None:
        if not self._unassigned.outbox.enabled or not self._lease.claim():
            return
        try:
            if self._say_problems():
                self._store.transaction(self._tell)
        finally:
            self._lease.release()

    def _tell(self) -> None:
        counted, staff = self._unassigned.count(), self._unassigned.sum_of_staff()
        admins = dict.fromkeys(self._unassigned.accounts.list_active_admins(), "overview")
        readers = dict.fromkeys(self._unassigned.list_readers(), "queue?list=unassigned")
        if counted.patients:
            figures = {"patients": counted.patients, "urgent": counted.urgent}
            self._tell_each(Kind.UNASSIGNED, admins | readers, figures)
        if staff["findings"]:
            self._tell_each(Kind.STAFF_FINDINGS, admins, staff)

    def _tell_each(self, kind: Kind, places: dict[str, str], figures: dict[str, int]) -> None:
        outbox = self._unassigned.outbox
        for account, place in places.items():
            last = outbox.find_last(kind, to=account)
            if last is None or _is_news(last, figures["urgent"]):
                outbox.withdraw(kind, to=account, about=place)
                outbox.add(kind, to=account, about=place, figures=figures)

    def problems(self) -> list[str]:
        """Tell the operator who waits. Anybody may ask: it is counted twice in a minute."""
        if time.monotonic() >= self._counted_until:
            self._problems = self._say_problems()
            self._counted_until = time.monotonic() + COUNTED_FOR_S
        return self._problems

    def _say_problems(self) -> list[str]:
        counted, staff = self._unassigned.count(), self._unassigned.sum_of_staff()
        unassigned = (
            f"Patients without a doctor: {counted.patients}, urgent findings of theirs: "
            f"{counted.urgent}"
        )
        unseen = (
            "Findings of accounts that are no patient's, so no doctor sees them: "
            f"{staff['findings']}, urgent: {staff['urgent']}"
        )
        said = {unassigned: counted.patients, unseen: staff["findings"]}
        return [sentence for sentence, count in said.items() if count]
