"""The queue of findings that wait for a doctor's review: the most urgent first, and of those the
most probably malignant.

An index can sort only by fields of its own documents, so four fields are denormalised. A
submission holds the `doctor` in whose care its owner is, a `queue_key` (how that sorts:
list_keys.py), and a `learning_key` that sorts by what a review would teach a model. An account
holds the `queue_key` of its most urgent unreviewed submission. These fields only order lists: who
may see a finding is decided by the owner's account (readers.py).

Each is written in the transaction of the change that it depends on. Of two transactions that change
what waits for one account, one must see the other. So filing and deleting write the account, and
whoever gives the account the key of a finding writes that finding too: its review conflicts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from skinapi.accounts.auth.accounts import Account, Accounts, key_without_findings
from skinapi.base.pages import batched
from skinapi.findings.records.spots import Spots
from skinapi.findings.records.submission import Listed
from skinapi.findings.records.submissions import Submissions
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

SEEN_AT_ONCE = 100
# After that another doctor may take over what one has taken.
TAKEN_FOR = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    """Keeps the doctors' lists up to date, inside the transactions of its callers."""

    work: UnitOfWork
    submissions: Submissions
    spots: Spots
    accounts: Accounts
    failed: FailedItems

    def join(self, submission: Listed, owner: Account) -> None:
        """Add a new finding. `owner` is its account, as the same transaction has counted it."""
        if submission.queue_key and submission.queue_key < owner.queue_key:
            self.accounts.set_queue_key(owner.id, submission.queue_key)

    def leave(self, submission: Listed, owner: Account) -> None:
        """Take a finding out that was reviewed, or deleted, in the same transaction."""
        if not submission.reviewed:
            self.update_owner_key(owner)

    def recount(self, owner_id: str) -> int:
        """Count the findings of this account one by one."""
        kept = self.submissions.count_of(owner_id)
        self.accounts.set_findings(owner_id, kept)
        return kept

    def update_owner_key(self, owner: Account) -> None:
        """Let the account stand in its doctor's list where its most urgent finding asks for."""
        first = self.submissions.most_urgent(owner.id)
        key = first[1] if first else key_without_findings(owner.id)
        if key != owner.queue_key:
            self.accounts.set_queue_key(owner.id, key)
            if first:
                self.submissions.touch(first[0])

    def faults(self) -> Iterator[Fault]:
        """Accounts whose place, count or findings differ, as a restore by hand leaves them."""
        for account in self.accounts.list_where({}):
            # Again, because a finding may have been filed between the two reads.
            if self._differs(account) and self._still_differs(account.id):
                says = f"the doctors' queue differs from the findings of account {account.id}"
                yield Fault(says, partial(self._put_right, account.id))

    @atomic
    def _still_differs(self, _: Unit, owner: str) -> bool:
        return any(map(self._differs, self.accounts.list_where({"id": owner})))

    def _differs(self, owner: Account) -> bool:
        kept, first = 0, key_without_findings(owner.id)
        for found in batched(self.submissions.walk_owned(owner.id), SEEN_AT_ONCE):
            lesions, alone = _cases_of(found)
            if self.spots.list_changed_keys(lesions=lesions, ids=alone):
                return True
            for submission in found:
                if submission.doctor != owner.doctor_id:
                    return True
                if submission.error:
                    continue
                kept += 1
                if submission.queue_key and not submission.reviewed:
                    first = min(first, submission.queue_key)
        return owner.queue_key != first or owner.findings != kept

    @atomic
    def _put_right(self, _: Unit, identifier: str) -> None:
        owner = self.accounts.get(identifier)
        for found in batched([*self.submissions.walk_owned(identifier)], SEEN_AT_ONCE):
            lesions, alone = _cases_of(found)
            self.spots.renew_keys(lesions=lesions, ids=alone)
        self.submissions.set_doctor(identifier, owner.doctor_id)
        self.recount(identifier)
        self.update_owner_key(owner)


def _cases_of(found: Sequence[Listed]) -> tuple[set[str], list[str]]:
    """The spots of these findings, and the ids of those that belong to none."""
    lesions = {one.lesion for one in found if one.lesion}
    return lesions, [one.id for one in found if not one.lesion]


def is_free(submission: Listed, doctor_id: str) -> bool:
    """Whether this doctor may take it: nobody has it, or somebody has had it too long."""
    if submission.taken_at is None or submission.taken_by == doctor_id:
        return True
    return submission.taken_at < now() - TAKEN_FOR
