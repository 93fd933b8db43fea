"""The use cases of messages: write one, read them, say that one needs no answer.

Each that writes changes the spot, and the account of its owner: so it cannot pass a deletion or a
join of the spot, nor a change of the doctor.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.subjects import Subject
from skinapi.base.errors import Duplicate, IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page
from skinapi.care.message_records import Message, Messages, NobodyInCharge, TooManyUnread
from skinapi.care.reminders import NO_LESION
from skinapi.care.spot_records import Lesion, Lesions
from skinapi.findings.records.readers import in_care
from skinapi.findings.records.record_retention import PatientDeleted
from skinapi.findings.records.review_queue import MOST_UNASSIGNED
from skinapi.findings.records.service import NOT_YOURS, RecordsService
from skinapi.findings.records.spots import Spots
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# So many of one side wait for the other; more would bury what matters.
MOST_UNREAD = 50
MOST_LISTED = 200
# Who reads it in the console before that gets no mail.
MAILED_AFTER = timedelta(minutes=2)
# A message, and the number of the finding that it is about.
Told = tuple[Message, int | None]


@dataclass(frozen=True)
class Waiting:
    """A spot with messages that wait for somebody: `unread` says how many. `patient` is its owner,
    if that is another, and `finding` the number of its newest finding.
    """

    lesion: Lesion
    patient: Account | None
    finding: int | None
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesService:
    work: UnitOfWork
    messages: Messages
    lesions: Lesions
    spots: Spots
    records: RecordsService
    accounts: Accounts
    outbox: Outbox

    def page_messages(
        self, *, lesion: str, to: Subject, newest_first: bool, after: str | None, limit: int
    ) -> Page[Told]:
        spot = self._get_spot(lesion, to)
        page = self.messages.page(spot.id, newest_first=newest_first, after=after, limit=limit)
        numbers = self._numbers_of({item.submission for item in page.items})
        return page.map(lambda message: (message, numbers.get(message.submission or "")))

    def _numbers_of(self, submissions: set[str | None]) -> dict[str, int]:
        named = sorted(filter(None, submissions))
        findings = self.spots.by_ids(named) if named else {}
        return {identifier: finding.number for identifier, finding in findings.items()}

    def send_message(
        self, *, lesion: str, text: str, submission: str | None, by: Subject, key: str | None
    ) -> Told:
        """A retry gets the message of the first request."""
        request_hash = hashlib.sha256(repr((lesion, text, submission)).encode()).hexdigest()
        sent = self._find_sent(by.id, key, request_hash)
        if sent is None:
            try:
                written = {
                    "text": text,
                    "submission": submission,
                    "idempotency_key": key,
                    "request_hash": request_hash,
                }
                sent = self._send(lesion, by, written)
            except Duplicate:  # a retry of this request has stored it in the meantime
                sent = self._find_sent(by.id, key, request_hash)
                if sent is None:
                    raise
        return sent, self._numbers_of({sent.submission}).get(sent.submission or "")

    @atomic
    def _send(self, unit: Unit, lesion: str, by: Subject, written: Document) -> Message:
        spot = self._get_spot(lesion, by)
        unit.audit("message.send", by=by.id, target=spot.id, owner=spot.owner)
        owner = self._hold(spot.id, spot.owner, by)
        to = self._require_reader(owner, by)
        if written["submission"]:
            self._rely_on(written["submission"], spot.id)
        unseen = self.messages.count_unseen(to, spot.id)
        if unseen >= MOST_UNREAD:
            raise TooManyUnread
        if by.id != owner.id:
            self.messages.mark_answered(by=by.id, lesion=spot.id)
        if not unseen:  # else a mail was sent, or waits
            about = _place_of(spot.id, for_owner=to == owner.id)
            self.outbox.add(Kind.MESSAGE, to=to, about=about, author=by.id, delay=MAILED_AFTER)
        return self.messages.add(
            lesion=spot.id,
            owner=owner.id,
            author=by.id,
            signature=None if by.id == owner.id else by.account.name,
            to=to,
            **written,
        )

    @atomic
    def mark_read(self, _: Unit, *, lesion: str, last: str, by: Subject) -> None:
        """What a patient wrote goes on waiting for an answer of the doctor."""
        spot = self._get_spot(lesion, by)
        if self.messages.mark_seen(to=by.id, lesion=spot.id, last=last):
            self._withdraw_mail(spot, by)

    @atomic
    def mark_done(self, unit: Unit, *, lesion: str, last: str, by: Subject) -> None:
        spot = self._get_spot(lesion, by)
        if self.messages.mark_done(by=by.id, lesion=spot.id, last=last):
            unit.record(AuditRow("message.done", by=by.id, target=spot.id, owner=spot.owner))
            self._withdraw_mail(spot, by)

    def _withdraw_mail(self, spot: Lesion, reader: Subject) -> None:
        """Nobody is told by mail of what has been seen."""
        if not self.messages.count_unseen(reader.id, spot.id):
            about = _place_of(spot.id, for_owner=reader.id == spot.owner)
            self.outbox.withdraw(Kind.MESSAGE, to=reader.id, about=about)

    def list_waiting(self, *, to: Subject) -> list[Waiting]:
        """The spots whose messages wait for the caller, MOST_LISTED at most."""
        unread = self.messages.count_waiting_by_lesion(to.id)
        if not unread:
            return []
        found = self.lesions.by_ids(sorted(unread)[:MOST_LISTED]).values()
        owners = self.accounts.by_ids({one.owner for one in found} - {to.id})
        # What waits for a doctor who has lost the role waits until it is back.
        patients = {name: one for name, one in owners.items() if in_care(one, to)}
        self.records.note_read(patients, by=to)
        spots = [
            one
            for one in found
            if one.owner in patients or (one.owner == to.id and not one.deleted_at)
        ]
        newest = self._numbers_of({spot.latest for spot in spots if not spot.deleted_at})
        return [
            Waiting(spot, patients.get(spot.owner), newest.get(spot.latest or ""), unread[spot.id])
            for spot in spots
        ]

    def _get_spot(self, lesion: str, caller: Subject) -> Lesion:
        """The owner or the doctor in charge gets it, also one that was deleted; a colleague who is
        asked does not read what these two write.
        """
        spot = self.lesions.find_kept(lesion)
        if spot is None:
            raise NotFound(NO_LESION)
        owner = self.accounts.by_ids({spot.owner}).get(spot.owner)
        own = spot.owner == caller.id and not spot.deleted_at
        if not (own or (owner and in_care(owner, caller))):
            raise NotFound(NO_LESION)
        self.records.note_read([spot.owner], by=caller)
        return spot

    def _find_sent(self, author: str, key: str | None, request_hash: str) -> Message | None:
        message = self.messages.find_by_key(author, key)
        if message and message.request_hash != request_hash:
            raise IdempotencyKeyReused
        return message

    def _hold(self, lesion: str, owner: str, by: Subject) -> Account:
        held = self.accounts.hold(owner)
        if self.lesions.find(lesion) is None:
            raise NotFound(NO_LESION)
        own = held.id == by.id and held.status != "deleting"
        # A doctor who has lost the role a moment ago still has the patients.
        in_charge = in_care(held, by) and self.accounts.hold(by.id).active_doctor
        if self.lesions.change(lesion, {}) is None or not (own or in_charge):
            raise NotFound(NO_LESION)
        return held

    def _require_reader(self, owner: Account, by: Subject) -> str:
        if by.id != owner.id:
            if owner.record_kept_until_at:
                raise PatientDeleted
            return owner.id
        doctor = self.accounts.by_ids({owner.doctor_id or ""}).get(owner.doctor_id or "")
        if doctor is None or not doctor.active_doctor:  # who rests reads nothing
            raise NobodyInCharge
        return doctor.id

    def _rely_on(self, submission: str, lesion: str) -> None:
        finding = self.records.submissions.find(submission)
        if finding is None or finding.lesion != lesion:
            raise NotFound(NOT_YOURS)
        self.records.rely_on(finding)


def _place_of(lesion: str, *, for_owner: bool) -> str:
    return f"spot/{lesion}" if for_owner else f"course/{lesion}"


def find_unanswered(messages: Messages, lesions: Lesions, doctor: str | None) -> list[str]:
    """The newest findings of the spots about which messages wait for this doctor, or for nobody."""
    waiting = sorted(messages.count_waiting_by_lesion(doctor))
    return lesions.list_newest(waiting[:MOST_UNASSIGNED]) if waiting else []
