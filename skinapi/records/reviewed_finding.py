"""What the reviews of a finding decide, and which of its letters they leave standing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from skinapi.records.letters import Letter
from skinapi.records.reviews import Decision, Review
from skinapi.vision.finding.finding import FindingSummary


@dataclass(frozen=True, slots=True)
class Superseded:
    """The later decision that counts instead of a letter: when and by whom it was signed."""

    decided_at: datetime
    decided_by: str


@dataclass(frozen=True, slots=True)
class ShownLetter:
    letter: Letter
    superseded: Superseded | None = None


@dataclass(frozen=True)
class ReviewedFinding:
    """`reviews` are those of the finding that the reader may see, in the order of signing."""

    reviews: Sequence[Review]
    finding: FindingSummary

    @cached_property
    def decision(self) -> Decision | None:
        return Decision.of(self.reviews, self.finding)

    @property
    def review(self) -> Review | None:
        """The one that counts."""
        decision = self.decision
        return next((one for one in self.reviews if decision and one.id == decision.review), None)

    def show(self, letter: Letter) -> ShownLetter:
        """The letter, judged against what is decided now.

        It goes by what was decided when it was signed and what is decided now, never by its words:
        so a letter by hand, or in words that no check knows, is superseded too.
        """
        counted = [review for review in self.reviews if not review.second_opinion]
        later = [review for review in counted if _is_later(review, letter)]
        decision = self.decision
        if decision is None or not later:
            return ShownLetter(letter)
        before = Decision.of(counted[: -len(later)], self.finding)
        if self._says_no_less(decision, before):
            return ShownLetter(letter)
        # Where somebody took a review back, the one that counts may be older than the letter.
        by = next((one for one in later if one.id == decision.review), later[-1])
        return ShownLetter(letter, Superseded(by.created_at, by.signature))

    def _says_no_less(self, now: Decision, before: Decision | None) -> bool:
        """Whether what was written by `before`, or by the finding alone, holds by `now` too."""
        if before is None:
            return (now.label, now.urgency) == (self.finding.stated, self.finding.band)
        same = (now.label, now.urgency) == (before.label, before.urgency)
        return same and (now.sure or not before.sure)


def _is_later(review: Review, letter: Letter) -> bool:
    """Whether a review was signed after the letter. The clocks of two servers may differ, so a
    letter knows the newest review before it; those of the first version do not.
    """
    if letter.last_review is not None:
        return review.id > letter.last_review
    return letter.signed_at is not None and review.created_at > letter.signed_at
