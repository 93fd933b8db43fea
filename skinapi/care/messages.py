"""Each write also changes the patient's account and the spot, so that it conflicts with a change of
doctor and a deletion of the spot.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NotFound
from skinapi.base.pages import Page, PageRequest
from skinapi.care.message_records import (
    Message,
    Messages,
    NobodyInCharge,
    Thread,
    TooManyUnread,
)
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.events import LesionDeleted
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesion, Lesions
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.record_retention import PatientCannotRead
from skinapi.findings.records.waiting_spots import make_message_row
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# The unread messages allowed on one side; more would hide the important ones.
MOST_UNREAD = 50
MOST_LISTED = 200
# No mail is sent if the message is read in the console before.
MAILED_AFTER = timedelta(minutes=2)
NO_MESSAGE = "Message not found"
NO_CONVERSATION = "There is no such spot or patient"
# A message with the number of the finding that it is about.
NumberedMessage = tuple[Message, int | None]


@dataclass(frozen=True)
class Waiting:
    """`patient` is None if the conversation is the caller's own."""

    lesion: Lesion | None
    patient: Account | None
    finding: int | None
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredMessages:
    work: UnitOfWork
    messages: Messages
    lesions: Lesions
    records: FindingRecords
    accounts: Accounts

    def note(self, thread: Thread) -> None:
        """Call it in the transaction that writes, answers, ends or moves messages."""
        since = self.messages.find_unanswered(thread)
        if thread.lesion is None:
            owner = self.accounts.find_by_id(thread.owner) if since else None
            row = make_message_row(owner, since) if owner and since else None
            self.records.waiting.set_message(thread.owner, row)
        elif self.lesions.change(thread.lesion, {"message_at": since}):
            self.records.renew_waiting([thread.lesion])

    def on_lesion_deleted(self, event: LesionDeleted) -> None:
        self.messages.leave_lesion(event.lesion)
        self.note(Thread(event.owner, None))

    @atomic
    def note_all(self, _: Unit, owner: str) -> None:
        for lesion in sorted(self.records.spots.list_of(owner)):
            since = self.messages.find_unanswered(Thread(owner, lesion))
            self.lesions.write(lesion, {"message_at": since})
        self.records.renew_waiting_of(owner)
        self.note(Thread(owner, None))

    def check_integrity(self) -> Iterator[Fault]:
        owners = self.lesions.owners() | self.messages.owners()
        for owner in sorted(owners):
            if self._differs(owner):
                text = f"what account {owner} waits for differs from its messages"
                yield Fault(text, partial(self.note_all, owner))

    @atomic
    def _differs(self, _: Unit, owner: str) -> bool:
        stored: dict[str | None, datetime | None]
        stored = {item.id: item.message_at for item in self.lesions.list_of(owner)}
        stored[None] = self.records.waiting.find_message(owner)
        return any(
            self.messages.find_unanswered(Thread(owner, lesion)) != since
            for lesion, since in stored.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesService:
    work: UnitOfWork
    messages: Messages
    lesions: Lesions
    records: FindingRecords
    findings: FindingAccess
    accounts: Accounts
    outbox: Outbox
    unanswered: UnansweredMessages

    def page_messages(
        self, about: str, *, to: Subject, newest_first: bool, paging: PageRequest
    ) -> Page[NumberedMessage]:
        thread = self._get_thread(about, to)
        page = self.messages.page(thread, paging, newest_first=newest_first)
        numbers = self._numbers_of({item.submission for item in page.items})
        return page.map(lambda message: (message, numbers.get(message.submission or "")))

    def _numbers_of(self, identifiers: set[str | None]) -> dict[str, int]:
        named = sorted(filter(None, identifiers))
        return self.records.numbers_of(named) if named else {}

    def send_message(
        self, about: str, *, text: str, finding: str | None, by: Subject, key: str | None
    ) -> NumberedMessage:
        """A retry gets the message of the first request."""
        request_hash = hashlib.sha256(repr((about, text, finding)).encode()).hexdigest()
        written = {
            "text": text,
            "submission": finding,
            "idempotency_key": key,
            "request_hash": request_hash,
        }
        find = partial(self.messages.find_by_key, by.id, key, request_hash)
        sent = find_or_make(find, lambda: self._send(about, by, written))
        return sent, self._numbers_of({sent.submission}).get(sent.submission or "")

    @atomic
    def _send(self, unit: Unit, topic: str, by: Subject, written: Document) -> Message:
        thread = self._get_thread(topic, by)
        unit.audit("message.send", by=by.id, target=thread.target, owner=thread.owner)
        owner = self._hold(thread, by)
        to = self._require_reader(owner, by)
        if written["submission"]:
            self._rely_on(written["submission"], thread)
        unseen = self.messages.count_unseen(to, thread)
        if unseen >= MOST_UNREAD:
            raise TooManyUnread
        if by.id != owner.id:
            self.messages.mark_answered(thread, by=by.id)
        if not unseen:  # else a mail was sent, or waits
            about = _place_of(thread, for_owner=to == owner.id)
            self.outbox.add(Kind.MESSAGE, to=to, about=about, author=by.id, delay=MAILED_AFTER)
        sent = self.messages.add(
            thread,
            author=by.id,
            signature=None if by.id == owner.id else by.account.name,
            to=to,
            **written,
        )
        self.unanswered.note(thread)
        return sent

    @atomic
    def mark_read(self, _: Unit, *, message: str, by: Subject) -> None:
        """A patient's messages still wait for an answer."""
        thread = self._get_thread_of(message, by)
        if self.messages.mark_seen(thread, to=by.id, last=message):
            self._withdraw_mail(thread, by)

    @atomic
    def mark_done(self, unit: Unit, *, message: str, by: Subject) -> None:
        thread = self._get_thread_of(message, by)
        self.accounts.lock(thread.owner)
        if self.messages.mark_done(thread, by=by.id, last=message):
            unit.record(
                AuditRow("message.done", by=by.id, target=thread.target, owner=thread.owner)
            )
            self.unanswered.note(thread)
            self._withdraw_mail(thread, by)

    def _withdraw_mail(self, thread: Thread, reader: Subject) -> None:
        if not self.messages.count_unseen(reader.id, thread):
            about = _place_of(thread, for_owner=reader.id == thread.owner)
            self.outbox.withdraw(Kind.MESSAGE, to=reader.id, about=about)

    def list_waiting(self, *, to: Subject) -> list[Waiting]:
        unread = self.messages.count_waiting_by_lesion(to.id)
        others = self.messages.count_waiting_without_lesion(to.id)
        if not (unread or others):
            return []
        found = self.lesions.by_ids(sorted(unread)[:MOST_LISTED]).values()
        without = sorted(others)[:MOST_LISTED]
        owners = self.accounts.by_ids({*without, *(record.owner for record in found)} - {to.id})
        # Messages for a doctor who has lost the role wait until it is restored.
        patients = {name: item for name, item in owners.items() if in_care(item, to)}
        self.findings.note_read(patients, by=to)
        spots = [record for record in found if record.owner in patients or record.owner == to.id]
        newest = self._numbers_of({spot.latest for spot in spots})
        return [
            Waiting(spot, patients.get(spot.owner), newest.get(spot.latest or ""), unread[spot.id])
            for spot in spots
        ] + [
            Waiting(None, patients.get(owner), None, others[owner])
            for owner in without
            if owner in patients or owner == to.id
        ]

    def _get_thread(self, about: str, caller: Subject) -> Thread:
        """A colleague who is asked for an opinion may not read it."""
        spot = self.lesions.find(about)
        thread = Thread(spot.owner, spot.id) if spot else Thread(about, None)
        self._require_member(thread, caller, NO_CONVERSATION)
        return thread

    def _get_thread_of(self, message: str, caller: Subject) -> Thread:
        found = self.messages.find(message)
        if found is None:
            raise NotFound(NO_MESSAGE)
        thread = Thread(found.owner, found.lesion)
        self._require_member(thread, caller, NO_MESSAGE)
        return thread

    def _require_member(self, thread: Thread, caller: Subject, missing: str) -> None:
        account = self.accounts.find_by_id(thread.owner)
        if not (thread.owner == caller.id or (account and in_care(account, caller))):
            raise NotFound(missing)
        self.findings.note_read([thread.owner], by=caller)

    def _hold(self, thread: Thread, by: Subject) -> Account:
        held, lesion = self.accounts.lock(thread.owner), thread.lesion
        own = held.id == by.id
        # A doctor who lost the role a moment ago still has patients.
        in_charge = in_care(held, by) and self.accounts.lock(by.id).active_doctor
        there = lesion is None or (self.lesions.find(lesion) and self.lesions.change(lesion, {}))
        if not (there and (own or in_charge)):
            raise NotFound(NO_CONVERSATION)
        return held

    def _require_reader(self, owner: Account, by: Subject) -> str:
        if by.id != owner.id:
            if not self.findings.can_read_anywhere(owner):
                raise PatientCannotRead
            return owner.id
        doctor = self.accounts.find_by_id(owner.doctor_id)
        if doctor is None or not doctor.active_doctor:  # who rests reads nothing
            raise NobodyInCharge
        return doctor.id

    def _rely_on(self, identifier: str, thread: Thread) -> None:
        """A conversation about no spot may refer to any finding of its owner."""
        finding = self.findings.records.find(identifier)
        if finding is None or finding.owner != thread.owner:
            raise NotFound(NOT_YOURS)
        if thread.lesion and finding.lesion != thread.lesion:
            raise NotFound(NOT_YOURS)
        self.findings.rely_on(finding)


def _place_of(thread: Thread, *, for_owner: bool) -> str:
    if thread.lesion:
        return f"spot/{thread.lesion}" if for_owner else f"course/{thread.lesion}"
    return "messages" if for_owner else f"patients/{thread.owner}?at=messages"
