"""The collection of reviews: doctors' opinions on a finding, added and never overwritten."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from skinapi.records.errors import TooManyReviews
from skinapi.records.reviews.opinions import Opinion, Verdict
from skinapi.storage.ids import new_id_after, now
from skinapi.storage.ports import Store

# All of them are read to find the one that counts.
MOST_REVIEWS = 100


class Review(Verdict):
    """One doctor's review of a finding. `signature` is the doctor's name at that time; it stays
    after the doctor's account is deleted. Until `hold_ends_at` the owner of the finding is not
    shown it, because the doctor wants to tell it.
    """

    id: str
    created_at: datetime
    signature: str
    note: str | None = None
    hold_ends_at: datetime | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    def held_at(self, moment: datetime) -> bool:
        return self.hold_ends_at is not None and self.hold_ends_at > moment


WALKED_AT_ONCE = 500


class Reviews:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("reviews")
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("doctor", "idempotency_key", unique=True)

    def add(
        self,
        *,
        submission: str,
        opinion: Opinion,
        signed: Sequence[Review],
        **fields: Any,
    ) -> Review:
        """Store a review of a finding that has the reviews `signed`. Raises Duplicate where the
        doctor has used its idempotency key before, and TooManyReviews.

        It sorts after those: what was signed later may withdraw what was signed before, also after
        a step of the clock, or on a machine whose clock is behind.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        identifier = new_id_after(signed[-1].id if signed else None)
        review = Review(
            id=identifier, created_at=now(), submission=submission, opinion=opinion, **fields
        )
        self._documents.insert({**review.stored(), "schema": 1})
        return review

    def find_by_key(self, doctor: str, key: str | None) -> Review | None:
        if key is None:
            return None
        found = self._documents.find({"doctor": doctor, "idempotency_key": key}, limit=1)
        return Review.model_validate(found[0]) if found else None

    def list_of(self, submission: str) -> list[Review]:
        """All reviews of a submission, in the order in which they were signed."""
        return [
            Review.model_validate(one) for one in self._documents.find({"submission": submission})
        ]

    def walk(self) -> Iterator[Verdict]:
        """What all reviews say; those of one submission in the order in which they were signed."""
        after: str | None = None
        while found := self._documents.find(
            after=after, limit=WALKED_AT_ONCE, fields=tuple(Verdict.model_fields)
        ):
            yield from (Verdict.model_validate(document) for document in found)
            after = found[-1]["id"]

    def end_holds(self, submission: str) -> bool:
        """Show the owner what is held; False where nothing was."""
        moment = now()
        held = {"submission": submission, "hold_ends_at": {"$gt": moment}}
        return self._documents.update_all(held, {"$set": {"hold_ends_at": moment}}) > 0

    def submissions_after(self, after: str | None, limit: int) -> tuple[str | None, set[str]]:
        """The id of the last of the next reviews behind this one, and of which findings they are;
        None at the end.
        """
        found = self._documents.find(after=after, limit=limit, fields=("submission",))
        return (found[-1]["id"] if found else None), {one["submission"] for one in found}

    def reviewed_submissions(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, submission: str) -> None:
        self._documents.delete({"submission": submission})
