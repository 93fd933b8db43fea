"""Notes whom to reach (`people_to_reach.py`), by what happens. Of findings that are still stored an
entry says what holds now: a review, or the end of a hold, changes it in its transaction.
"""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.events import (
    AccountsJoined,
    ApprovalChanged,
    DoctorChanged,
    PatientNumber,
    RoleChanged,
)
from skinapi.accounts.auth.former_owners import FormerOwners
from skinapi.base.errors import Conflict, RecordDamaged
from skinapi.base.pages import batched
from skinapi.care.message_records import Messages
from skinapi.findings.records.events import (
    FindingDiscarded,
    FindingReviewed,
    FindingsChanged,
    FindingVoided,
)
from skinapi.findings.records.finding_access import Programs
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import is_shut_out
from skinapi.findings.records.stored_finding import Source, StoredFindingRow
from skinapi.findings.records.unassigned_patients import UnassignedPatients
from skinapi.integrations.patients import PatientsService
from skinapi.platform.backups.erased_ids import Erased, ErasedIds
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out, read_each
from skinapi.privacy.erasure.findings_to_tell import (
    FindingToTell,
    ReachReason,
    find_what_to_tell,
    list_graver_of_spots,
    tell_lost,
    tell_nothing_but,
    tell_unread,
)
from skinapi.privacy.erasure.people_to_reach import (
    KEPT_FOR,
    PeopleToReach,
    PersonToReach,
    keep_or_end,
)

