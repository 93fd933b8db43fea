"""The collection of reviews: a doctor's opinions on a finding, added and never overwritten."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from skinapi.storage.ids import new_id_after, now
from skinapi.storage.ports import Document, Store
from skinapi.stored_record import StoredRecord
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import conditions_table
from skinapi.web.pagination import Page, page_of


class Agreement(StrEnum):
    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"


class Histology(StrEnum):
    """What the laboratory found about the label that the reviewer gave."""

    NOT_TAKEN = "not_taken"
    AWAITED = "awaited"
    CONFIRMED = "confirmed"


class Review(StoredRecord):
    """One doctor's review of a finding.

    `label` is the key of the condition that the doctor sees. `signature` is the doctor's name at
    that time; it stays after the doctor's account is deleted.
    """

    id: str
    created_at: datetime
    submission: str
    doctor: str
    signature: str
    label: str
    agreement: Agreement
    histology: Histology | None = None
    note: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


class Verdict(StoredRecord):
    """What a review says of the lesion, without its note and its doctor."""

    submission: str
    label: str
    agreement: Agreement
    histology: Histology | None = None


VERDICT_FIELDS = tuple(Verdict.model_fields)
WALKED_AT_ONCE = 500


class Reviews:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("reviews")
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("submission", "histology", "id")
        self._documents.ensure_index("doctor", "idempotency_key", unique=True)

    def add(self, *, submission: str, **fields: Any) -> Review:
        """Store a review. Raises Duplicate where the doctor has used its idempotency key before.

        It sorts after the reviews of this submission that are stored. A report shows the last one,
        and after a step of the clock, or on a machine whose clock is behind, that would be an
        opinion that the doctor has corrected.
        """
        last = self.latest(submission)
        identifier = new_id_after(last.id if last else None)
        review = Review(id=identifier, created_at=now(), submission=submission, **fields)
        plain = review.model_dump(mode="json", exclude={"created_at"})
        self._documents.insert({**plain, "created_at": review.created_at, "schema": 1})
        return review

    def by_key(self, doctor: str, key: str | None) -> Review | None:
        if key is None:
            return None
        found = self._documents.find({"doctor": doctor, "idempotency_key": key}, limit=1)
        return Review.model_validate(found[0]) if found else None

    def page(self, submission: str, *, after: str | None, limit: int) -> Page[Review]:
        """One page of a submission's reviews, in the order in which they were signed."""
        found = self._documents.find({"submission": submission}, after=after, limit=limit + 1)
        return page_of(found, limit).map(Review.model_validate)

    def latest(self, submission: str) -> Review | None:
        found = self._documents.find({"submission": submission}, sort="-id", limit=1)
        return Review.model_validate(found[0]) if found else None

    def deciding(self, submission: str) -> Review | None:
        """The review that counts: the latest, or the latest that the laboratory confirmed where
        that one names a more urgent condition. A doctor who has not seen it must not hide it; who
        corrects it signs that the laboratory confirmed the other condition.
        """
        last = self.latest(submission)
        confirmed = self._documents.find(
            {"submission": submission, "histology": Histology.CONFIRMED}, sort="-id", limit=1
        )
        if last is None or not confirmed:
            return last
        return min(last, Review.model_validate(confirmed[0]), key=_urgency)

    def walk(self) -> Iterator[Verdict]:
        """What all reviews say; of one submission in the order in which they were signed."""
        after: str | None = None
        while found := self._documents.find(
            after=after, limit=WALKED_AT_ONCE, fields=VERDICT_FIELDS
        ):
            yield from (Verdict.model_validate(document) for document in found)
            after = found[-1]["id"]

    def next(self, after: str | None, *, limit: int) -> list[Document]:
        """The id and the submission of the next reviews behind this id."""
        return self._documents.find(after=after, limit=limit, fields=("submission",))

    def submissions(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, submission: str) -> None:
        self._documents.delete({"submission": submission})


def _urgency(review: Review) -> int:
    """A sort key: the more urgent the condition that the review names, the smaller."""
    return urgency(conditions_table().by_key(review.label).urgency)
