"""What holds about a spot, for one reader at one moment: `standing(facts, reader, moment)`.

Stored are the facts, each once: the photos that were judged, the reviews signed of them, and until
when a review is held back. All that is said of a spot is made of them here. No store, no clock.
docs/reviews.md has the rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from skinapi.records.decisions import Decision, WaitsFor
from skinapi.records.instructions import (
    Advice,
    FindingStanding,
    Instruction,
    JudgedPhoto,
    reconcile,
)
from skinapi.records.reviews import Review


class Reader(StrEnum):
    """Who reads, by what they may know and whose words they read. What a doctor holds back is
    known to doctors alone: a program, an archive and whoever holds a paper may show it to the
    patient.
    """

    PATIENT = "patient"
    PROGRAM = "program"
    DOCTOR = "doctor"

    @property
    def knows_all(self) -> bool:
        return self is Reader.DOCTOR

    @property
    def is_patient(self) -> bool:
        return self is Reader.PATIENT


@dataclass(frozen=True, slots=True)
class SpotFacts:
    """The photos of a spot in the order of time, and the reviews of each in the order of signing,
    by its id. A finding that belongs to no spot is a spot of one photo.
    """

    photos: tuple[JudgedPhoto, ...]
    reviews: Mapping[str, Sequence[Review]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds about a spot. `findings` are by id, in the order of time."""

    findings: Mapping[str, FindingStanding]
    instruction: Instruction

    @property
    def newest(self) -> FindingStanding:
        """On the newest photo; where that was judged again, the last one."""
        *_, last = self.findings.values()
        return last

    @property
    def newest_photo_at(self) -> datetime:
        return self.instruction.photographed_at

    @property
    def held_since(self) -> datetime | None:
        """Since when something about the spot is held back from the patient."""
        held = (one.held_since for one in self.findings.values() if one.held_since)
        return min(held, default=None)

    @property
    def held_until(self) -> datetime | None:
        """When the next hold ends."""
        held = (one.hold_ends_at for one in self.findings.values() if one.hold_ends_at)
        return min(held, default=None)

    def awaited(self, finding: str) -> WaitsFor | None:
        """What the decision about a finding waits for: the result of a sample, else a photo that
        has not come.
        """
        decision = self.findings[finding].decision
        if decision is None or decision.awaited:
            return WaitsFor.RESULT if decision else None
        came = self.newest_photo_at > decision.decided_at
        return WaitsFor.PHOTO if decision.new_picture_wanted and not came else None

    def list_decided_elsewhere(self, finding: str) -> list[tuple[Decision, datetime]]:
        """What was decided about the other findings of the spot, and since when their owner can
        read that.
        """
        others = [one for name, one in self.findings.items() if name != finding]
        decided = ((one.decision, one.review) for one in others)
        return [(decision, said.shown_at) for decision, said in decided if decision and said]


def standing(
    facts: SpotFacts, reader: Reader, moment: datetime, compared: Advice | None = None
) -> Standing:
    """`compared` is what a comparison of two photos asks for, where that is more urgent than the
    later one.
    """
    findings = {
        photo.id: _stand(photo, facts.reviews.get(photo.id, ()), reader, moment)
        for photo in facts.photos
    }
    return Standing(findings, reconcile([*findings.values()], compared=compared))


def _stand(
    photo: JudgedPhoto, reviews: Sequence[Review], reader: Reader, moment: datetime
) -> FindingStanding:
    held = [one for one in reviews if one.held_at(moment)]
    ends = [one.hold_ends_at for one in held if one.hold_ends_at]
    known = tuple(reviews if reader.knows_all else _told(reviews, moment))
    return FindingStanding(
        photo,
        Decision.of(known, photo.band, photo.created_at),
        known,
        min((one.created_at for one in held), default=None),
        min(ends, default=None),
        max(ends, default=None),
    )


def _told(reviews: Iterable[Review], moment: datetime) -> list[Review]:
    return [one for one in reviews if not (one.second_opinion or one.held_at(moment))]


@dataclass(frozen=True)
class SpotView:
    """A spot as this reader sees it at that moment."""

    facts: SpotFacts
    reader: Reader
    moment: datetime

    @cached_property
    def standing(self) -> Standing:
        return standing(self.facts, self.reader, self.moment)

    def seen_by(self, reader: Reader) -> "SpotView":
        return self if reader is self.reader else replace(self, reader=reader)
