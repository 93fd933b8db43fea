"""Which letters about a finding still hold, by what is decided now."""

from dataclasses import dataclass
from datetime import datetime

from skinapi.records.decisions import Decision
from skinapi.records.instructions import SaidBy
from skinapi.records.letters import Letter
from skinapi.records.reviews import Review
from skinapi.records.submission import Submission
from skinapi.vision.bands import urgency


@dataclass(frozen=True, slots=True)
class Superseded:
    """The later decision that counts instead of a letter: when it could be read, by whom it was
    signed, and whether it is by the laboratory's result. Where a newer photo of the spot asks for
    more and no doctor has answered yet: its finding, of that time.
    """

    decided_at: datetime
    decided_by: str
    by_result: bool = False
    by_finding: int | None = None


@dataclass(frozen=True, slots=True)
class ShownLetter:
    letter: Letter
    superseded: Superseded | None = None


def show_letter(letter: Letter, about: Submission) -> ShownLetter:
    """The letter, judged against what holds about its finding and its spot now, for the reader of
    this copy of the finding.

    It goes by what was decided when it was signed and what is decided now, never by its words: so a
    letter by hand, or in words that no check knows, is superseded too.
    """
    return ShownLetter(
        letter,
        _superseded_here(letter, about)
        or _superseded_elsewhere(letter, about)
        or _superseded_by_finding(letter, about),
    )


def _superseded_elsewhere(letter: Letter, about: Submission) -> Superseded | None:
    """A letter says nothing of what was held back when it was signed: that comes later, too."""
    own, signed_at, elsewhere = about.decision, letter.signed_at, about.replaced_by
    counts = elsewhere and elsewhere.decision
    later = [
        Superseded(shown_at, decision.decided_by, decision.proven)
        for decision, shown_at in about.standing.list_decided_elsewhere(about.id)
        if own and signed_at and shown_at > signed_at
        if _ends(decision, own) or decision is counts
    ]
    return max(later, key=lambda one: one.decided_at, default=None)


def _superseded_by_finding(letter: Letter, about: Submission) -> Superseded | None:
    """What no doctor has answered yet takes a letter back only where it is more urgent."""
    own, counts = about.decision, about.instruction.counts
    if own is None or letter.signed_at is None or counts.said_by is SaidBy.DECISION:
        return None
    if counts.since <= letter.signed_at or urgency(counts.band) >= urgency(own.urgency):
        return None
    return Superseded(counts.since, decided_by="", by_finding=counts.finding)


def _superseded_here(letter: Letter, about: Submission) -> Superseded | None:
    counted = [review for review in about.stands.reviews if not review.second_opinion]
    later = [review for review in counted if _is_later(review, letter)]
    decision = about.decision
    if decision is None or not later:
        return None
    before = Decision.of(counted[: -len(later)], about.band)
    if _says_no_less(decision, before, about):
        return None
    # Where somebody took a review back, the one that counts may be older than the letter.
    by = next((one for one in later if one.id == decision.review), later[-1])
    return Superseded(by.created_at, by.signature, by.opinion.histology_result is not None)


def _says_no_less(now: Decision, before: Decision | None, about: Submission) -> bool:
    """Whether what was written by `before`, or by the finding alone, holds by `now` too. It does
    not once the laboratory has said what it is, or something else is waited for.
    """
    if now.proven and not (before and before.proven):
        return False
    if before is None:
        return (now.label, now.urgency) == (about.finding.stated, about.band)
    same = _asked(now) == _asked(before)
    return same and (now.sure or not before.sure)


def _asked(decision: Decision) -> tuple[object, ...]:
    return decision.label, decision.urgency, decision.waits_for


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
