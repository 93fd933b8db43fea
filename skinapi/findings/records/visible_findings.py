"""A stored finding as one reader may know it now. What is said of it is read from here alone."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Self, overload

from pydantic import Field, InstanceOf

from skinapi.findings.errors import SpotChanged
from skinapi.findings.records.queue_order import (
    band_of_key,
    make_awaited_key,
    make_due_key,
    make_hold_key,
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
from skinapi.findings.status.holds import SpotHolds
from skinapi.findings.status.lesion_status import (
    Advice,
    AdviceSource,
    Audience,
    FindingStatus,
    Instruction,
    LesionForAudience,
    LesionHistory,
    LesionStatus,
)
from skinapi.findings.status.reviews import Review
from skinapi.model.bands import most_urgent
from skinapi.model.conditions import Band

URGENT = next(iter(Band))


class VisibleFindingRow(StoredFindingRow):
    """`view` is what holds about its spot for a reader; it is never stored."""

    view: InstanceOf[LesionForAudience] = Field(exclude=True, repr=False)

    @property
    def reader(self) -> Audience:
        return self.view.reader

    @property
    def lesion_status(self) -> LesionStatus:
        """What holds about its spot."""
        return self.view.lesion_status

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
        """Whether a doctor has decided, as far as its reader knows, and nothing since then asks a
        doctor to look again.
        """
        return not self.status.waits

    @property
    def held_until(self) -> datetime | None:
        return self.status.held_until

    @property
    def decision_held_until(self) -> datetime | None:
        return self.status.decision_held_until

    def list_held(self) -> list[Review]:
        """The reviews that are held back, of those of which its reader may know."""
        return [item for item in self.status.reviews if item in self.status.held]

    @property
    def held_beside(self) -> Review | None:
        """The review that is held back the longest, where the patient reads what counts."""
        if self.decision_held_until:
            return None
        return max(self.list_held(), key=lambda item: item.shown_at, default=None)

    @property
    def all_reviews(self) -> Sequence[Review]:
        """All its reviews, also those of which its reader may not know."""
        return self.view.facts.reviews.get(self.id, ())

    def list_opinions(self) -> list[Decision]:
        """The second opinions that the doctor in charge has not answered, each as what it would
        decide alone; as far as its reader knows of them.
        """
        reviews = self.status.reviews if self.opinion_came_at else ()
        came = takewhile(lambda review: review.second_opinion, reversed(reviews))
        alone = (review.model_copy(update={"asked_by": None}) for review in came)
        decided = (Decision.from_reviews([item], self.photo.versions) for item in alone)
        return [*filter(None, decided)]

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
        """The time at which what holds about it could be read first."""
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

    def for_programs(self) -> Self:
        """See it like a program, which may show the patient what it reads."""
        return self if self.reader.is_patient else self.seen_by(Audience.PROGRAM)

    def seen_by(self, reader: Audience) -> Self:
        return self.viewed(self.view.seen_by(reader))

    def with_review(self, review: Review) -> Self:
        """See it like after the signing of this review."""
        facts = self.view.facts
        reviews = {**facts.reviews, self.id: (*facts.reviews.get(self.id, ()), review)}
        return self.viewed(replace(self.view, facts=replace(facts, reviews=reviews)))

    @property
    def spot_holds(self) -> SpotHolds:
        return self.view.facts.holds_at(self.view.moment)

    def viewed(self, view: LesionForAudience) -> Self:
        return self.model_copy(update={"view": view})

    def make_spot_state(self, *, in_charge: bool) -> str:
        """Make what stands for all that a doctor's page shows of the spot, and for whether the
        doctor is in charge or asked for a second opinion: another one as soon as anything differs.
        """
        facts = self.view.facts
        spot = [
            [
                photo.id,
                len(photo.versions),
                photo.place,
                [change.before for change in photo.changes],
                [review.id for review in facts.reviews.get(photo.id, ())],
            ]
            for photo in facts.photos
        ]
        return hashlib.sha256(json.dumps([in_charge, spot]).encode()).hexdigest()[:32]

    def require_spot_state(self, seen: str | None, *, in_charge: bool) -> None:
        """Raises SpotChanged where the doctor has seen another state than that of now."""
        if seen not in (None, self.make_spot_state(in_charge=in_charge)):
            raise SpotChanged

    def shows(self, written_at: datetime | None) -> bool:
        """Whether its reader may read what a doctor wrote then: it may tell what is held back."""
        since = self.status.held_since
        return self.reader.knows_all or not (since and written_at and written_at >= since)

    @property
    def decision_opened_at(self) -> datetime | None:
        return self.status.opened_at

    @property
    def decision_shown_at(self) -> datetime | None:
        """The time from which its owner may read what was decided last."""
        return self.status.shown_at

    def make_keys(self, reader: Audience = Audience.DOCTOR) -> dict[str, str | None]:
        """The keys follow from what this reader knows; those of a doctor are stored."""
        lesion_status = self.view.seen_by(reader).lesion_status
        own, counts = lesion_status.findings[self.id], lesion_status.instruction.counts
        decision, awaited = own.decision, lesion_status.awaited(self.id)
        is_due = counts.finding == self.number
        if decision is None or own.waits:
            compared = is_due and counts.said_by is AdviceSource.COMPARISON
            asked = counts.band if compared else self.band
            if reader.knows_all and self.opinion_came_at and self.opinion_key:
                asked = most_urgent(asked, band_of_key(self.opinion_key))
            queue_key = self._make_waiting_key(asked, self.created_at)
        else:
            queue_key = make_reviewed_key(decision.urgency, self.created_at, self.number)
        return {
            "awaited_key": make_awaited_key(awaited, own.awaited_since, self.number)
            if awaited and own.awaited_since
            else None,
            "queue_key": queue_key,
            "hold_key": make_hold_key(own.hold_ends_at, self.number),
            "due_key": make_due_key(counts.due, self.number) if is_due else None,
        }

    def untold(self, reviews: Sequence[Review]) -> list[Review]:
        """Reviews whose hold has ended by its time, of which nobody was told yet."""
        first, moment = self.hold_key, self.view.moment
        return [
            review
            for review in reviews
            if first and (key := make_hold_key(review.hold_ends_at, self.number))
            if key >= first and not review.held_at(moment)
        ]


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
def see_with(found: StoredFinding, view: LesionForAudience) -> VisibleFinding: ...


@overload
def see_with(found: StoredFindingRow, view: LesionForAudience) -> VisibleFindingRow: ...


def see_with(found: StoredFindingRow, view: LesionForAudience) -> VisibleFindingRow:
    """See a finding with this view: a VisibleFinding of a StoredFinding, and so on."""
    seen = next(seen for stored, seen in _SEEN if isinstance(found, stored))
    return seen.model_construct(found.model_fields_set, **{**found.__dict__, "view": view})


def see_alone(found: StoredFinding, reader: Audience) -> VisibleFinding:
    """See a finding before there is a review of it, without its spot."""
    return see_with(
        found, LesionForAudience(LesionHistory((found.photo,), {}), reader, found.created_at)
    )


def rest_keys(case: Sequence[VisibleFindingRow]) -> dict[str, str | None]:
    """Return the key of each id. A case rests since something last happened with it; the end of a
    hold counts, too. None while a result is awaited or an urgent finding waits for a review: it
    must not go before somebody has done that.
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
            *(review.hold_ends_at for review in item.status.reviews if review.hold_ends_at),
        )
    )
    return {
        item.id: make_rest_key(bool(item.photos), not waiting, since, item.number) for item in case
    }
