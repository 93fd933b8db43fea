from collections.abc import Iterable, Sequence
from datetime import datetime

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import TooManyReviews
from skinapi.findings.status.spot import Certainty, Sample, SpotReview, Statement
from skinapi.model.conditions import Band
from skinapi.platform.storage.records import Repository

MOST_REVIEWS = 100


class Opinion(StoredRecord, Statement):
    urgency: Band
    label: str | None = None
    certainty: Certainty | None = None
    sample: Sample | None = None
    photo_wanted: bool = False


class Review(StoredRecord):
    """It was signed on the page of the finding `submission`, and created version `spot_version` of
    the spot. `signature` is the doctor's name at that time.
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
        """A review from another spot of the finding counts as older than all versions."""
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
        """Store the review so that it sorts after `signed` even if the clock is behind."""
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
