"""How to reach people who deleted their account, or a finding, before all of it was settled, or who
cannot log in any more: for the doctor in charge, and for who has taken a sample, until one of them
has spoken to the person, 30 days at most.

Without it a melanoma that was held back, that nobody had looked at or that its owner has not read,
or the result of a sample, would go with the account, and nobody would know. It holds no photo and
no letter. Of findings that are still stored it says what holds now: a review, or the end of a hold,
changes it in its transaction.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Literal

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.events import ApprovalChanged, PatientNumber
from skinapi.base.errors import Conflict, NotFound, RecordDamaged
from skinapi.base.pages import batched
from skinapi.base.stored_record import StoredRecord
from skinapi.care.message_records import Messages
from skinapi.findings.records.events import FindingDiscarded, FindingReviewed, FindingVoided
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import is_shut_out
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.records.unassigned_patients import UnassignedPatients
from skinapi.findings.records.visible_findings import VisibleFindingRow
from skinapi.findings.status.decisions import Decision, is_proven_cancer
from skinapi.findings.status.lesion_status import Audience
from skinapi.integrations.patients import PatientsService
from skinapi.model.bands import is_sent, most_urgent, urgency
from skinapi.model.conditions import Band
from skinapi.platform.backups.erased_ids import Erased, ErasedIds
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, set_or_remove
from skinapi.platform.storage.records import Repository, changes_between
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out, read_each

KEPT_FOR = timedelta(days=30)
MOST_LISTED = 200
READ_AT_ONCE = 100
SUBMISSIONS = "submissions"
ReachOutcome = Literal["told", "unreachable"]
NO_NOTICE = "There is no such notice"


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


class ReachReason(StrEnum):
    """Why somebody should speak to the owner of a finding, the gravest reason first.

    - `opinion`: a colleague's second opinion names a cancer, asks for a visit or for a result, the
      owner knows of no such thing, and the doctor in charge has not answered it
    - `held`: a doctor was to tell it
    - `unreviewed`: it is urgent or asks for a referral, and nobody has reviewed it, or its newest
      version
    - `unjudged`: it is as urgent, and a doctor could not judge its photo, nor another one since
    - `unreadable`: what is stored of it, or what counts about its spot, cannot be read
    - `awaited`: the result of a sample has not come
    - `unopened`: a doctor asks for a visit or names a cancer, and the owner has not read it; or a
      doctor has decided since somebody was to speak to the owner
    - `discarded`: a doctor names a cancer and asks for a visit, and the owner, who has read it, has
      deleted the finding
    - `unanswered`: no doctor has answered the owner's message, which is about its spot or about
      none, or a doctor names a cancer
    - `message`: no doctor has answered the owner's message, which is about no finding that is there
    - `lost`: the backup that was restored is from before it was so
    """

    OPINION = "opinion"
    HELD = "held"
    UNREVIEWED = "unreviewed"
    UNJUDGED = "unjudged"
    UNREADABLE = "unreadable"
    AWAITED = "awaited"
    UNOPENED = "unopened"
    DISCARDED = "discarded"
    UNANSWERED = "unanswered"
    MESSAGE = "message"
    LOST = "lost"


class FindingToTell(StoredRecord):
    """`label` is the doctor's; `urgency` too, unless what nobody has reviewed asks for more.
    `proven`: by the laboratory. `sampled_by` is the doctor who has taken a sample of which a result
    is awaited. Where not even the number can be read, it is 0; an urgency that cannot be is the
    highest. Of one that is lost no more than the number is known. A message about no finding has
    the number 0, and no urgency. `also`: the reasons beside the gravest.
    """

    number: int
    found_at: datetime | None
    why: ReachReason
    also: tuple[ReachReason, ...] = ()
    label: str | None
    urgency: Band | None
    proven: bool = False
    sampled_by: str | None = None


class PersonToReach(StoredRecord):
    """`doctor` was in charge. `number`, `sent_by`: of a patient of another system, there."""

    id: str
    created_at: datetime
    account: str
    name: str
    email: str
    doctor: str | None = None
    number: PatientNumber | None = None
    sent_by: str | None = None
    findings: tuple[FindingToTell, ...]
    expires_at: datetime


class PeopleToReach(Repository[PersonToReach]):
    collection, record = "people_to_reach", PersonToReach
    indexes = (("account", "id"),)
    expiry = "expires_at"

    def find_of(self, account: str) -> PersonToReach | None:
        return self._first({"account": account})

    def set_findings(self, person: PersonToReach, findings: Sequence[FindingToTell]) -> None:
        changed = changes_between(person, person.model_copy(update={"findings": (*findings,)}))
        if changed:
            self._documents.update({"id": person.id}, set_or_remove(changed))

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachService:
    work: UnitOfWork
    people: PeopleToReach
    unassigned: UnassignedPatients
    submissions: FindingRecords
    erased: ErasedIds
    failed: FailedItems
    patients: PatientsService
    messages: Messages

    def count(self, account: Account, reader: Audience) -> dict[ReachReason, int]:
        """Count the findings of which somebody should speak to this person, as far as `reader` may
        know of them.
        """
        counts = Counter(finding.why for finding in self._walk(account, reader))
        return {why: counts[why] for why in ReachReason if counts[why]}

    def note(self, account: Account, number: PatientNumber | None) -> None:
        """In the transaction that begins the erasure, note whom to reach, and tell by mail that
        there is somebody.
        """
        if number and not self.patients.is_number_of(account, number):
            raise OtherNumber
        findings = tuple(self._walk(account))
        if findings and account.external:
            number = number or self._find_number(findings)
            if number is None:
                raise PatientNumberNeeded
        self._add(account, findings, number)

    def on_finding_discarded(self, event: FindingDiscarded) -> None:
        account = self.unassigned.accounts.get(event.finding.owner)
        finding = self.submissions.see_one(event.finding, Audience.DOCTOR)
        to_tell = _find_what_to_tell(finding, opens=account.can_log_in, discarded=True)
        expected = self.unassigned.find_who_looks(account).by != "nobody"
        if to_tell and (expected or to_tell.why is not ReachReason.UNREVIEWED):
            self._add(account, (to_tell,), None)

    def on_approval_changed(self, event: ApprovalChanged) -> None:
        """Note what is open of who is shut out. Who is back reads it here, and is told by the mails
        that could not go meanwhile.
        """
        account = self.unassigned.accounts.get(event.account)
        if _is_lost(account):
            self._add(account, tuple(self._walk(account)), None)
        elif account.approved and (before := self.people.find_of(account.id)):
            self._end_of_return(account, before)

    def _end_of_return(self, account: Account, before: PersonToReach) -> None:
        open_now = {finding.number: finding for finding in self._walk(account)}
        for finding in before.findings:
            now_open = open_now.get(finding.number)
            if now_open and now_open.why is ReachReason.UNOPENED:
                about = f"finding/{finding.number}"
                self.unassigned.outbox.add(Kind.REVIEWED, to=account.id, about=about)
        gone = [
            item
            for item in before.findings
            if item.why is not ReachReason.MESSAGE and not self._is_stored(item)
        ]
        self._set_findings(before, gone)

    def _is_stored(self, finding: FindingToTell) -> bool:
        return self.submissions.find_by_number(finding.number) is not None

    def on_finding_reviewed(self, event: FindingReviewed) -> None:
        """Say what holds now; of who is shut out, also what was settled before."""
        account = self.unassigned.accounts.find_by_id(event.finding.owner)
        before = self.people.find_of(event.finding.owner)
        if account is None or not (before or _is_lost(account)):
            return
        listed = frozenset(finding.number for finding in before.findings) if before else frozenset()
        held = {finding.number: finding for finding in self._walk(account, listed=listed)}
        if before:
            said = [_renew(finding, held.pop(finding.number, None)) for finding in before.findings]
            self.people.set_findings(before, said)
        if _is_lost(account):
            self._add(account, tuple(held.values()), None)

    def on_finding_voided(self, event: FindingVoided) -> None:
        """It was of somebody else."""
        if before := self.people.find_of(event.finding.owner):
            number = event.finding.number
            self._set_findings(before, [item for item in before.findings if item.number != number])

    def _set_findings(self, person: PersonToReach, findings: Sequence[FindingToTell]) -> None:
        if findings:
            self.people.set_findings(person, findings)
            return
        self.people.remove(person.id)
        self.erased.add("reached", f"{person.id}/{person.account}")

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
        person = self._insert(new_id(), now(), account, findings, number)
        numbers = [finding.number for finding in findings]
        self.erased.add("to_reach", f"{person.id}/{account.id}", numbers=numbers)

    def _insert(
        self,
        identifier: str,
        moment: datetime,
        account: Account,
        findings: tuple[FindingToTell, ...],
        number: PatientNumber | None,
    ) -> PersonToReach:
        doctor = self.unassigned.find_doctor(account)
        person = PersonToReach(
            id=identifier,
            created_at=moment,
            account=account.id,
            name=account.name,
            email=account.email,
            doctor=doctor.id if doctor else None,
            number=number,
            sent_by=account.sent_by,
            findings=findings,
            expires_at=moment + KEPT_FOR,
        )
        self.people.insert(person)
        samplers = {finding.sampled_by for finding in findings if finding.sampled_by}
        readers = {*([doctor.id] if doctor else self._list_readers())}
        for reader in sorted(readers | samplers):
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
        findings = tuple(known.get(number) or _tell_lost(number) for number in listed.numbers)
        self.people.remove(listed.notice)  # a damaged one
        number = before.number if before else None
        if account.external:
            number = number or self._find_number(findings)
        self._insert(listed.notice, listed.created_at, account, findings, number)
        return True

    def list_people_to_reach(self, *, to: Subject) -> Sequence[PersonToReach]:
        doctors = {*self.unassigned.accounts.list_active_doctors()}
        seen = (
            person
            for person in self.people.walk_all(newest_first=True)
            if self._may_see(person, to, doctors)
        )
        return [*islice(seen, MOST_LISTED)]

    @atomic
    def mark_done(self, unit: Unit, *, identifier: str, outcome: ReachOutcome, by: Subject) -> None:
        person = self.people.find(identifier)
        doctors = {*self.unassigned.accounts.list_active_doctors()}
        if person is None or not self._may_see(person, by, doctors):
            raise NotFound(NO_NOTICE)
        unit.audit("account.reached", by=by.id, target=person.account, detail=outcome)
        self._set_findings(person, ())

    def _may_see(self, person: PersonToReach, to: Subject, doctors: Container[str]) -> bool:
        """Show it to the doctor in charge, and to who has taken a sample; where the first is none
        of the active `doctors`, to those who see the patients without one, and to admins.
        """
        if to.key is not None:
            return False
        if to.id in {person.doctor, *(finding.sampled_by for finding in person.findings)}:
            return to.role == "doctor"
        if person.doctor in doctors:
            return False
        return to.role == "admin" or self.unassigned.shows_list(to)

    def _list_readers(self) -> list[str]:
        readers = self.unassigned.list_readers()
        return readers or self.unassigned.accounts.list_active_admins()

    def _find_number(self, findings: Sequence[FindingToTell]) -> PatientNumber | None:
        """Find what the archive said that sent one of them; FHIR leaves a hash alone."""
        for finding in findings:
            if finding.why is ReachReason.UNREADABLE:
                continue
            entry = self.submissions.find_by_number(finding.number)
            if entry and (source := entry.source):
                system = f"urn:oid:{source.issuer_oid}" if source.issuer_oid else source.issuer
                return PatientNumber(system=system or "", value=source.patient_id)
        return None

    def _walk(
        self,
        account: Account,
        reader: Audience = Audience.DOCTOR,
        *,
        listed: Container[int] = frozenset(),
    ) -> Iterator[FindingToTell]:
        """Yield those that are to be told. One that cannot be read keeps nobody from leaving, and
        counts as open: nobody knows what it says. Of who is `listed`, everything that was decided
        and not read is told.
        """
        written = self._find_written(account.id)
        about_none = None in written
        find = partial(_find_what_to_tell, opens=account.can_log_in, written=written, listed=listed)
        for stored in batched(self.submissions.walk_stored(account.id), READ_AT_ONCE):
            with leaving_out() as unreadable:
                rows = read_each(SUBMISSIONS, stored, StoredFindingRow.model_validate)
                seen = self.submissions.see([*rows], reader)
            self.failed.note_damaged(unreadable.damaged)
            for told in filter(None, map(find, seen)):
                about_none = about_none and ReachReason.UNANSWERED not in (told.why, *told.also)
                yield told
            lost = (item for item in stored if (SUBMISSIONS, item["id"]) in unreadable.hidden)
            yield from map(_tell_unread, lost)
        if about_none:
            yield _tell_nothing_but(ReachReason.MESSAGE, number=0, urgency=None)

    def _find_written(self, owner: str) -> frozenset[str | None]:
        """The findings that the messages of this owner which wait are about: the one that is named,
        or the newest of the spot, also of one that was deleted since; of what is about no spot, the
        newest of all. None: a message is about none of them.
        """
        waiting = self.messages.find_unanswered(owner)
        if not waiting:
            return frozenset()
        newest = dict[str | None, str]()
        fields = ("lesion", "former_lesion", "error")
        stored = [
            item
            for item in self.submissions.walk_stored(owner, fields=fields)
            if item.get("error") is None
        ]
        for name in ("former_lesion", "lesion"):
            newest |= {item.get(name): item["id"] for item in stored}
        newest |= {None: stored[-1]["id"]} if stored else {}
        there = {item["id"] for item in stored}
        return frozenset(
            finding if finding in there else newest.get(spot) for spot, finding in waiting
        )


def _is_lost(account: Account) -> bool:
    """Whether it is a patient who is shut out; photos that staff take on trial are nobody's."""
    return is_shut_out(account) and (account.role == "user" or account.doctor_id is not None)


