"""What a hold keeps back is one review. What reviews decide together is kept back for as long as a
patient, who does not know the held ones, reads something else. While something graver said of a
spot is held back, nothing milder said of any photo of that spot is shown: it is held with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from skinapi.findings.status.deciding_review import list_in_force
from skinapi.findings.status.decisions import Decision, JudgedVersion, urgency_of
from skinapi.findings.status.reviews import Review
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band


def find_shown_at(
    reviews: Sequence[Review], versions: Sequence[JudgedVersion], since: datetime
) -> datetime:
    """Find when, at the earliest since then, a patient reads what these reviews decide."""
    decided = _said(reviews, versions)
    ends = sorted(review.shown_at for review in reviews if review.held_at(since))
    moments = (
        moment
        for moment in (since, *ends)
        if _said([item for item in reviews if not item.held_at(moment)], versions) == decided
    )
    return next(moments)


def find_held_until(
    reviews: Sequence[Review], versions: Sequence[JudgedVersion], moment: datetime
) -> datetime | None:
    """Find until when what these reviews decide is held back; None where the patient reads it."""
    shown_at = find_shown_at(reviews, versions, moment)
    return shown_at if shown_at > moment else None


@dataclass(frozen=True, slots=True)
class SpotHolds:
    """What is held back at that moment of what was said of the photos of a spot, by their ids."""

    versions: Mapping[str, Sequence[JudgedVersion]]
    reviews: Mapping[str, Sequence[Review]]
    moment: datetime

    def list_graver(self, said: Review) -> list[Review]:
        """List the held reviews with which this milder one is held: those that a doctor holds, and
        has not withdrawn.
        """
        in_force = (
            item for photo in self.versions for item in list_in_force(self.reviews.get(photo, ()))
        )
        return [
            item
            for item in in_force
            if item.held_at(self.moment) and not item.held_with_graver
            if self._is_milder(said, item)
        ]

    def list_milder(self, said: Review) -> list[Review]:
        """List the held reviews that would be shown before this one, and are milder."""
        signed = (item for photo in self.versions for item in self.reviews.get(photo, ()))
        return [
            item
            for item in signed
            if item.held_at(self.moment) and item.shown_at < said.shown_at
            if self._is_milder(item, said)
        ]

    def _is_milder(self, said: Review, than: Review) -> bool:
        """Whether it asks for less, or gives a benign name where the other names a cancer."""
        asked = urgency(said.opinion.urgency_asked(self._band_of(said)))
        benign = said.opinion.condition is not None and not said.opinion.malignant
        return asked > urgency(urgency_of(than, None, self._band_of(than))) or (
            benign and than.opinion.malignant
        )

    def _band_of(self, review: Review) -> Band:
        versions = self.versions[review.submission]
        return next(item.band for item in versions if item.version == review.version)


def _said(reviews: Sequence[Review], versions: Sequence[JudgedVersion]) -> tuple[object, ...]:
    """The review that decides, and what a newer one adds to it."""
    decision = Decision.from_reviews(reviews, versions)
    return (decision.review, decision.urgency, decision.new_picture_wanted) if decision else ()
