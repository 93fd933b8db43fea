from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.events import DoctorChanged, DoctorReturned
from skinapi.base.errors import RecordDamaged
from skinapi.base.values import Value
from skinapi.findings.records.stored_finding import URGENT
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.unreadable import leaving_out

# The most urgent rows of patients without a doctor that are read.
MOST_UNASSIGNED = 1000


class UnassignedView(Value):
    patients: int
    spots: int = Field(description="those with `unassigned=true`")
    urgent: int = Field(description="those of them that ask for a doctor this week")


class Clinic(NamedTuple):
    name: str | None = None
    phone: str | None = None


class ExpectedReviewer(NamedTuple):
    """`days` is the usual time, after which the patient should call the `clinic`."""

    by: Literal["doctor", "doctors", "nobody"]
    doctor: Account | None = None
    days: int | None = None
    clinic: Clinic = Clinic()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnassignedPatients:
    """The doctors `seen_by` (None: all) see these patients and can take them."""

    accounts: Accounts
    waiting: WaitingSpots
    outbox: Outbox
    seen_by: frozenset[str] | None
    review_days: int | None
    clinic: Clinic

    def shows_list(self, to: Subject) -> bool:
        """A doctor sees the list in person, not with a key."""
        return to.role == "doctor" and to.key is None and self.is_named(to.account)

    def list_cases(self, owner: Account, to: Subject) -> frozenset[str]:
        """The patient's id represents messages about no spot."""
        if not self.shows_list(to) or owner.id == to.id or self.find_doctor(owner):
            return frozenset()
        rows = self.waiting.list_of("owner", [owner.id])
        return frozenset(row.lesion or row.owner for row in rows if row.urgency_key)

    def find_doctor(self, owner: Account) -> Account | None:
        """Return None also if the doctor's account is damaged."""
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

    def count(self, *, to: Account | None = None) -> UnassignedView:
        spots = self.list_spots(to)
        return UnassignedView(
            patients=len({rows[0].owner for rows in spots}),
            spots=len(spots),
            urgent=sum(rows[0].urgency is URGENT for rows in spots),
        )

    def list_spots(self, to: Account | None = None) -> list[list[WaitingSpot]]:
        """The reader's own spots are left to colleagues. The most urgent come first."""
        doctors = [None, *self.accounts.list_inactive_doctors()]
        rows = self.waiting.list_of_doctors(doctors, limit=MOST_UNASSIGNED)
        owners = self.accounts.by_ids({row.owner for row in rows})
        spots: dict[str, list[WaitingSpot]] = {}
        for row in rows:
            owner = owners.get(row.owner)
            if owner and owner.doctor_id in doctors and not (to and owner.id == to.id):
                spots.setdefault(row.lesion or row.owner, []).append(row)
        return [*spots.values()]

    def tell_of_urgent(self, patient: Account) -> None:
        if doctor := self.find_doctor(patient):
            self._tell_doctor(doctor.id)

    def on_doctor_changed(self, event: DoctorChanged) -> None:
        rows = self.waiting.list_of("owner", [event.patient])
        if event.doctor and any(row.urgency_key and row.urgency is URGENT for row in rows):
            self._tell_doctor(event.doctor)

    def on_doctor_returned(self, event: DoctorReturned) -> None:
        [*first] = self.waiting.list_of_doctors([event.doctor], limit=1)
        if first and first[0].urgency is URGENT:
            self._tell_doctor(event.doctor)

    def _tell_doctor(self, doctor: str) -> None:
        self.outbox.add(Kind.URGENT, to=doctor, about="queue")

    def mail_waiting(self) -> None:
        """Mail doctors and admins once a day, and when more cases become urgent."""
        if not self.outbox.enabled:
            return
        with leaving_out():
            counted = self.count()
            places = {
                **dict.fromkeys(self.accounts.list_active_admins(), "overview"),
                **dict.fromkeys(self.list_readers(), "queue?list=unassigned"),
            }
            for account, place in places.items() if counted.spots else ():
                last = self.outbox.find_last(Kind.WITHOUT_DOCTOR, to=account)
                if last is None or counted.urgent > last["figures"]["urgent"]:
                    figures = {"cases": counted.spots, "urgent": counted.urgent}
                    self.outbox.withdraw(Kind.WITHOUT_DOCTOR, to=account, about=place)
                    self.outbox.add(Kind.WITHOUT_DOCTOR, to=account, about=place, figures=figures)

    def is_named(self, doctor: Account) -> bool:
        return self.seen_by is None or not self.seen_by.isdisjoint(spellings_of(doctor.email))