def _renew(before: FindingToTell, holds: FindingToTell | None) -> FindingToTell:
    """Who has taken the sample is to know of its result."""
    if holds is None:
        return before
    return holds.model_copy(update={"sampled_by": holds.sampled_by or before.sampled_by})


def _tell_lost(number: int) -> FindingToTell:
    return _tell_nothing_but(ReachReason.LOST, number=number, urgency=Band.URGENT_REFERRAL)


def _tell_nothing_but(why: ReachReason, *, number: int, urgency: Band | None) -> FindingToTell:
    return FindingToTell(number=number, found_at=None, why=why, label=None, urgency=urgency)


def _tell_unread(stored: Document) -> FindingToTell:
    """Tell of one that cannot be read what stands beside it."""
    number, found_at, band = (stored.get(name) for name in ("number", "created_at", "band"))
    asked = next((item for item in Band if item == band), Band.URGENT_REFERRAL)
    return FindingToTell(
        number=number if isinstance(number, int) else 0,
        found_at=found_at if isinstance(found_at, datetime) else made_at(stored["id"]),
        why=ReachReason.UNREADABLE,
        label=None,
        urgency=asked,
    )


def _find_what_to_tell(
    entry: VisibleFindingRow,
    *,
    opens: bool,
    written: Collection[str | None] = (),
    discarded: bool = False,
    listed: Container[int] = frozenset(),
) -> FindingToTell | None:
    """`opens`: the owner logs in here, and can have read it. `written`: what the messages of the
    owner that wait are about (`_find_written`). `discarded`: the owner deletes it alone, and stays
    a patient. `listed`: the numbers of those of which somebody was to speak already.
    """
    opinion, decision = _find_graver_opinion(entry), entry.decision
    reasons = [*_find_reasons(entry, opens, written, discarded)]
    if opinion:
        reasons = [ReachReason.OPINION, *reasons]
    if not reasons and decision and entry.number in listed and not entry.decision_opened_at:
        reasons = [ReachReason.UNOPENED]
    if not reasons:
        return None
    why, *also = reasons
    named = opinion or (None if why is ReachReason.UNREVIEWED else decision)
    samplers = (item.doctor for item in (opinion, decision) if item and item.awaited)
    return FindingToTell(
        number=entry.number,
        found_at=entry.created_at,
        why=why,
        also=tuple(also),
        # The check's name would read as a diagnosis beside those of doctors.
        label=named.label if named else None,
        urgency=most_urgent(_urgency_asked(entry), *([named.urgency] if named else [])),
        proven=named is not None and named.proven,
        sampled_by=next(samplers, None),
    )


