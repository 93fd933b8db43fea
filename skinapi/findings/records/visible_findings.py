"""A stored finding with what holds about its spot now. What is said of it is read from here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self, overload

from pydantic import Field, InstanceOf

from skinapi.findings.errors import SpotChanged
from skinapi.findings.records.queue_order import (
    make_awaited_key,
    make_due_key,
    make_rest_key,
    make_reviewed_key,
)
from skinapi.findings.records.stored_finding import (
    StoredFinding,
    StoredFindingRow,
    StoredFindingSummary,
)
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.found_changes import FoundChange, list_changes
from skinapi.findings.status.lesion_status import (
    Advice,
    AdviceSource,
    FindingStatus,
    Instruction,
    LesionHistory,
    LesionStatus,
)
from skinapi.findings.status.reviews import Review
from skinapi.model.conditions import Band

URGENT = next(iter(Band))


class VisibleFindingRow(StoredFindingRow):
    """`facts` are those of its spot, and are never stored."""

    facts: InstanceOf[LesionHistory] = Field(exclude=True, repr=False)

    @property
    def lesion_status(self) -> LesionStatus:
        """What holds about its spot."""
        return self.facts.lesion_status

    @property
    def status(self) -> FindingStatus:
        """What holds about the finding itself."""
        return self.lesion_status.findings[self.id]

    @property
    def decision(self) -> Decision | None:
        return self.status.decision

    @property
    def instruction(self) -> Instruction:
        return self.lesion_status.instruction

    @property
    def found_changes(self) -> list[FoundChange]:
        """What comparisons of the photos of its spot have found that is to be read beside it."""
        return list_changes(self.lesion_status, self.id)

    @property
    def reviewed(self) -> bool:
        """Whether a doctor has decided, and nothing since then asks a doctor to look again."""
        return not self.status.waits

    @property
    def awaited(self) -> WaitsFor | None:
        return self.lesion_status.awaited(self.id)

    @property
    def replaced_by(self) -> Advice | None:
        """What counts about its spot, where that was said of another finding, or of a version that
        no doctor has seen, and differs.
        """
        return self.instruction.elsewhere(self.number, self.band, self.decision)

    @property
    def said_at(self) -> datetime:
        """The time at which what holds about it was said."""
        own = max(filter(None, [self.status.said_at, self.amended_at]))
        counts = self.replaced_by
        if counts is None:
            return own
        others = self.lesion_status.findings.values()
        by_doctor = [
            other.said_at
            for other in others
            if counts.decision and other.photo.number == counts.finding
        ]
        return max([own, counts.since, *by_doctor])

    def with_review(self, review: Review) -> Self:
        """See it like after the signing of this review."""
        reviews = {**self.facts.reviews, self.id: (*self.status.reviews, review)}
        return self.model_copy(update={"facts": replace(self.facts, reviews=reviews)})

    def make_spot_state(self) -> str:
        """Make what stands for all that a doctor's page shows of the spot: another one as soon as
        anything differs.
        """
        came = self.opinion_came_at.isoformat() if self.opinion_came_at else None
        spot = [
            [
                photo.id,
                len(photo.versions),
                photo.place,
                [change.before for change in photo.changes],
                [review.id for review in self.facts.reviews.get(photo.id, ())],
            ]
            for photo in self.facts.photos
        ]
        return hashlib.sha256(json.dumps([came, spot]).encode()).hexdigest()[:32]

    def require_spot_state(self, seen: str | None) -> None:
        """Raises SpotChanged where the doctor has seen another state than that of now."""
        if seen not in (None, self.make_spot_state()):
            raise SpotChanged

    @property
    def decision_opened_at(self) -> datetime | None:
        return self.status.opened_at

    def make_keys(self) -> dict[str, str | None]:
        own, counts = self.status, self.instruction.counts
        decision, awaited = own.decision, self.awaited
        is_due = counts.finding == self.number
        if decision is None or own.waits:
            compared = is_due and counts.said_by is AdviceSource.COMPARISON
            asked = counts.band if compared else self.band
            queue_key = self._make_waiting_key(asked, self.created_at)
        else:
            queue_key = make_reviewed_key(decision.urgency, self.created_at, self.number)
        return {
            "awaited_key": make_awaited_key(awaited, own.awaited_since, self.number)
            if awaited and own.awaited_since
            else None,
            "queue_key": queue_key,
            "due_key": make_due_key(counts.due, self.number) if is_due else None,
        }


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
def see_with(found: StoredFinding, facts: LesionHistory) -> VisibleFinding: ...


@overload
def see_with(found: StoredFindingRow, facts: LesionHistory) -> VisibleFindingRow: ...


def see_with(found: StoredFindingRow, facts: LesionHistory) -> VisibleFindingRow:
    """See a finding with the facts of its spot: a VisibleFinding of a StoredFinding, and so on."""
    seen = next(seen for stored, seen in _SEEN if isinstance(found, stored))
    fields = {**found.__dict__, "facts": facts}
    return seen.model_construct(found.model_fields_set, **fields)


def see_alone(found: StoredFinding) -> VisibleFinding:
    """See a finding before there is a review of it, without its spot."""
    return see_with(found, LesionHistory((found.photo,), {}))


def rest_keys(case: Sequence[VisibleFindingRow]) -> dict[str, str | None]:
    """Return the key of each id. A case rests since something last happened with it. None while a
    result is awaited or an urgent finding waits for a review: it must not go before somebody has
    done that.
    """
    waiting = [item for item in case if not item.reviewed]
    if any(item.band is URGENT for item in waiting) or any(item.status.sample for item in case):
        return dict.fromkeys(item.id for item in case)
    since = max(
        moment
        for item in case
        for moment in (
            item.newest.judged_at,
            *([item.decision.decided_at] if item.decision else []),
        )
    )
    return {
        item.id: make_rest_key(bool(item.photos), not waiting, since, item.number) for item in case
    }
