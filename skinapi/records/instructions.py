"""What is to be done about a spot: one instruction, of all that was said of it.

The rule, with its table, is in docs/reviews.md ("One spot, one instruction").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from skinapi.languages import Language
from skinapi.records.reviews import WaitsFor, see_by, words_for_patient
from skinapi.records.submission import AdvisedEntry
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, BandWords


class SaidBy(StrEnum):
    """Of equally urgent advice the first counts."""

    DECISION = "decision"
    COMPARISON = "comparison"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Advice:
    """What was said that is to be done: at that time, about the finding of this number. Where it
    waits for something, that is to be told in place of the band's words.
    """

    said_by: SaidBy
    band: Band
    since: datetime
    finding: int
    waits_for: WaitsFor | None = None

    @property
    def due(self) -> date | None:
        return see_by(self.band, self.waits_for, self.since)

    def words(self, language: Language) -> BandWords:
        """As a patient reads it, with what it waits for; `next_step` is by who said it."""
        words = words_for_patient(self.band, self.waits_for, language)
        if self.said_by is SaidBy.DECISION:
            return words
        return words.model_copy(update={"next_step": words.first_step})


@dataclass(frozen=True, slots=True)
class Instruction:
    """`counts` is the most urgent advice that is still valid. `others`, the newest first, are
    milder or superseded. `picture_wanted`: a doctor waits for another photo.
    """

    counts: Advice
    others: tuple[Advice, ...]
    picture_wanted: bool

    def elsewhere(self, finding: int, band: Band, waits_for: WaitsFor | None) -> Advice | None:
        """What counts, where that was said about another finding and is something else."""
        counts = self.counts
        same = (counts.band, counts.waits_for) == (band, waits_for)
        return None if same or counts.finding == finding else counts


def reconcile(
    findings: Sequence[AdvisedEntry], *, compared: Advice | None = None
) -> Instruction | None:
    """The instruction of a spot with these findings, in the order of time; None without any.
    `compared` is what a comparison of two of them asks for, where that is more urgent than the
    later one.
    """
    if not findings:
        return None
    said, valid = [], []
    for place, finding in enumerate(findings):
        later = [one.decision for one in findings[place + 1 :] if one.decision]
        advice = Advice(SaidBy.FINDING, finding.band, finding.created_at, finding.number)
        said.append(advice)
        ended = finding.decision is not None or any(one.settled for one in later)
        valid += [] if ended else [advice]
        if compared and compared.finding == finding.number:
            said.append(compared)
            own = [finding.decision] if finding.decision else []
            valid += [] if any(one.settled for one in (*own, *later)) else [compared]
        if decision := finding.decision:
            decided = Advice(
                SaidBy.DECISION,
                decision.urgency,
                decision.decided_at,
                finding.number,
                decision.waits_for,
            )
            said.append(decided)
            come = decided.waits_for is WaitsFor.PHOTO and finding is not findings[-1]
            ended = come or any(one.ends(decision) for one in later)
            valid += [] if ended else [decided]
    counts = min(reversed(valid), key=_rank)
    others = sorted((one for one in said if one != counts), key=lambda one: one.since, reverse=True)
    newest = findings[-1].decision
    return Instruction(counts, tuple(others), bool(newest and newest.new_picture_wanted))


def _rank(one: Advice) -> tuple[int, int]:
    return urgency(one.band), tuple(SaidBy).index(one.said_by)
