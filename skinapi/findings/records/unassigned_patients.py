"""Patients without a doctor in charge: who looks at their findings, and the mails about them."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.events import DoctorChanged, DoctorReturned
from skinapi.base.errors import RecordDamaged
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import optional
from skinapi.base.values import Value
from skinapi.findings.records.stored_finding import URGENT, StoredFinding
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unreadable import leaving_out

# So much at most is read of what waits of the patients of one doctor who is gone: the most urgent.
MOST_UNASSIGNED = 1000


COUNTED_FOR_S = 30.0


# What comes into care meanwhile is told in the same mail.
ARRIVALS_DELAY = timedelta(minutes=2)


# Whoever was told is told again where more is urgent; not of each finding.
TOLD_AGAIN_AFTER = timedelta(hours=1)


class UnassignedView(Value):
    patients: int
    not_approved: int = optional(
        "those of them whose account waits for approval, or was refused", default=0
    )
    spots: int = Field(description="those with `unassigned=true`")
    urgent: int = Field(description="those of them that ask for a doctor this week")


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


@dataclass(frozen=True, slots=True)
class UnassignedSpot:
    """What a spot of a patient without a doctor waits for, the most urgent first. Messages about no
    spot are one, too.
    """

    owner: Account
    rows: Sequence[WaitingSpot]

    @property
    def key(self) -> str:
        return self.rows[0].urgency_key or ""

    @property
    def waits_for(self) -> tuple[WaitingKind, ...]:
        return tuple(row.kind for row in self.rows)

    @property
    def is_urgent(self) -> bool:
        return self.rows[0].urgency is URGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class UnassignedPatients:
    """The doctors whom UNASSIGNED_PATIENTS names (`seen_by`; None: all) see what of theirs somebody
    has to look at, and take the patients from there.
    """

    accounts: Accounts
    waiting: WaitingSpots
    outbox: Outbox
    seen_by: frozenset[str] | None
    review_days: int | None
    clinic: Clinic

    def shows_list(self, to: Subject) -> bool:
        """A doctor sees it in person, not by a key."""
        return to.role == "doctor" and to.key is None and self.is_named(to.account)

    def list_cases(self, owner: Account, to: Subject) -> frozenset[str]:
        """The spots of this patient that stand in the list that this doctor sees; the patient's id
        stands for messages about none.
        """
        shown = self.shows_list(to) and self._is_listed(owner, to.account)
        if not shown or self.find_doctor(owner):
            return frozenset()
        rows = self.waiting.list_of("owner", [owner.id])
        return frozenset(row.lesion or row.owner for row in rows if row.urgency_key)

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
    ) -> Page[UnassignedSpot]:
        """Page the spots that wait for a doctor: the most urgent first, then what is due first."""
        after = paging.after or ""
        listed = [
            spot
            for spot in self._list_spots(to)
            if spot.key > after and urgency in (None, spot.rows[0].urgency)
        ]
        shown = listed[: paging.limit]
        return Page(shown, shown[-1].key if len(listed) > len(shown) else None)

    def count(self, *, to: Account | None = None) -> UnassignedView:
        """Count what waits; `to` one doctor, what `page` shows."""
        spots = self._list_spots(to)
        owners = {spot.owner.id: spot.owner for spot in spots}
        outside = [it for it in owners.values() if it.status == "waiting" or it.refused]
        return UnassignedView(
            patients=len(owners),
            not_approved=len(outside),
            spots=len(spots),
            urgent=sum(spot.is_urgent for spot in spots),
        )

    def count_of_staff(self) -> list[tuple[Account, int, int]]:
        """List who is no patient and has spots that wait, with how many and how many of them are
        urgent; the most urgent first. They stand in no doctor's list.
        """
        spots: dict[str, list[UnassignedSpot]] = {}
        for spot in self._read_spots(None):
            if _is_staff(spot.owner):
                spots.setdefault(spot.owner.id, []).append(spot)
        rows = [
            (each[0].owner, len(each), sum(spot.is_urgent for spot in each))
            for each in spots.values()
        ]
        return sorted(rows, key=lambda row: (-row[2], -row[1]))

    def sum_of_staff(self) -> dict[str, int]:
        rows = self.count_of_staff()
        return {
            "cases": sum(spots for _, spots, _ in rows),
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

    def tell_of_rise(self, patient: Account, finding: StoredFinding) -> None:
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
        waiting = self.waiting.list_of_doctor(event.doctor, limit=MOST_UNASSIGNED)
        self._tell(Kind.CAME_INTO_CARE, event.doctor, sorted({row.owner for row in waiting}))

    def _tell(self, kind: Kind, doctor: str, patients: list[str]) -> None:
        if not patients:
            return
        rows = [row for row in self.waiting.list_of("owner", patients) if row.urgency_key]
        spots = {row.lesion or row.owner: row.urgency for row in rows}
        if spots or kind is Kind.LEFT_CARE:
            urgent = [*spots.values()].count(URGENT)
            waiting = self.outbox.find_last(kind, to=doctor) or {}
            self.outbox.add(
                kind,
                to=doctor,
                about="queue",
                urgent=urgent > 0,
                delay=ARRIVALS_DELAY,
                due_at=waiting.get("due_at"),  # they leave together
                figures={"cases": len(spots), "urgent": urgent},
            )

    def _list_spots(self, to: Account | None) -> list[UnassignedSpot]:
        """List what waits of the patients without a doctor, the most urgent first."""
        found = [
            spot
            for doctor in (None, *self.accounts.list_resting_doctors())
            for spot in self._read_spots(doctor)
            if self._is_listed(spot.owner, to) and spot.owner.doctor_id == doctor
        ]
        return sorted(found, key=lambda spot: spot.key)

    def _read_spots(self, doctor: str | None) -> list[UnassignedSpot]:
        """Read what waits of the patients of this doctor, or of nobody."""
        rows = self.waiting.list_of_doctor(doctor, limit=MOST_UNASSIGNED)
        owners = self.accounts.by_ids({row.owner for row in rows})
        spots: dict[str, list[WaitingSpot]] = {}
        for row in rows:
            spots.setdefault(row.lesion or row.owner, []).append(row)
        known = ((owners.get(each[0].owner), each) for each in spots.values())
        return [UnassignedSpot(owner, each) for owner, each in known if owner]

    def _is_listed(self, owner: Account, to: Account | None) -> bool:
        return _is_patient(owner) and not (to and owner.id == to.id)

    def is_named(self, doctor: Account) -> bool:
        return self.seen_by is None or not self.seen_by.isdisjoint(spellings_of(doctor.email))


def _is_patient(owner: Account) -> bool:
    """Whether it is neither of a doctor, a program or staff with own trials."""
    if owner.role == "doctor" or owner.machine:
        return False
    return owner.role == "user" or owner.doctor_id is not None


def _is_staff(owner: Account) -> bool:
    """Whether its findings are in the care of nobody because it is no patient's."""
    return not owner.machine and owner.role != "user" and not _is_patient(owner)


