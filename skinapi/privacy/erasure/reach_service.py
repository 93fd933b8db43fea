"""Notes how to reach people whose account is erased while something waits for them, and lists them
for the doctor in charge (`people_to_reach.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.errors import Conflict, NotFound, RecordDamaged
from skinapi.base.pages import batched
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.unassigned_patients import UnassignedPatients
from skinapi.findings.status.spot import Spot, instruction
from skinapi.findings.status.waiting import WaitingKind, waiting
from skinapi.integrations.patients import PatientsService
from skinapi.model.conditions import Band
from skinapi.platform.backups.erased_ids import Erased, ErasedIds
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out
from skinapi.privacy.erasure.people_to_reach import (
    KEPT_FOR,
    PeopleToReach,
    PersonToReach,
    SpotToSettle,
)

SPOTS_AT_ONCE = 100
MOST_LISTED = 200
# What is noted when an account is erased; a review only if the spot is urgent.
NOTED = frozenset({WaitingKind.REVIEW, WaitingKind.RESULT, WaitingKind.TELLING, WaitingKind.ANSWER})
# A spot with a record that cannot be read is open and urgent.
UNREADABLE = SpotToSettle(urgency=Band.URGENT_REFERRAL, waits_for=(WaitingKind.REVIEW,))
NO_ENTRY = "There is no such entry"
ReachOutcome = Literal["told", "unreachable"]


class PatientNumberNeeded(Conflict):
    code = "patient_number_needed"
    sentence = (
        "This patient is still to be told of a finding, and nobody here knows who it is. Name the "
        "patient's number at the hospital, or let a doctor tell the patient or review the finding "
        "first"
    )


class OtherNumber(Conflict):
    code = "other_number"
    sentence = "This patient did not come under this number. Look at each sign of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachService:
    work: UnitOfWork
    people: PeopleToReach
    unassigned: UnassignedPatients
    records: FindingRecords
    erased: ErasedIds
    failed: FailedItems
    patients: PatientsService

    def count(self, owner: str) -> dict[WaitingKind, int]:
        """Count the spots of this account that wait, by what they wait for."""
        counts = Counter(kind for spot in self._list_spots(owner) for kind in spot.waits_for)
        return {kind: counts[kind] for kind in WaitingKind if counts[kind]}

    def note(self, account: Account, number: PatientNumber | None) -> None:
        """In the transaction that begins the erasure, note how to reach the person if something
        waits, and tell the doctor by mail.
        """
        if number and not self.patients.is_number_of(account, number):
            raise OtherNumber
        spots = [*self._list_spots(account.id)]
        if not spots:
            return
        if account.external:
            number = number or self._find_number(account.id)
            if number is None:
                raise PatientNumberNeeded
        person = self._insert(new_id(), now(), account, spots, number)
        numbers = [spot.number for spot in spots if spot.number]
        self.erased.add("to_reach", f"{person.id}/{account.id}", numbers=numbers)

    def list_all(self, *, to: Subject) -> Sequence[PersonToReach]:
        """List the newest entries that this doctor or admin may see."""
        doctors = {*self.unassigned.accounts.list_active_doctors()}
        people = self.people.walk_all(newest_first=True)
        seen = (person for person in people if self._may_see(person, to, doctors))
        return [*islice(seen, MOST_LISTED)]

    @atomic
    def mark_done(self, unit: Unit, *, identifier: str, outcome: ReachOutcome, by: Subject) -> None:
        """End the entry, after a restore of an older backup too."""
        person = self.people.find(identifier)
        doctors = {*self.unassigned.accounts.list_active_doctors()}
        if person is None or not self._may_see(person, by, doctors):
            raise NotFound(NO_ENTRY)
        unit.audit("account.reached", by=by.id, target=person.account, detail=outcome)
        self.people.remove(person.id)
        self.erased.add("reached", f"{person.id}/{person.account}")

    def _may_see(self, person: PersonToReach, to: Subject, doctors: Collection[str]) -> bool:
        """The doctor in charge may; if that doctor is not active, those who see the patients
        without a doctor, and admins. Nobody sees their own entry.
        """
        own = person.account == to.id or person.email == to.account.email
        if to.key is not None or own:
            return False
        if person.doctor in doctors:
            return to.id == person.doctor
        return to.role == "admin" or self.unassigned.shows_list(to)

    def note_again(self) -> "Counter[bool]":
        """In a restored store, before its accounts are erased again: end the entries that were
        ended, and note those that are missing. Counts the people by whether the backup knows them.
        """
        listed = sorted(self.erased.walk_all(), key=lambda entry: entry.created_at)
        gone = {entry.about for entry in listed if entry.kind == "account"}
        ended = {entry.notice for entry in listed if entry.kind == "reached"}
        noted = {entry.about: entry for entry in listed if entry.kind == "to_reach"}
        for identifier in ended.intersection(self.people.list_ids()):
            self.people.remove(identifier)
        since = now() - KEPT_FOR
        return Counter(
            self._note_again(entry)
            for entry in noted.values()
            if entry.about in gone and entry.notice not in ended and entry.created_at > since
        )

    @atomic
    def _note_again(self, _: Unit, entry: Erased) -> bool:
        """Return whether the backup knows the person."""
        with suppress(RecordDamaged):  # an entry that cannot be read is made again
            if self.people.find(entry.notice):
                return True
        account = self.unassigned.accounts.find_by_id(entry.about)
        if account is None:
            return False
        known = [*self._list_spots(account.id)]
        missing = sorted({*entry.numbers} - {spot.number for spot in known})
        spots = [*known, *(SpotToSettle(number=number) for number in missing)]
        number = self._find_number(account.id) if account.external else None
        self.people.remove(entry.notice)
        self._insert(entry.notice, entry.created_at, account, spots, number)
        return True

    def _insert(
        self,
        identifier: str,
        moment: datetime,
        account: Account,
        spots: Sequence[SpotToSettle],
        number: PatientNumber | None,
    ) -> PersonToReach:
        doctor = self.unassigned.find_doctor(account)
        person = PersonToReach(
            id=identifier,
            created_at=moment,
            account=account.id,
            name=account.name,
            email="" if account.is_record else account.email,
            phone=account.phone,
            doctor=doctor.id if doctor else None,
            number=number,
            sent_by=account.sent_by,
            spots=tuple(spots),
            expires_at=moment + KEPT_FOR,
        )
        self.people.insert(person)
        readers = {doctor.id} if doctor else {*self._list_readers()} - {account.id}
        for reader in sorted(readers):
            self.unassigned.outbox.add(Kind.TO_REACH, to=reader, about="people-to-reach")
        return person

    def _list_readers(self) -> list[str]:
        readers = self.unassigned.list_readers()
        return readers or self.unassigned.accounts.list_active_admins()

    def _find_number(self, owner: str) -> PatientNumber | None:
        return self.records.find_patient_numbers([owner]).get(owner)

    def _list_spots(self, owner: str) -> Iterator[SpotToSettle]:
        """List the spots of this account that wait for something that is noted."""
        for lesions in batched(sorted(self.records.spots.list_of(owner)), SPOTS_AT_ONCE):
            with leaving_out() as unreadable:
                found = self.records.spots.read(lesions)
            self.failed.note_damaged(unreadable.damaged)
            for lesion in lesions:
                settle = _find_open(found[lesion].spot) if lesion in found else UNREADABLE
                if settle:
                    yield settle
        if any(row.lesion is None for row in self.records.waiting.list_of("owner", [owner])):
            yield SpotToSettle(waits_for=(WaitingKind.ANSWER,))


def _find_open(spot: Spot) -> SpotToSettle | None:
    counts = instruction(spot)
    urgent = counts is not None and counts.is_urgent
    kinds = tuple(
        item.kind
        for item in waiting(spot, can_read=False)
        if item.kind in NOTED and (urgent or item.kind is not WaitingKind.REVIEW)
    )
    if not kinds:
        return None
    number, asked = (counts.number, counts.level.urgency) if counts else (None, None)
    return SpotToSettle(number=number, urgency=asked, waits_for=kinds)
