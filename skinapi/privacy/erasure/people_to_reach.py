"""People who deleted their account, or a finding, before all of it was settled, who cannot log in
any more, or whose mails do not arrive: how to reach them, for the doctor in charge, and for who has
taken a sample, until one of them has spoken to the person, 30 days at most.

Without it a melanoma that nobody had looked at or that its owner has not read, or the result of a
sample, would go with the account, and nobody would know. It holds no photo and no letter.
`reach_service.py` notes whom to reach.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.events import PatientNumber
from skinapi.accounts.auth.former_owners import FormerOwners
from skinapi.base.errors import Conflict, NotFound, RecordDamaged
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.unassigned_patients import UnassignedPatients
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.storage.ports import set_or_remove
from skinapi.platform.storage.records import Repository, changes_between
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out
from skinapi.privacy.erasure.findings_to_tell import FindingToTell, ReachReason

KEPT_FOR = timedelta(days=30)
MOST_LISTED = 200
ReachOutcome = Literal["told", "unreachable"]
NO_NOTICE = "There is no such notice"


class ResultToCome(Conflict):
    code = "result_to_come"
    sentence = (
        "The laboratory's result is still to be told, and how to reach the person stands nowhere "
        "else: sign the result, or that no sample was taken, first"
    )


class PersonToReach(StoredRecord):
    """`doctor` was in charge. `number`, `sent_by`: of a patient of another system, there."""

    id: str
    created_at: datetime
    account: str
    name: str
    email: str
    phone: str | None = None
    doctor: str | None = None
    number: PatientNumber | None = None
    sent_by: str | None = None
    findings: tuple[FindingToTell, ...]
    expires_at: datetime


class PeopleToReach(Repository[PersonToReach]):
    collection, record = "people_to_reach", PersonToReach
    indexes = (("account", "id"), ("expires_at", "id"))

    def find_of(self, account: str) -> PersonToReach | None:
        return self._first({"account": account})

    def set_findings(self, person: PersonToReach, findings: Sequence[FindingToTell]) -> None:
        changed = changes_between(person, person.model_copy(update={"findings": (*findings,)}))
        if changed:
            self._documents.update({"id": person.id}, set_or_remove(changed))

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})


def keep_or_end(
    people: PeopleToReach, erased: ErasedIds, person: PersonToReach, left: Sequence[FindingToTell]
) -> None:
    """Keep what is left to tell this person; without anything the entry ends, after a restore of
    an older backup, too.
    """
    if left:
        people.set_findings(person, left)
        return
    people.remove(person.id)
    erased.add("reached", f"{person.id}/{person.account}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachList:
    """What a doctor or an admin reads of it, and settles."""

    work: UnitOfWork
    people: PeopleToReach
    unassigned: UnassignedPatients
    former: FormerOwners
    records: FindingRecords
    erased: ErasedIds

    def list_all(self, *, to: Subject) -> Sequence[PersonToReach]:
        doctors = self._find_doctors()
        shown = (self._show(item, to, doctors) for item in self.people.walk_all(newest_first=True))
        unread = map(self._without_read, filter(None, shown))
        return [*islice(filter(None, unread), MOST_LISTED)]

    def _find_doctors(self) -> Mapping[str, Account]:
        accounts = self.unassigned.accounts
        with leaving_out():
            return accounts.by_ids({*accounts.list_active_doctors()})

    def _without_read(self, person: PersonToReach) -> PersonToReach | None:
        """Leave out the decisions that the person has opened since; None where nothing is left."""
        left = tuple(item for item in person.findings if not self._is_read(item))
        return person.model_copy(update={"findings": left}) if left else None

    def _is_read(self, told: FindingToTell) -> bool:
        if told.why is not ReachReason.UNOPENED or told.also:
            return False
        with suppress(RecordDamaged):
            if found := self.records.find_by_number(told.number):
                return self.records.see_one(found).decision_opened_at is not None
        return False

    @atomic
    def mark_done(self, unit: Unit, *, identifier: str, outcome: ReachOutcome, by: Subject) -> None:
        person = self.people.find(identifier)
        doctors = self._find_doctors()
        shown = person and self._show(person, by, doctors)
        if person is None or shown is None:
            raise NotFound(NO_NOTICE)
        unit.audit("account.reached", by=by.id, target=person.account, detail=outcome)
        # Who has taken a sample may know nothing of what was signed since.
        if not self._may_see(person, by, doctors):
            self.people.set_findings(person, [_without(by.id, item) for item in person.findings])
            return
        account = self.unassigned.accounts.find_by_id(person.account)
        stays = account and (account.status != "deleting" or account.record_kept_until_at)
        left = list[FindingToTell]()
        for item in person.findings:
            if item not in shown.findings:
                left.append(item)
            elif stays and self._is_to_come(item):
                left.append(_awaited(item))
        if left == [*person.findings]:
            raise ResultToCome
        keep_or_end(self.people, self.erased, person, left)

    def _is_to_come(self, told: FindingToTell) -> bool:
        """Whether the result of its sample can still be signed."""
        waits = ReachReason.AWAITED in (told.why, *told.also)
        return waits and self.records.find_by_number(told.number) is not None

    def _show(
        self, person: PersonToReach, to: Subject, doctors: Mapping[str, Account]
    ) -> PersonToReach | None:
        """Show all to who may see it, and to who has taken samples the findings of these. The
        person, who may be a doctor now, is shown nothing, nor who has that address now.
        """
        if self._is_own(person, to.account):
            return None
        if self._may_see(person, to, doctors):
            return person
        own = tuple(item for item in person.findings if item.sampled_by == to.id)
        sampler = own and to.role == "doctor" and to.key is None
        return person.model_copy(update={"findings": own}) if sampler else None

    def _is_own(self, person: PersonToReach, reader: Account) -> bool:
        account = self.unassigned.accounts.find_by_id(person.account)
        if account and self.former.is_own(account, reader):
            return True
        return reader.id == person.account or person.email in self.former.list_addresses(reader)

    def _may_see(self, person: PersonToReach, to: Subject, doctors: Mapping[str, Account]) -> bool:
        """The doctor in charge; where that is none of the active `doctors`, or the person, those
        who see the patients without one, and admins.
        """
        if to.key is not None:
            return False
        if to.id == person.doctor:
            return to.role == "doctor"
        if in_charge := doctors.get(person.doctor or ""):
            return self._is_own(person, in_charge) and self._is_reader(to)
        if person.doctor is None and (doctor := self._find_doctor(person)):
            return doctor == to.id
        return self._is_reader(to)

    def _is_reader(self, to: Subject) -> bool:
        return to.role == "admin" or self.unassigned.shows_list(to)

    def _find_doctor(self, person: PersonToReach) -> str | None:
        """Find who is in charge since this was noted of a patient without a doctor."""
        account = self.unassigned.accounts.find_by_id(person.account)
        doctor = self.unassigned.find_doctor(account) if account else None
        return doctor.id if doctor else None


def _awaited(finding: FindingToTell) -> FindingToTell:
    return finding.model_copy(update={"why": ReachReason.AWAITED, "also": ()})


def _without(sampler: str, finding: FindingToTell) -> FindingToTell:
    """Who has spoken to the person, or cannot, leaves the rest to the doctor in charge."""
    own = finding.sampled_by == sampler
    return finding.model_copy(update={"sampled_by": None}) if own else finding