def _find_graver_opinion(entry: VisibleFindingRow) -> Decision | None:
    """The gravest second opinion that says more than what counts: the owner does not know it."""
    news = [item for item in entry.list_opinions() if _is_news(item, entry)]
    return min(
        news, key=lambda item: (not _names_cancer(item), urgency(item.urgency)), default=None
    )


def _is_news(opinion: Decision, entry: VisibleFindingRow) -> bool:
    known = entry.decision
    if _names_cancer(opinion):
        if known is None or not _names_cancer(known):
            return True
        if opinion.proven and not (known.proven and known.label == opinion.label):
            return True
    if opinion.awaited and not (known and known.sampled_at):
        return True
    asks = is_sent(opinion.urgency) and not opinion.unjudged
    return asks and opinion.more_urgent_than(_urgency_asked(entry))


def _urgency_asked(entry: VisibleFindingRow) -> Band:
    return entry.decision.urgency if entry.decision and entry.reviewed else entry.band


def _names_cancer(decision: Decision) -> bool:
    return decision.suspected or is_proven_cancer(decision.label, proven=decision.proven)


def _find_reasons(
    entry: VisibleFindingRow, opens: bool, written: Collection[str | None], discarded: bool
) -> Iterator[ReachReason]:
    """Yield them, the gravest first. Nobody has read what is held."""
    decision = entry.decision
    held = decision and entry.decision_held_until and entry.reader.knows_all
    if held:
        yield ReachReason.HELD
    if not entry.reviewed and urgency(entry.band) <= urgency(Band.REFERRAL):
        yield ReachReason.UNREVIEWED
    cancer = False
    if decision:
        cancer, sent = _names_cancer(decision), is_sent(decision.urgency)
        unopened = opens and not held and entry.decision_opened_at is None and (cancer or sent)
        if entry.reviewed and _is_unjudged(entry, decision, discarded):
            yield ReachReason.UNJUDGED
            unopened = False  # nothing was decided
        if decision.sampled_at:
            yield ReachReason.AWAITED
        if unopened:
            yield ReachReason.UNOPENED
        elif discarded and cancer and sent and not held:
            yield ReachReason.DISCARDED
    if entry.id in written or (cancer and written):
        yield ReachReason.UNANSWERED


def _is_unjudged(entry: VisibleFindingRow, decision: Decision, discarded: bool) -> bool:
    """Whether nobody has judged what asks for a doctor. Who sends another photo as the doctor has
    asked, and deletes this one (`discarded`), has left nothing open.
    """
    if not decision.unjudged or urgency(decision.urgency) > urgency(Band.REFERRAL):
        return False
    followed = discarded and decision.photo_came
    return not followed and entry.lesion_status.find_replacing(entry.id) is None
