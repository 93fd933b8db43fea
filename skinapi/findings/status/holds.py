"""What a hold keeps back is one review. What reviews decide together is kept back for as long as a
patient, who does not know the held ones, reads something else. While something graver said of a
spot is held back, nothing milder said of any photo of that spot is shown: it is held with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations

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

    def hold(self, said: Review) -> Review:
        """Return it held for as long as its doctor wants, or as something graver is."""
        graver = (end for _, end in self._list_graver(said))
        return said.hold_with_graver(max(graver, default=None))

    def list_seen_held(self, said: Review) -> set[str]:
        """List the findings that its doctor saw, and of which something graver is held."""
        return {item.submission for item, _ in self._list_graver(said)} & {*(said.saw or ())}

    def hold_longer(self) -> list[Review]:
        """Return what has to be held for longer by now than it is."""
        held = [item for item in self._list_signed() if item.held_at(self.moment)]
        anew = map(self.hold, held)
        return [now for now, item in zip(anew, held, strict=True) if now.shown_at > item.shown_at]

    def is_held_with_other(self, said: Review) -> bool:
        """Whether something graver that was said of another photo is held."""
        photos = {name: item for name, item in self.versions.items() if name != said.submission}
        ends = SpotHolds(photos, self.reviews, self.moment)._find_ends(apart_from=said)
        return any(self._is_milder(said, item) for item, _ in ends)

    def _list_signed(self) -> list[Review]:
        return [item for photo in self.versions for item in self.reviews.get(photo, ())]

    def _list_graver(self, said: Review) -> list[tuple[Review, datetime]]:
        """List what is held and graver, with when that ends."""
        ends = self._find_ends(apart_from=said)
        return [(item, end) for item, end in ends if self._is_milder(said, item)]

    def _find_ends(self, apart_from: Review) -> list[tuple[Review, datetime]]:
        """Find until when the others are held: those in force that a doctor holds, and those that
        are milder than one of these, or milder than one that is held with it.
        """
        in_force = (
            item for photo in self.versions for item in list_in_force(self.reviews.get(photo, ()))
        )
        held = [item for item in in_force if item.held_at(self.moment) and item.id != apart_from.id]
        ends = {item.id: item.doctors_hold or self.moment for item in held}
        later = [(one, two) for one, two in permutations(held, 2) if self._is_milder(one, two)]
        while longer := [pair for pair in later if ends[pair[0].id] < ends[pair[1].id]]:
            ends |= {item.id: ends[graver.id] for item, graver in longer}
        return [(item, ends[item.id]) for item in held if ends[item.id] > self.moment]

    def _is_milder(self, said: Review, than: Review) -> bool:
        """Whether it asks for less, or gives a benign name where the other names a cancer. A result
        of the laboratory is no milder than a suspicion about the same photo: it ends that.
        """
        result, suspicion = said.opinion.histology_result, not than.opinion.histology_result
        if result and suspicion and said.submission == than.submission:
            return False
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
