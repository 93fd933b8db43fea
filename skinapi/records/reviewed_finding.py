"""What the reviews of a finding decide, and which of its letters they leave standing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from skinapi.records.decisions import Decision
from skinapi.records.instructions import Instruction, SaidBy
from skinapi.records.letters import Letter
from skinapi.records.reviews import Review
from skinapi.vision.bands import urgency
from skinapi.vision.finding.finding import FindingSummary


@dataclass(frozen=True, slots=True)
class Superseded:
    """The later decision that counts instead of a letter: when and by whom it was signed, and
    whether it is by the laboratory's result. Where a newer photo of the spot asks for more and no
    doctor has answered yet: its finding, of that time.
    """

    decided_at: datetime
    decided_by: str
    by_result: bool = False
    by_finding: int | None = None


@dataclass(frozen=True, slots=True)
class ShownLetter:
    letter: Letter
    superseded: Superseded | None = None


@dataclass(frozen=True)
class ReviewedFinding:
    """`reviews` are those of the finding that the reader may see, in the order of signing;
    `found_at` is when it was made.
    """

    reviews: Sequence[Review]
    finding: FindingSummary
    found_at: datetime

    @cached_property
    def decision(self) -> Decision | None:
        return Decision.of(self.reviews, self.finding, self.found_at)

    @property
    def review(self) -> Review | None:
        """The one that counts."""
        decision = self.decision
        return next((one for one in self.reviews if decision and one.id == decision.review), None)

    def show(
        self,
        letter: Letter,
        elsewhere: Iterable[Decision] = (),
        instruction: Instruction | None = None,
    ) -> ShownLetter:
        """The letter, judged against what is decided now, also `elsewhere`: about the other
        findings of the spot; and against what is to be done about that.

        It goes by what was decided when it was signed and what is decided now, never by its words:
        so a letter by hand, or in words that no check knows, is superseded too.
        """
        superseded = (
            self._superseded_here(letter)
            or self._superseded_by(elsewhere, letter)
            or self._superseded_by_finding(instruction, letter)
        )
        return ShownLetter(letter, superseded)

    def _superseded_by(self, elsewhere: Iterable[Decision], letter: Letter) -> Superseded | None:
        own = self.decision
        later = [
            one
            for one in elsewhere
            if own and letter.signed_at and one.decided_at > letter.signed_at and _ends(one, own)
        ]
        newest = max(later, key=lambda one: one.decided_at, default=None)
        if newest is None:
            return None
        return Superseded(newest.decided_at, newest.decided_by, newest.proven)

    def _superseded_by_finding(
        self, instruction: Instruction | None, letter: Letter
    ) -> Superseded | None:
        """What no doctor has answered yet takes a letter back only where it is more urgent."""
        own, counts = self.decision, instruction and instruction.counts
        if not (own and counts and letter.signed_at and counts.said_by is not SaidBy.DECISION):
            return None
        if counts.since <= letter.signed_at or urgency(counts.band) >= urgency(own.urgency):
            return None
        return Superseded(counts.since, decided_by="", by_finding=counts.finding)

    def _superseded_here(self, letter: Letter) -> Superseded | None:
        counted = [review for review in self.reviews if not review.second_opinion]
        later = [review for review in counted if _is_later(review, letter)]
        decision = self.decision
        if decision is None or not later:
            return None
        before = Decision.of(counted[: -len(later)], self.finding)
        if self._says_no_less(decision, before):
            return None
        # Where somebody took a review back, the one that counts may be older than the letter.
        by = next((one for one in later if one.id == decision.review), later[-1])
        return Superseded(by.created_at, by.signature, by.opinion.histology_result is not None)

    def _says_no_less(self, now: Decision, before: Decision | None) -> bool:
        """Whether what was written by `before`, or by the finding alone, holds by `now` too. It
        does not once the laboratory has said what it is.
        """
        if now.proven and not (before and before.proven):
            return False
        if before is None:
            return (now.label, now.urgency) == (self.finding.stated, self.finding.band)
        same = (now.label, now.urgency) == (before.label, before.urgency)
        return same and (now.sure or not before.sure)


def _ends(later: Decision, own: Decision) -> bool:
    """Whether what was decided about another finding of the spot says otherwise, and counts."""
    if later.proven and not own.proven:
        return True
    same = (later.label, later.urgency) == (own.label, own.urgency)
    graver = later.more_urgent_than(own.urgency) and not own.proven
    return not same and (graver or later.ends(own))


def _is_later(review: Review, letter: Letter) -> bool:
    """Whether a review was signed after the letter. The clocks of two servers may differ, so a
    letter knows the newest review before it; those of the first version do not.
    """
    if letter.last_review is not None:
        return review.id > letter.last_review
    return letter.signed_at is not None and review.created_at > letter.signed_at
