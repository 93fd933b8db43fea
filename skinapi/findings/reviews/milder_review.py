"""Which reviews need the doctor's confirmation: those that make something milder."""

from skinapi.base.errors import ReplacedStatement
from skinapi.findings.status.lesion_status import Advice, Instruction
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table

STEPS = 2


def find_replaced(
    opinion: Opinion, *, current: Review | None, before: Instruction, after: Instruction
) -> ReplacedStatement | None:
    """`current` is the review that counts before this one is signed."""
    if current and _takes_back(opinion, current.opinion):
        return ReplacedStatement(
            "decision",
            current.opinion.urgency,
            label=current.opinion.label,
            doctor=current.signature,
            said_at=current.created_at,
        )
    if urgency(after.counts.band) - urgency(before.counts.band) >= STEPS:
        return _counted(before.counts)
    own = conditions_table().label(opinion.label).urgency if opinion.label else None
    if own and is_milder(opinion.urgency, own):
        return ReplacedStatement("conditions", own, label=opinion.label)
    return None


def _counted(advice: Advice) -> ReplacedStatement:
    decision = advice.decision
    return ReplacedStatement(
        advice.said_by.value,
        advice.band,
        label=advice.label,
        doctor=decision.decided_by if decision else None,
        said_at=advice.since,
    )


def _takes_back(opinion: Opinion, current: Opinion) -> bool:
    cancer = current.malignant and not opinion.malignant
    result = current.proven and not opinion.proven
    return cancer or result or is_milder(opinion.urgency, current.urgency)


def is_milder(one: Band, other: Band) -> bool:
    return urgency(one) > urgency(other)
