"""Finds what stands in the wrong place of the doctors' lists, or is counted wrongly, and puts it
right.

Servers of version 4 of the store wrote a finding and its place one after the other, and count
nothing in the account; a restore by hand may leave the same.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.auth.accounts.accounts import Account, Accounts, key_without_findings
from skinapi.errors import NotFound
from skinapi.records.findings.review_queue import ReviewQueue
from skinapi.records.findings.submissions import QueueEntry, Submissions
from skinapi.storage.background.migration import Chunk
from skinapi.storage.faults import Fault
from skinapi.storage.ports import Store


class Misplaced:
    def __init__(
        self, *, store: Store, submissions: Submissions, accounts: Accounts, queue: ReviewQueue
    ) -> None:
        self._store = store
        self._submissions = submissions
        self._accounts = accounts
        self._queue = queue

    def place_next(self, after: str | None) -> Chunk | None:
        """Put the next findings behind this id in their places; None where there are none."""
        found = self._submissions.next(after)
        if found is None:
            return None
        submissions, last = found
        placed = 0
        for owner in sorted({submission.owner for submission in submissions}):
            with suppress(NotFound, ValidationError):  # `check` names a damaged record
                account = self._accounts.get(owner)
                own = (submission for submission in submissions if submission.owner == owner)
                if not all(_is_in_place(submission, account) for submission in own):
                    self._repair(owner)
                    placed += 1
        return Chunk(last, placed)

    def faults(self) -> Iterator[Fault]:
        """Accounts whose place, count, or a finding of which differs from what it should be."""
        for account in self._accounts.find({}):
            # Again, because a finding may have been filed between the two reads.
            if self._differs(account) and self._store.transaction(
                partial(self._still_differs, account.id)
            ):
                says = f"the doctors' queue differs from the findings of account {account.id}"
                yield Fault(says, partial(self._repair, account.id))

    def _still_differs(self, owner: str) -> bool:
        return any(map(self._differs, self._accounts.find({"id": owner})))

    def _differs(self, owner: Account) -> bool:
        kept, first = 0, key_without_findings(owner.id)
        for submission in self._submissions.of(owner.id):
            if not _is_in_place(submission, owner):
                return True
            kept += 1
            if submission.queue_key and not submission.reviewed:
                first = min(first, submission.queue_key)
        return owner.queue_key != first or owner.findings not in (None, kept)

    def _repair(self, owner: str) -> None:
        self._store.transaction(partial(self._put_right, owner))

    def _put_right(self, identifier: str) -> None:
        owner = self._accounts.get(identifier)
        for submission in self._submissions.of(identifier):
            if not submission.has_current_keys:
                self._submissions.set_keys(submission)
        self._queue.follow_care(identifier, owner.doctor_id)
        self._queue.recount(identifier)
        self._queue.update_owner_key(owner)


def _is_in_place(submission: QueueEntry, owner: Account) -> bool:
    """Whether a finding stands where it belongs in the list of its doctor, and the owner no lower
    than the finding asks for.
    """
    key, first = submission.queue_key, owner.queue_key
    raised = submission.reviewed or (key is not None and first is not None and first <= key)
    return submission.doctor == owner.doctor_id and submission.has_current_keys and raised
