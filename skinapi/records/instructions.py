"""What is to be done about a spot: one instruction, of all that was said of it.

The rule, with its table, is in docs/reviews.md ("One spot, one instruction").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from skinapi.records.reviews import Decision
from skinapi.records.submission import AdvisedEntry
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band


class SaidBy(StrEnum):
    """Of equally urgent advice the first counts."""

    DECISION = "decision"
    COMPARISON = "comparison"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Advice:
    """What was said that is to be done: at that time, about the finding of this number."""

    said_by: SaidBy
    band: Band
    since: datetime
    finding: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """`counts` is the most urgent advice that is still valid. `others`, the newest first, are
    milder or superseded. `picture_wanted`: a doctor waits for another photo.
    """

    counts: Advice
    others: tuple[Advice, ...]
    picture_wanted: bool

    def beyond(self, finding: int, band: Band) -> Advice | None:
        """What counts, where that was said about another finding and is more urgent than this."""
        counts = self.counts
        is_beyond = counts.finding != finding and urgency(counts.band) < urgency(band)
        return counts if is_beyond else None


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
            decided = Advice(SaidBy.DECISION, decision.urgency, decision.decided_at, finding.number)
            said.append(decided)
            valid += [] if any(_replaces(one, decision) for one in later) else [decided]
    counts = min(reversed(valid), key=_rank)
    others = sorted((one for one in said if one != counts), key=lambda one: one.since, reverse=True)
    newest = findings[-1].decision
    return Instruction(counts, tuple(others), bool(newest and newest.new_picture_wanted))


def _replaces(newer: Decision, older: Decision) -> bool:
    """Whether a decision about a newer finding of the spot ends that about an older one."""
    if newer.decided_at <= older.decided_at:
        return False
    if newer.proven or older.proven or older.awaited or not newer.settled:
        return newer.proven
    same_doctor = newer.doctor is not None and newer.doctor == older.doctor
    return not older.sure or same_doctor or urgency(newer.urgency) <= urgency(older.urgency)


def _rank(one: Advice) -> tuple[int, int]:
    return urgency(one.band), tuple(SaidBy).index(one.said_by)