READ_AT_ONCE = 100


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
    former: FormerOwners
    records: FindingRecords
    erased: ErasedIds
    failed: FailedItems
    patients: PatientsService
    messages: Messages
    programs: Programs

    def count(self, account: Account) -> dict[ReachReason, int]:
        """Count the findings of which somebody should speak to this person."""
        counts = Counter(finding.why for finding in self._list_open(account))
        return {why: counts[why] for why in ReachReason if counts[why]}

    def note(self, account: Account, number: PatientNumber | None) -> None:
        """In the transaction that begins the erasure, note whom to reach, and tell by mail that
        there is somebody.
        """
        if number and not self.patients.is_number_of(account, number):
            raise OtherNumber
        findings = self._list_open(account)
        if findings and account.external:
            number = number or self._find_number(findings)
            if number is None:
                raise PatientNumberNeeded
        self._add(account, findings, number)

    def _list_open(self, account: Account) -> tuple[FindingToTell, ...]:
        """List those that are to be told, with those whose entry is not settled."""
        found = tuple(self._walk(account))
        before = self.people.find_of(account.id)
        numbers = {item.number for item in found}
        listed = before.findings if before else ()
        return (*(item for item in listed if item.number not in numbers), *found)

    def on_finding_discarded(self, event: FindingDiscarded) -> None:
        account = self.unassigned.accounts.get(event.finding.owner)
        finding = self.records.see_one(event.finding)
        to_tell = find_what_to_tell(finding, opens=self._opens(account), discarded=True)
        expected = self.unassigned.find_who_looks(account).by != "nobody"
        if to_tell and (expected or to_tell.why is not ReachReason.UNREVIEWED):
            self._add(account, (to_tell,), None)

    def on_approval_changed(self, event: ApprovalChanged) -> None:
        """Note what is open of who is shut out. Who is back reads it here, and is told by the mails
        that could not go meanwhile.
        """
        account = self.unassigned.accounts.get(event.account)
        if self._is_lost(account):
            self._add(account, tuple(self._walk_lost(account)), None)
        elif account.approved and (before := self.people.find_of(account.id)):
            self._end_for_reader(account, before, reader=account.id)

    def on_role_changed(self, event: RoleChanged) -> None:
        """Note what is open of who is shut out as a patient now."""
        account = self.unassigned.accounts.get(event.account)
        if self._is_lost(account):
            self._add(account, tuple(self._walk_lost(account)), None)

    def _is_lost(self, account: Account) -> bool:
        """Whether it is somebody who is shut out, or to whom no program shows anything."""
        unshown = account.external is not None and not self.programs.may_show(account)
        return unshown or is_shut_out(account)

    def _opens(self, account: Account) -> bool:
        """Whether what this patient has not opened here is not read."""
        return account.can_log_in or self._is_lost(account)

    def _walk_lost(
        self, account: Account, listed: Container[int] = (), *, opens: bool = False
    ) -> Iterator[FindingToTell]:
        """Yield what is open of such a person. Photos that staff have taken on trial are nobody's
        until a doctor has said something of them.
        """
        on_trial = account.role != "user" and account.doctor_id is None
        for item in self._walk(account, listed=listed, opens=opens):
            if not on_trial or (item.why, *item.also) != (ReachReason.UNREVIEWED,):
                yield item

    def on_doctor_changed(self, event: DoctorChanged) -> None:
        """Let an entry go with the patient to the doctor who is in charge now. That of an account
        which is being deleted stays with the former one.
        """
        account = self.unassigned.accounts.find_by_id(event.patient)
        before = self.people.find_of(event.patient)
        if account and before and account.status != "deleting":
            self._add(account, before.findings, before.number)

    def on_accounts_joined(self, event: AccountsJoined) -> None:
        """The one that stays reads what the duplicate could not; what is left goes on there. Where
        that one reads nothing either, everything that is open does.
        """
        gone, stays = map(self.unassigned.accounts.get, (event.account, event.into))
        lost = self._is_lost(stays)
        before = self.people.find_of(gone.id)
        unread = gone.external is not None and stays.can_log_in
        if not lost and (before or unread):
            self._end_for_reader(gone, before, reader=stays.id, unread=unread)
        if left := self.people.find_of(gone.id):
            keep_or_end(self.people, self.erased, left, ())
            self._add(stays, left.findings, left.number)
        if lost:
            self._add(stays, tuple(self._walk_lost(gone, opens=True)), None)

    def _end_for_reader(
        self, account: Account, before: PersonToReach | None, *, reader: str, unread: bool = False
    ) -> None:
        """Tell by mail of what is listed and not opened; where the account was one in which nobody
        could read (`unread`), of all that is not opened.
        """
        listed = before.findings if before else ()
        numbers = {item.number for item in listed}
        for item in self._walk(account, opens=unread):
            if (unread or item.number in numbers) and ReachReason.UNOPENED in (
                item.why,
                *item.also,
            ):
                about = f"finding/{item.number}"
                self.unassigned.outbox.add(Kind.REVIEWED, to=reader, about=about)
        if before:
            kept = (item for item in listed if item.why is not ReachReason.MESSAGE)
            left = [item for item in kept if self.records.find_by_number(item.number) is None]
            keep_or_end(self.people, self.erased, before, left)

    def on_finding_reviewed(self, event: FindingReviewed) -> None:
        """Say what holds now; of who is shut out, also what was settled before."""
        account = self.unassigned.accounts.find_by_id(event.finding.owner)
        before = self.people.find_of(event.finding.owner)
        kept = account is not None and account.record_kept_until_at is not None
        lost = account is not None and (kept or self._is_lost(account))
        if account is None or not (before or lost):
            return
        others = self._renew_rows(account, before)
        if lost:
            self._add(account, tuple(others.values()), None)

    def _renew_rows(
        self,
        account: Account,
        before: PersonToReach | None,
        changed: Container[int] | None = None,
    ) -> dict[int, FindingToTell]:
        """Let the rows of an entry say what holds now; only those of findings that have `changed`,
        if these are given. Return what is to be told beside them, by its number.
        """
        listed = frozenset(item.number for item in before.findings) if before else frozenset()
        held = {item.number: item for item in self._walk_lost(account, listed)}
        if before:
            rows = [
                _keep_sampler(item, held.get(item.number))
                if changed is None or item.number in changed
                else item
                for item in before.findings
            ]
            self.people.set_findings(before, rows)
        return {number: item for number, item in held.items() if number not in listed}

    def on_findings_changed(self, event: FindingsChanged) -> None:
        """Say what holds of these now."""
        for owner in {item.owner for item in event.findings}:
            account, before = self.unassigned.accounts.find_by_id(owner), self.people.find_of(owner)
            # Of one that is being deleted it was noted as that began.
            if before and account and account.status != "deleting":
                self._renew_rows(account, before, {item.number for item in event.findings})

    @atomic
    def on_mail_undelivered(self, _: Unit, notice: Notice) -> None:
        """Note whom no mail reaches, where it was to tell of a finding that asks for a visit and is
        not read yet.
        """
        place, number = notice.about.partition("/")[::2]
        found = self.records.find_by_number(int(number)) if place == "finding" else None
        if found is None or found.error or found.owner != notice.account:
            return
        account = self.unassigned.accounts.get(found.owner)
        to_tell = find_what_to_tell(self.records.see_one(found), opens=True)
        if to_tell and ReachReason.UNOPENED in (to_tell.why, *to_tell.also):
            self._add(account, (to_tell,), None)

    def on_finding_voided(self, event: FindingVoided) -> None:
        """It was of somebody else."""
        if before := self.people.find_of(event.finding.owner):
            number = event.finding.number
            left = [item for item in before.findings if item.number != number]
            keep_or_end(self.people, self.erased, before, left)

    def _add(
        self,
        account: Account,
        findings: tuple[FindingToTell, ...],
        number: PatientNumber | None,
    ) -> None:
        if not findings:
            return
        if before := self.people.find_of(account.id):
            self.people.remove(before.id)
            anew = {finding.number for finding in findings}
            findings = (*(item for item in before.findings if item.number not in anew), *findings)
            number = number or before.number
        if account.external:
            number = number or self._find_number(findings)
        person = self._insert(new_id(), now(), account, findings, number, before=before)
        numbers = [finding.number for finding in findings]
        self.erased.add("to_reach", f"{person.id}/{account.id}", numbers=numbers)

    def _insert(
        self,
        identifier: str,
        moment: datetime,
        account: Account,
        findings: tuple[FindingToTell, ...],
        number: PatientNumber | None,
        *,
        before: PersonToReach | None,
    ) -> PersonToReach:
        doctor = self.unassigned.find_doctor(account)
        person = PersonToReach(
            id=identifier,
            created_at=moment,
            account=account.id,
            name=account.name,
            email=_find_email(account, before),
            phone=account.phone or (before.phone if before else None),
            doctor=doctor.id if doctor else None,
            number=number,
            sent_by=account.sent_by or (before.sent_by if before else None),
            findings=findings,
            expires_at=moment + KEPT_FOR,
        )
        self.people.insert(person)
        samplers = {finding.sampled_by for finding in findings if finding.sampled_by}
        readers = {*([doctor.id] if doctor else self._list_readers())} | samplers
        with leaving_out():
            known = self.unassigned.accounts.by_ids(readers)
        own = {name for name, reader in known.items() if self.former.is_own(account, reader)}
        for reader in sorted(readers - own):
            self.unassigned.outbox.add(Kind.TO_REACH, to=reader, about="people-to-reach")
        return person

    def note_again(self) -> "Counter[bool]":
        """In a store that was restored, before its accounts are erased again: have the notices that
        the list of erased ids has, and none that was ended. Counts the people by whether the backup
        knows them; who is unknown cannot be noted.
        """
        listed = sorted(self.erased.walk_all(), key=lambda entry: (entry.created_at, entry.id))
        ended = {entry.notice for entry in listed if entry.kind == "reached"}
        # Each notice holds what those before it of the same person held and was not ended.
        newest = {entry.about: entry for entry in listed if entry.kind == "to_reach"}
        with leaving_out():  # one that cannot be read is made anew by what the list says of it
            noted = {person.account for person in self.people.walk_all()}
        return Counter(
            known
            for account in sorted({*newest, *noted})
            if (known := self._renew(account, newest.get(account), ended)) is not None
        )

    @atomic
    def _renew(
        self, _: Unit, account_id: str, listed: Erased | None, ended: Container[str]
    ) -> bool | None:
        """Whether the person is known; None where there is nobody to reach."""
        try:
            before = self.people.find_of(account_id)
        except RecordDamaged:
            before = None
        notice = listed.notice if listed else before and before.id
        over = notice in ended or bool(listed and listed.created_at + KEPT_FOR <= now())
        if before and not over and before.id == notice:
            return True
        if before:
            self.people.remove(before.id)
        account = self.unassigned.accounts.find_by_id(account_id)
        if over or listed is None or account is None:
            return None if over or listed is None else False
        restored = (*(before.findings if before else ()), *self._walk(account))
        known = {finding.number: finding for finding in restored}
        findings = tuple(known.get(number) or tell_lost(number) for number in listed.numbers)
        self.people.remove(listed.notice)  # a damaged one
        number = before.number if before else None
        if account.external:
            number = number or self._find_number(findings)
        moment = listed.created_at
        self._insert(listed.notice, moment, account, findings, number, before=before)
        return True

    def _list_readers(self) -> list[str]:
        readers = self.unassigned.list_readers()
        return readers or self.unassigned.accounts.list_active_admins()

    def _find_number(self, findings: Sequence[FindingToTell]) -> PatientNumber | None:
        """Find what the archive said that sent one of them; FHIR leaves a hash alone."""
        readable = (item for item in findings if item.why is not ReachReason.UNREADABLE)
        entries = (self.records.find_by_number(item.number) for item in readable)
        sources = (entry.source for entry in entries if entry and entry.source)
        return next(map(_number_of, sources), None)

    def _walk(
        self,
        account: Account,
        *,
        listed: Container[int] = frozenset(),
        opens: bool = False,
    ) -> Iterator[FindingToTell]:
        """Yield those that are to be told. One that cannot be read keeps nobody from leaving, and
        counts as open: nobody knows what it says. Of who is `listed`, everything that was decided
        and not read is told. With `opens` what nobody has opened here is not read.
        """
        written = self._find_written(account.id)
        about_none = None in written
        find = partial(
            find_what_to_tell, opens=opens or self._opens(account), written=written, listed=listed
        )
        for stored in batched(self.records.walk_stored(account.id), READ_AT_ONCE):
            with leaving_out() as unreadable:
                rows = read_each(FINDINGS, stored, StoredFindingRow.model_validate)
                seen = self.records.see([*rows])
            self.failed.note_damaged(unreadable.damaged)
            found = {item.number: told for item in seen if (told := find(item))}
            for told in found.values():
                about_none = about_none and ReachReason.UNANSWERED not in (told.why, *told.also)
                yield told
            yield from list_graver_of_spots(seen, found)
            lost = (item for item in stored if (FINDINGS, item["id"]) in unreadable.hidden)
            yield from map(tell_unread, lost)
        if about_none:
            yield tell_nothing_but(ReachReason.MESSAGE, number=0, urgency=None)

    def _find_written(self, owner: str) -> frozenset[str | None]:
        """The findings that the messages of this owner which wait are about: the one that is named,
        or the newest of the spot; of what is about no spot, the newest of all. None: a message is
        about none of them.
        """
        waiting = self.messages.find_open(owner)
        if not waiting:
            return frozenset()
        newest = dict[str | None, str]()
        fields = ("lesion", "error")
        stored = [
            item
            for item in self.records.walk_stored(owner, fields=fields)
            if item.get("error") is None
        ]
        newest |= {item["lesion"]: item["id"] for item in stored}
        newest |= {None: stored[-1]["id"]} if stored else {}
        there = {item["id"] for item in stored}
        return frozenset(
            finding if finding in there else newest.get(spot) for spot, finding in waiting
        )


def _number_of(source: Source) -> PatientNumber:
    system = f"urn:oid:{source.issuer_oid}" if source.issuer_oid else source.issuer
    return PatientNumber(system=system or "", value=source.patient_id)


def _find_email(account: Account, before: PersonToReach | None) -> str:
    """The address of a kept record leads nowhere: the one of before stays, if there is one."""
    if not account.is_record:
        return account.email
    return before.email if before else ""


def _keep_sampler(before: FindingToTell, holds: FindingToTell | None) -> FindingToTell:
    """Who has taken the sample is to know of its result."""
    if holds is None:
        return before
    return holds.model_copy(update={"sampled_by": holds.sampled_by or before.sampled_by})
