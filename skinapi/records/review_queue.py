"""The queue of findings that wait for a doctor's review: most urgent first, then longest waiting.

An index can only sort by what a record holds, so three fields hold it. A submission has the
`doctor` in whose care its owner is, and a `queue_key` that sorts unreviewed before reviewed, then
by band, then by time. An account has the `queue_key` of its most urgent unreviewed submission.
They order lists and nothing else: who may see a finding is read from the owner's account.

Nothing spans two documents, so whoever changes what a field follows from (care, a new finding, a
review, a deletion) writes the field afterwards, then reads again, until both agree. The last to
write has then checked. A crash in between leaves a list in the wrong order until the change is
asked for again, or `check --repair` mends it; a patient stays in the doctor's list all the time.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from skinapi.auth.accounts import Account, Accounts, key_without_findings
from skinapi.errors import NotFound
from skinapi.records.submissions import RANKED_BANDS, QueueEntry, Submissions
from skinapi.storage.faults import Fault
from skinapi.vision.conditions import Band

AT_ONCE = 100


@dataclass(frozen=True)
class Waiting:
    """What a queue key says of an unreviewed finding."""

    band: Band
    since: datetime
    number: int

    @classmethod
    def of(cls, account: Account) -> "Waiting | None":
        """The account's most urgent unreviewed finding."""
        key = account.queue_key or ""
        if not key.startswith("0"):
            return None
        since = datetime.fromtimestamp(int(key[2:15]) / 1000, UTC)
        return cls(band=RANKED_BANDS[int(key[1])], since=since, number=int(key[15:]))


class ReviewQueue:
    def __init__(self, *, submissions: Submissions, accounts: Accounts) -> None:
        self._submissions = submissions
        self._accounts = accounts

    def join(self, submission: QueueEntry, owner: Account) -> None:
        """After a finding was filed; `owner` was read after that."""
        if submission.doctor != owner.doctor_id:
            self.follow_care(owner.id)
        self.place_owner(owner.id)

    def leave(self, submission: QueueEntry) -> None:
        """After its review was signed; again and again without harm."""
        if self._submissions.mark_reviewed(submission):
            self.place_owner(submission.owner)

    def follow_care(self, owner_id: str) -> None:
        """Put all findings of this account in the queue of its doctor, if it has one."""
        with suppress(NotFound):
            doctor = self._accounts.get(owner_id).doctor_id
            while True:
                self._hand_over(owner_id, doctor)
                now = self._accounts.get(owner_id).doctor_id
                if now == doctor:
                    return
                doctor = now

    def place_owner(self, owner_id: str) -> None:
        """Put this account where its most urgent unreviewed finding belongs."""
        with suppress(NotFound):
            while True:
                key = self._submissions.first_key(owner_id) or key_without_findings(owner_id)
                if self._accounts.get(owner_id).queue_key == key:
                    return
                self._accounts.set_queue_key(owner_id, key)

    def faults(self) -> Iterator[Fault]:
        """Accounts whose findings, or who themselves, are not where they belong in a queue."""
        accounts = {account.id: account for account in self._accounts.find({})}
        keys = {identifier: key_without_findings(identifier) for identifier in accounts}
        misplaced = set()
        for submission in self._submissions.walk():
            owner = accounts.get(submission.owner)
            if owner is None:
                continue
            if submission.doctor != owner.doctor_id or not submission.placed:
                misplaced.add(owner.id)
            if not submission.reviewed:
                keys[owner.id] = min(keys[owner.id], submission.place(reviewed=False))
        for account in accounts.values():
            if account.id in misplaced or account.queue_key != keys[account.id]:
                says = f"the doctors' queue differs from the findings of account {account.id}"
                yield Fault(says, partial(self._mend, account.id))

    def _mend(self, owner_id: str) -> None:
        self.follow_care(owner_id)
        self.place_owner(owner_id)

    def _hand_over(self, owner_id: str, doctor: str | None) -> None:
        after: str | None = None
        while True:
            page = self._submissions.page(owner_id, after=after, limit=AT_ONCE)
            for submission in page.items:
                if submission.doctor != doctor or not submission.placed:
                    self._submissions.put_in_queue(submission, doctor)
            after = page.next_after
            if after is None:
                return
