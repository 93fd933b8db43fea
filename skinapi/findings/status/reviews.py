"""What doctors say of a finding: an opinion, and the signed review that holds it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import TooManyReviews
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Filter
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import hide, is_hidden

MOST_REVIEWS = 100


class Certainty(StrEnum):
    SUSPECTED = "suspected"
    SURE = "sure"
    LABORATORY = "laboratory"


class Sample(StrEnum):
    WAITING = "waiting"
    NONE = "none"


def names_cancer(label: str | None) -> bool:
    return label is not None and conditions_table().label(label).malignant


class Opinion(StoredRecord):
    """`certainty` is that of the label, and absent without one."""

    urgency: Band
    label: str | None = None
    certainty: Certainty | None = None
    sample: Sample | None = None
    photo_wanted: bool = False

    @property
    def proven(self) -> bool:
        return self.certainty is Certainty.LABORATORY

    @property
    def malignant(self) -> bool:
        return names_cancer(self.label)

    @property
    def awaited(self) -> bool:
        return self.sample is Sample.WAITING


class Review(StoredRecord):
    """`signature` is the doctor's name at that time. `version` is the one of the finding that its
    doctor saw, `saw` are the ids of the other findings that were in its spot then. None of a review
    that was signed before this was stored: it saw all that are in its spot, until one comes or
    leaves, which stores them first.
    """

    id: str
    created_at: datetime
    submission: str
    version: int = optional(default=1)
    saw: tuple[str, ...] | None = None
    doctor: str
    signature: str
    opinion: Opinion
    note: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    def has_seen(self, finding: str) -> bool:
        """Whether its doctor had this finding of the spot before them, beside its own."""
        return self.saw is None or finding in self.saw


def current_review(reviews: Iterable[Review]) -> Review | None:
    """The newest, by the order of signing."""
    return max(reviews, key=lambda review: review.id, default=None)


class Reviews(Repository[Review]):
    collection, record = "reviews", Review
    indexes = (("submission", "id"),)
    unique = (("doctor", "idempotency_key"),)

    def add(self, review: Review, *, signed: Sequence[Review]) -> None:
        """Store a review of a finding that has the reviews `signed`. It sorts after those
        (`new_id_after`), also on a machine whose clock is behind: the later one may withdraw the
        earlier.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        self.insert(review)

    def note_seen(self, spot: Sequence[str]) -> None:
        """Store of each review of these findings, which are one spot now, what it saw, where that
        is not stored yet. Call it before a finding comes into the spot or leaves it.
        """
        for finding, signed in self.list_of_each(spot).items():
            if any(review.saw is None for review in signed):
                others = [name for name in spot if name != finding]
                unknown: Filter = {"submission": finding, "saw": None}
                self._documents.update_all(unknown, {"$set": {"saw": others}})

    def find_by_key(self, doctor: str, key: str | None) -> Review | None:
        return self._by_key(key, doctor=doctor)

    def list_of(self, finding: str) -> list[Review]:
        return self._list({"submission": finding})

    def list_of_each(self, findings: Sequence[str]) -> dict[str, list[Review]]:
        """Reviews are keyed by finding, in the order of signing. A request that only reads hides
        each finding of which a review cannot be read: without it, the finding might seem milder.
        """
        by_finding: dict[str, list[Review]] = {}
        if findings:
            wanted: Filter = {"submission": {"$in": [*findings]}}
            found = self._documents.find(wanted, sort="submission")
            for review in self._read_each(found):
                by_finding.setdefault(review.submission, []).append(review)
            for document in found:
                if is_hidden(self.collection, document["id"]):
                    hide(FINDINGS, document["submission"])
        return by_finding

    def list_signatures(self, findings: Sequence[str]) -> list[tuple[str, datetime]]:
        """List the finding of each review of these findings, and when it was signed."""
        wanted: Filter = {"submission": {"$in": [*findings]}}
        found = self._documents.find(wanted, sort="submission", fields=("submission", "created_at"))
        return [(item["submission"], item["created_at"]) for item in found]

    def reviewed_findings(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, finding: str) -> None:
        self._documents.delete({"submission": finding})
