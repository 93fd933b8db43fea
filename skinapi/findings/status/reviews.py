"""The signed reviews of spots, and their collection."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import TooManyReviews
from skinapi.findings.status.spot import Certainty, Sample, SpotReview, Statement
from skinapi.model.conditions import Band
from skinapi.platform.storage.records import Repository

MOST_REVIEWS = 100


class Opinion(StoredRecord, Statement):
    """What a review states. `certainty` is that of the label; it is absent without one."""

    urgency: Band
    label: str | None = None
    certainty: Certainty | None = None
    sample: Sample | None = None
    photo_wanted: bool = False


class Review(StoredRecord):
    """A doctor's signed statement about a spot (`lesion`). It was signed on the page of the finding
    `submission`, and made the version `spot_version` of the spot. `signature` is the doctor's name
    at that time. It does not count since a doctor has taken it back at `voided_at`.
    """

    id: str
    created_at: datetime
    lesion: str
    submission: str
    spot_version: int = 0
    voided_at: datetime | None = optional()
    doctor: str
    signature: str
    opinion: Opinion
    note: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    @property
    def voided(self) -> bool:
        return self.voided_at is not None

    def for_spot(self, lesion: str) -> SpotReview:
        """The review as this spot holds it. One that was signed about a former spot of a finding is
        older than all versions.
        """
        return SpotReview(
            id=self.id,
            doctor=self.doctor,
            signed_at=self.created_at,
            spot_version=self.spot_version if self.lesion == lesion else 0,
            voided=self.voided,
            **dict(self.opinion),
        )


class Reviews(Repository[Review]):
    collection, record = "reviews", Review
    indexes = (("submission", "id"), ("lesion", "id"))
    unique = (("doctor", "idempotency_key"),)

    def add(self, review: Review, *, signed: Sequence[Review]) -> None:
        """Store a review of a finding that has the reviews `signed`. It sorts after those
        (`new_id_after`), also on a machine whose clock is behind: the later one may withdraw the
        earlier.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        self.insert(review)

    def find_by_key(self, doctor: str, key: str | None, request_hash: str) -> Review | None:
        return self._by_key(key, request_hash, doctor=doctor)

    def list_by_ids(self, identifiers: Sequence[str]) -> list[Review]:
        return self._list({"id": {"$in": [*identifiers]}}) if identifiers else []

    def mark_voided(self, identifier: str, at: datetime) -> None:
        self._documents.update({"id": identifier}, {"$set": {"voided_at": at}})

    def reviewed_spots(self) -> set[str]:
        return set(self._documents.count_by("lesion"))

    def forget(self, lesions: Iterable[str]) -> None:
        for lesion in lesions:
            self._documents.delete({"lesion": lesion})
