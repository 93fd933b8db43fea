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

# So many rows at most are read of what patients without a doctor wait for: the most urgent.
MOST_UNASSIGNED = 1000


COUNTED_FOR_S = 30.0


# What comes into care meanwhile is told in the same mail.
ARRIVALS_DELAY = timedelta(minutes=2)


# Whoever was told is told again where more is urgent; not of each finding.
TOLD_AGAIN_AFTER = timedelta(hours=1)


class UnassignedView(Value):
    patients: int
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
        if not self.shows_list(to) or owner.id == to.id or self.find_doctor(owner):
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
        by_doctors = not owner.machine and {*self.list_readers()} - {owner.id}
        return ExpectedReviewer(
            "doctors" if by_doctors else "nobody", None, self.review_days, self.clinic
        )

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
        return UnassignedView(
            patients=len({spot.owner.id for spot in spots}),
            spots=len(spots),
            urgent=sum(spot.is_urgent for spot in spots),
        )

    def on_doctor_changed(self, event: DoctorChanged) -> None:
        """Tell the doctor what has come into care with this patient."""
        if event.doctor:
            self._tell_what_came(event.doctor, [event.patient])

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

    def on_doctor_returned(self, event: DoctorReturned) -> None:
        """Tell the doctor what waits of the patients who are back in care."""
        waiting = self.waiting.list_of_doctors([event.doctor], limit=MOST_UNASSIGNED)
        self._tell_what_came(event.doctor, sorted({row.owner for row in waiting}))

    def _tell_what_came(self, doctor: str, patients: list[str]) -> None:
        rows = [row for row in self.waiting.list_of("owner", patients) if row.urgency_key]
        spots = {row.lesion or row.owner: row.urgency for row in rows}
        if not spots:
            return
        urgent = [*spots.values()].count(URGENT)
        waiting = self.outbox.find_last(Kind.CAME_INTO_CARE, to=doctor) or {}
        self.outbox.add(
            Kind.CAME_INTO_CARE,
            to=doctor,
            about="queue",
            urgent=urgent > 0,
            delay=ARRIVALS_DELAY,
            due_at=waiting.get("due_at"),  # they leave together
            figures={"cases": len(spots), "urgent": urgent},
        )

    def _list_spots(self, to: Account | None) -> list[UnassignedSpot]:
        """List what waits of patients whose doctor is missing or not active, the most urgent first.
        What waits of the reader is a colleague's to see.
        """
        doctors = [None, *self.accounts.list_inactive_doctors()]
        rows = self.waiting.list_of_doctors(doctors, limit=MOST_UNASSIGNED)
        owners = self.accounts.by_ids({row.owner for row in rows})
        spots: dict[str, list[WaitingSpot]] = {}
        for row in rows:
            spots.setdefault(row.lesion or row.owner, []).append(row)
        known = ((owners.get(each[0].owner), each) for each in spots.values())
        return [
            UnassignedSpot(owner, each)
            for owner, each in known
            if owner and owner.doctor_id in doctors and not (to and owner.id == to.id)
        ]

    def is_named(self, doctor: Account) -> bool:
        return self.seen_by is None or not self.seen_by.isdisjoint(spellings_of(doctor.email))


def _is_news(last: Document, urgent: int) -> bool:
    ended = now() >= last["created_at"] + TOLD_AGAIN_AFTER
    return bool(ended and urgent > last["figures"]["urgent"])


class UnassignedMailer:
    """Mails the number of cases without a doctor to admins and to the doctors who see the list:
    once a day, and once an hour at most if more of them are urgent. One process at a time.
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
                if self._unassigned.count().spots:
                    self._store.transaction(self._tell)
        finally:
            self._lease.release()

    def _tell(self) -> None:
        unassigned = self._unassigned
        counted = unassigned.count()
        for place, accounts in (
            ("queue?list=unassigned", unassigned.list_readers()),
            ("overview", unassigned.accounts.list_active_admins()),
        ):
            for account in accounts:
                self._tell_one(account, place, counted.spots, counted.urgent)

    def _tell_one(self, account: str, place: str, cases: int, urgent: int) -> None:
        outbox, kind = self._unassigned.outbox, Kind.WITHOUT_DOCTOR
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
        counted = self._unassigned.count()
        sentence = (
            f"Patients without a doctor: {counted.patients}, urgent cases of theirs: "
            f"{counted.urgent}"
        )
        return [sentence] if counted.patients else []
