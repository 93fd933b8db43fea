"""A stored finding with what counts about its spot. What is said of it is read from here alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import overload

from pydantic import Field, InstanceOf

from skinapi.findings.records.rest_order import make_rest_key
from skinapi.findings.records.stored_finding import (
    StoredFinding,
    StoredFindingRow,
    StoredFindingSummary,
)
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.lesion_status import Advice, FoundChange, LesionStatus
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot import Act, Changed, Spot, awaits_result
from skinapi.model.conditions import Band

URGENT = next(iter(Band))


class VisibleFindingRow(StoredFindingRow):
    """`lesion_status` is that of its spot; it is never stored."""

    lesion_status: InstanceOf[LesionStatus] = Field(exclude=True, repr=False)

    @property
    def spot(self) -> Spot:
        return self.lesion_status.spot

    @property
    def decision(self) -> Decision | None:
        """What the current review of its spot says."""
        return self.lesion_status.decide_about(self.id)

    @property
    def instruction(self) -> Advice:
        counts = self.lesion_status.instruction
        if counts is None:
            raise ValueError("a spot without findings has no instruction")
        return counts

    @property
    def replaced_by(self) -> Advice | None:
        """The instruction of its spot, if neither the decision nor the finding itself says it."""
        return self.lesion_status.find_elsewhere(self.number)

    @property
    def found_changes(self) -> list[FoundChange]:
        return self.lesion_status.list_changes()

    @property
    def reviews(self) -> list[Review]:
        """The reviews of its spot, in the order of signing."""
        return [*self.lesion_status.reviews.values()]

    @property
    def current_review(self) -> Review | None:
        decision = self.decision
        return self.lesion_status.reviews[decision.review] if decision else None

    @property
    def awaited(self) -> WaitsFor | None:
        return self.lesion_status.awaited

    @property
    def decision_opened_at(self) -> datetime | None:
        return self.lesion_status.decision_opened_at

    @property
    def said_at(self) -> datetime:
        """When the spot last changed, and with it what views say."""
        changed = self.spot.changed
        return changed.changed_at if changed else self.newest.judged_at


class VisibleFindingSummary(StoredFindingSummary, VisibleFindingRow):
    pass


class VisibleFinding(StoredFinding, VisibleFindingSummary):
    pass


_SEEN: tuple[tuple[type[StoredFindingRow], type[VisibleFindingRow]], ...] = (
    (StoredFinding, VisibleFinding),
    (StoredFindingSummary, VisibleFindingSummary),
    (StoredFindingRow, VisibleFindingRow),
)


@overload
def see_with(found: StoredFinding, status: LesionStatus) -> VisibleFinding: ...


@overload
def see_with(found: StoredFindingRow, status: LesionStatus) -> VisibleFindingRow: ...


def see_with(found: StoredFindingRow, status: LesionStatus) -> VisibleFindingRow:
    """See a finding with its spot: a VisibleFinding of a StoredFinding, and so on."""
    seen = next(seen for stored, seen in _SEEN if isinstance(found, stored))
    fields = {**found.__dict__, "lesion_status": status}
    return seen.model_construct(found.model_fields_set, **fields)


@overload
def see_alone(found: StoredFinding) -> VisibleFinding: ...


@overload
def see_alone(found: StoredFindingRow) -> VisibleFindingRow: ...


def see_alone(found: StoredFindingRow) -> VisibleFindingRow:
    """See a finding as the only one of its spot: a new one, or one that was entered in error."""
    changed = Changed(act=Act.ADDED, changed_at=found.created_at)
    spot = Spot(found.lesion, 1, (found.in_spot,), changed=changed)
    return see_with(found, LesionStatus(spot, {found.id: found.photo}, {}, found.owner))


def rest_keys(case: Sequence[VisibleFindingRow]) -> dict[str, str | None]:
    """Return the key of each id. A case rests since something last happened with it. None while a
    result is awaited or an urgent finding waits for a review: it must not go before somebody has
    done that.
    """
    spot = case[0].spot
    urgent = any(item.queued_at and item.level.urgency is URGENT for item in spot.findings)
    if urgent or awaits_result(spot):
        return dict.fromkeys(item.id for item in case)
    decided = [item.decision.decided_at for item in case if item.decision]
    since = max((*decided, *(item.newest.judged_at for item in case)))
    closed = not spot.is_open
    return {item.id: make_rest_key(bool(item.photos), closed, since, item.number) for item in case}
