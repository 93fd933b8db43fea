"""The queue of findings that wait for a doctor's review: most urgent first, then the oldest.

An index can sort only by fields of its own documents, so four fields are denormalised. A
submission holds the `doctor` in whose care its owner is, a `queue_key` that sorts unreviewed before
reviewed, then by urgency, then by time, and a `learning_key` that sorts by what a review would
teach a model. An account holds the `queue_key` of its most urgent unreviewed submission. These
fields only order lists: who may see a finding is decided by the owner's account.

No transaction spans two documents. So after each change that such a field depends on (care, a new
finding, a review, a deletion), the field is written, the source is read again, and this is repeated
until both agree. The writer that finishes last has therefore seen the final state. A crash in
between leaves a list in the wrong order, until the change is requested again or another process
repairs it (automatic_repair.py); the patient stays in the doctor's list all the time.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from skinapi.auth.accounts import Account, Accounts, key_without_findings
from skinapi.errors import NotFound
from skinapi.records.decisions import Decision
from skinapi.records.submissions import RANKED_BANDS, QueueEntry, Submissions
from skinapi.storage.faults import Fault
from skinapi.vision.conditions import Band

PAGE_SIZE = 100


@dataclass(frozen=True)
class Waiting:
    """The facts in the queue key of an unreviewed finding: band, time and number."""

    band: Band
    since: datetime
    number: int

    @classmethod
    def of(cls, account: Account) -> "Waiting | None":
        """The account's most urgent unreviewed finding; None where it has none."""
        # The layout of a key is in QueueEntry.make_queue_key.
        key = account.queue_key or ""
        if not key.startswith("0"):
            return None
        since = datetime.fromtimestamp(int(key[2:15]) / 1000, UTC)
        return cls(band=RANKED_BANDS[int(key[1])], since=since, number=int(key[15:]))


class ReviewQueue:
    """Keeps the order of the doctors' lists up to date after each change."""

    def __init__(self, *, submissions: Submissions, accounts: Accounts) -> None:
        self._submissions = submissions
        self._accounts = accounts

    def join(self, submission: QueueEntry, owner: Account) -> None:
        """Add a new finding. Call it after the finding is stored, with its owner read after that:
        the owner's doctor may have changed in the meantime.
        """
        if submission.doctor != owner.doctor_id:
            self.follow_care(owner.id)
        self.update_owner_key(owner.id)

    def leave(self, submission: QueueEntry, *, decision: Decision) -> None:
        """Mark a finding as decided, after the review was signed. Idempotent."""
        if self._submissions.mark_reviewed(submission, decision=decision):
            self.update_owner_key(submission.owner)

    def follow_care(self, owner_id: str) -> None:
        """Move all findings of this account to the queue of its doctor, or out of every queue where
        it has no doctor. Nothing where the account is deleted.
        """
        with suppress(NotFound):
            doctor = self._accounts.get(owner_id).doctor_id
            while True:
                self._move_findings(owner_id, doctor)
                # Read again: where the doctor changed while the findings were moved, some of them
                # are in the wrong queue now.
                doctor_now = self._accounts.get(owner_id).doctor_id
                if doctor_now == doctor:
                    return
                doctor = doctor_now

    def update_owner_key(self, owner_id: str) -> None:
        """Set the account's queue key to that of its most urgent unreviewed finding. Nothing where
        the account is deleted.
        """
        with suppress(NotFound):
            while True:
                key = self._submissions.first_key(owner_id) or key_without_findings(owner_id)
                # Every writer checks after its write, so the last one repairs a key that was
                # computed before the findings changed.
                if self._accounts.get(owner_id).queue_key == key:
                    return
                self._accounts.set_queue_key(owner_id, key)

    def repair(self, owner_id: str) -> None:
        """Put all findings of this account, and the account, in their places. Idempotent."""
        self.follow_care(owner_id)
        self.update_owner_key(owner_id)

    def faults(self) -> Iterator[Fault]:
        """Accounts where a denormalised field, its own or of one of its findings, is wrong."""
        accounts = {account.id: account for account in self._accounts.find({})}
        keys = {identifier: key_without_findings(identifier) for identifier in accounts}
        misplaced = set()
        for submission in self._submissions.walk():
            owner = accounts.get(submission.owner)
            if owner is None:
                continue
            if submission.doctor != owner.doctor_id or not submission.has_current_keys:
                misplaced.add(owner.id)
            if not submission.reviewed:
                key = submission.make_queue_key(reviewed=False)
                keys[owner.id] = min(keys[owner.id], key)
        for account in accounts.values():
            if account.id in misplaced or account.queue_key != keys[account.id]:
                says = f"the doctors' queue differs from the findings of account {account.id}"
                yield Fault(says, partial(self.repair, account.id))

    def _move_findings(self, owner_id: str, doctor: str | None) -> None:
        after: str | None = None
        while True:
            page = self._submissions.page(owner_id, after=after, limit=PAGE_SIZE)
            for submission in page.items:
                if submission.doctor != doctor or not submission.has_current_keys:
                    self._submissions.put_in_queue(submission, doctor)
            after = page.next_after
            if after is None:
                return
