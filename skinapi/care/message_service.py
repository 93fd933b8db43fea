"""The use cases of messages: write one, read them.

Each that writes changes the spot, and the account of its owner: so it cannot pass a deletion or a
join of the spot, nor a change of the doctor.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.care.lesion_records import Lesion, Lesions
from skinapi.care.message_records import Message, Messages, NobodyInCharge, TooManyUnread
from skinapi.care.reminders import NO_LESION
from skinapi.domain.pages import Page
from skinapi.domain.subject import Subject
from skinapi.errors import Duplicate, IdempotencyKeyReused, NotFound
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.lesion_findings import LesionFindings
from skinapi.records.review_queue import in_care
from skinapi.records.service import NOT_YOURS, RecordsService
from skinapi.storage.ports import Store

# So many of one side wait for the other; more would bury what matters.
MOST_UNREAD = 50
MOST_LISTED = 200
NO_MESSAGE = "There is no such message of the other one"
# Who reads it in the console before that gets no mail.
MAILED_AFTER = timedelta(minutes=2)
# A message, and the number of the finding that it is about.
Told = tuple[Message, int | None]


@dataclass(frozen=True)
class Waiting:
    """A spot with messages that wait for somebody. `patient` is its owner, if that is another."""

    lesion: Lesion
    patient: Account | None
    unread: int


class MessagesService:
    def __init__(
        self,
        *,
        store: Store,
        messages: Messages,
        lesions: Lesions,
        findings: LesionFindings,
        records: RecordsService,
        accounts: Accounts,
        trail: AuditTrail,
        outbox: Outbox,
    ) -> None:
        self._store, self._outbox = store, outbox
        self._messages, self._lesions = messages, lesions
        self._findings, self._records, self._accounts = findings, records, accounts
        self._trail = trail

    def page_messages(
        self, *, lesion: str, to: Subject, newest_first: bool, after: str | None, limit: int
    ) -> Page[Told]:
        """One page of a conversation in the order of time. Raises NotFound."""
        found = self._get_spot(lesion, to)
        page = self._messages.page(found.id, newest_first=newest_first, after=after, limit=limit)
        numbers = self._numbers_of(page.items)
        return page.map(lambda message: (message, numbers.get(message.submission or "")))

    def _numbers_of(self, messages: list[Message]) -> dict[str, int]:
        named = sorted({one.submission for one in messages if one.submission})
        found = self._findings.by_ids(named) if named else {}
        return {identifier: finding.number for identifier, finding in found.items()}

    def send_message(
        self, *, lesion: str, text: str, submission: str | None, by: Subject, key: str | None
    ) -> Told:
        """Store a message of the owner of the spot, or of the doctor in charge. The same request
        with the same idempotency key gets the message of the first one. Raises NotFound, also for a
        finding of another spot, NobodyInCharge, TooManyUnread, IdempotencyKeyReused.
        """
        request_hash = hashlib.sha256(repr((lesion, text, submission)).encode()).hexdigest()
        sent = self._find_sent(by.id, key, request_hash)
        if sent is None:
            found = self._get_spot(lesion, by)

            def send() -> Message:
                owner = self._hold(found.id, found.owner, by)
                to = self._require_reader(owner, by)
                if submission:
                    self._rely_on(submission, found.id)
                unread = self._messages.count_unread(to, found.id)
                if unread >= MOST_UNREAD:
                    raise TooManyUnread
                if not unread:  # else a mail was sent, or waits
                    about = _place_of(found.id, for_owner=to == owner.id)
                    self._outbox.add(
                        Kind.MESSAGE, to=to, about=about, author=by.id, delay=MAILED_AFTER
                    )
                return self._messages.add(
                    lesion=found.id,
                    owner=owner.id,
                    author=by.id,
                    signature=None if by.id == owner.id else by.account.name,
                    to=to,
                    text=text,
                    submission=submission,
                    idempotency_key=key,
                    request_hash=request_hash,
                )

            try:
                sent = self._trail.change(send, "message.send", by=by.id, target=found.id)
            except Duplicate:  # a retry of this request has stored it in the meantime
                sent = self._find_sent(by.id, key, request_hash)
                if sent is None:
                    raise
        return sent, self._numbers_of([sent]).get(sent.submission or "")

    def mark_read(self, *, lesion: str, last: str, by: Subject) -> None:
        """Mark what waits for the caller, up to the message `last`, as read. Raises NotFound."""
        found = self._get_spot(lesion, by)

        def mark() -> None:
            marked = self._messages.mark_read(to=by.id, lesion=found.id, last=last)
            if marked and not self._messages.count_unread(by.id, found.id):
                about = _place_of(found.id, for_owner=by.id == found.owner)
                self._outbox.withdraw(Kind.MESSAGE, to=by.id, about=about)

        self._store.transaction(mark)

    def report_message(self, *, lesion: str, message: str, reason: str, by: Subject) -> None:
        """Tell the admins of a message that somebody else wrote, once. Raises NotFound."""
        found = self._get_spot(lesion, by)

        def report() -> None:
            reported = self._messages.find(message)
            if reported is None or reported.lesion != found.id or reported.author == by.id:
                raise NotFound(NO_MESSAGE)
            if reported.reported_at is None:
                self._messages.mark_reported(message)
                self._trail.record(
                    "message.report",
                    by=by.id,
                    target=reported.author,
                    detail=f"{reason} {message}",
                )

        self._store.transaction(report)

    def list_waiting(self, *, to: Subject) -> list[Waiting]:
        """The spots whose messages wait for the caller, MOST_LISTED at most."""
        unread = self._messages.count_unread_by_lesion(to.id)
        if not unread:
            return []
        found = self._lesions.by_ids(sorted(unread)[:MOST_LISTED]).values()
        spots = [one for one in found if not (one.deleted_at and one.owner == to.id)]
        patients = self._accounts.by_ids({one.owner for one in spots} - {to.id})
        return [Waiting(one, patients.get(one.owner), unread[one.id]) for one in spots]

    def _get_spot(self, lesion: str, caller: Subject) -> Lesion:
        """The spot, for its owner or the doctor in charge, who reads on what was said about one
        that was deleted. A colleague who is asked for a second opinion sees the findings, and not
        what these two write to each other. Raises NotFound.
        """
        found = self._lesions.find_kept(lesion)
        if found is None:
            raise NotFound(NO_LESION)
        owner = self._accounts.by_ids({found.owner}).get(found.owner)
        own = found.owner == caller.id and not found.deleted_at
        if not (own or (owner and in_care(owner, caller))):
            raise NotFound(NO_LESION)
        return found

    def _find_sent(self, author: str, key: str | None, request_hash: str) -> Message | None:
        found = self._messages.find_by_key(author, key)
        if found and found.request_hash != request_hash:
            raise IdempotencyKeyReused
        return found

    def _hold(self, lesion: str, owner: str, by: Subject) -> Account:
        """The owner of the spot, which stays as it is until the transaction ends. Raises NotFound
        where the caller is not a side of the conversation any more.
        """
        held = self._accounts.hold(owner)
        if self._lesions.find(lesion) is None:
            raise NotFound(NO_LESION)
        own = held.id == by.id and held.status != "deleting"
        if self._lesions.change(lesion, {}) is None or not (own or in_care(held, by)):
            raise NotFound(NO_LESION)
        return held

    def _require_reader(self, owner: Account, by: Subject) -> str:
        """Who is to read a message of the caller. Raises NobodyInCharge."""
        if by.id != owner.id:
            return owner.id
        doctor = self._accounts.by_ids({owner.doctor_id or ""}).get(owner.doctor_id or "")
        if doctor is None or not doctor.approved:  # a suspended one reads nothing
            raise NobodyInCharge
        return doctor.id

    def _rely_on(self, submission: str, lesion: str) -> None:
        finding = self._records.find(submission)
        if finding is None or finding.lesion != lesion:
            raise NotFound(NOT_YOURS)
        self._records.rely_on(finding)


def _place_of(lesion: str, *, for_owner: bool) -> str:
    """Where the console shows the conversation."""
    return f"spot/{lesion}" if for_owner else f"course/{lesion}"