def _is_news(last: Document, urgent: int) -> bool:
    ended = now() >= last["created_at"] + TOLD_AGAIN_AFTER
    return bool(ended and urgent > last["figures"]["urgent"])


class UnassignedMailer:
    """Mails the number of cases without a doctor to the doctors who see the list and, with those
    of accounts that are no patient's, to admins: once a day, and once an hour at most if more of
    them are urgent. One process at a time.
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
            with leaving_out():
                if self._say_problems():
                    self._store.transaction(self._tell)
        finally:
            self._lease.release()

    def _tell(self) -> None:
        unassigned = self._unassigned
        counted, staff = unassigned.count(), unassigned.sum_of_staff()
        readers, admins = unassigned.list_readers(), unassigned.accounts.list_active_admins()
        self._tell_each(readers, "queue?list=unassigned", counted.spots, counted.urgent)
        cases, urgent = counted.spots + staff["cases"], counted.urgent + staff["urgent"]
        self._tell_each(admins, "overview", cases, urgent)

    def _tell_each(self, accounts: Sequence[str], place: str, cases: int, urgent: int) -> None:
        outbox, kind = self._unassigned.outbox, Kind.WITHOUT_DOCTOR
        for account in accounts if cases else ():
            last = outbox.find_last(kind, to=account)
            if last is None or _is_news(last, urgent):
                outbox.withdraw(kind, to=account, about=place)
                figures = {"cases": cases, "urgent": urgent}
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
            f"Patients without a doctor: {counted.patients}, urgent cases of theirs: "
            f"{counted.urgent}"
        )
        unseen = (
            "Cases of accounts that are no patient's, so no doctor sees them: "
            f"{staff['cases']}, urgent: {staff['urgent']}"
        )
        said = {unassigned: counted.patients, unseen: staff["cases"]}
        return [sentence for sentence, count in said.items() if count]
