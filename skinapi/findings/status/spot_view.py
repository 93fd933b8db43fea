from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from skinapi.base.days import say_day
from skinapi.base.languages import Language, lower_first
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.status.decisions import Decision, WaitsFor, say_new_picture, words_for_patient
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot import (
    LevelSource,
    Spot,
    SpotFinding,
    awaits_result,
    current_review,
    instruction,
    names_cancer,
    spot_day,
)
from skinapi.model.comparison.comparison import Change
from skinapi.model.conditions import Band, BandWords, conditions_table


class MeasuredChange(StoredRecord):
    before: str
    measured_at: datetime
    changes: tuple[Change, ...] = optional(default=())


@dataclass(frozen=True, slots=True)
class JudgedPhoto:
    id: str
    number: int
    created_at: datetime
    kept: bool = False
    changes: tuple[MeasuredChange, ...] = ()
    place: tuple[str | None, ...] = ()
    malignant_score: float = 1.0
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class FoundChange:
    """`before` is None if the earlier photo has left the spot."""

    measured: MeasuredChange
    after: JudgedPhoto
    before: JudgedPhoto | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """`finding` has the instruction or, for a review, is the one on whose page it was signed.
    `taken_back_at` is None once another review is signed. `risen`: judged again after the review,
    because an entered fact was `corrected` or by another model.
    """

    said_by: LevelSource
    band: Band
    since: datetime
    finding: int
    due: date | None = None
    decision: Decision | None = None
    photo_wanted: bool = False
    voided: bool = False
    taken_back_at: datetime | None = None
    risen: bool = False
    corrected: bool = False
    photo_deleted: bool = False

    def is_answer_about(self, number: int | None, band: Band) -> bool:
        return (self.said_by, self.finding, self.band) == (LevelSource.MODEL, number, band)

    def is_said_by(self, decision: Decision | None, number: int | None, band: Band) -> bool:
        if decision:
            return decision.instructs
        return self.taken_back_at is None and self.is_answer_about(number, band)

    @property
    def waits_for(self) -> WaitsFor | None:
        return self.decision.waits_for if self.decision else None

    @property
    def by_result(self) -> bool:
        return self.decision is not None and self.decision.proven

    @property
    def proven_cancer(self) -> bool:
        return self.by_result and names_cancer(self.label)

    @property
    def label(self) -> str | None:
        return self.decision.label if self.decision else None

    def words(self, language: Language) -> BandWords:
        words = words_for_patient(
            self.band,
            self.waits_for,
            language,
            since=self.since,
            label=self.label,
            proven=self.by_result,
        )
        if self.decision:
            return words
        return words.model_copy(update={"next_step": words.first_step})

    def say_why(self, language: Language) -> str:
        notices = conditions_table().notices.decision
        if self.taken_back_at:
            to_do = lower_first(self.words(language).label)
            day = say_day(self.taken_back_at, language)
            return notices.taken_back.in_language(language).format(date=day, to_do=to_do)
        if not self.risen:
            return ""
        risen = notices.risen["corrected" if self.corrected else "judged"].in_language(language)
        return risen.format(date=say_day(self.since, language))

    def say_wanted(self, language: Language, *, for_doctor: bool = False) -> list[str]:
        if not self.photo_wanted or self.waits_for is WaitsFor.PHOTO:
            return []
        notices = conditions_table().notices.decision
        said = notices.new_picture_doctor if for_doctor else say_new_picture(self.band)
        return [said.in_language(language)]


@dataclass(frozen=True)
class SpotView:
    spot: Spot
    photos: Mapping[str, JudgedPhoto]
    reviews: Mapping[str, Review]
    owner: str

    @property
    def newest(self) -> JudgedPhoto | None:
        return max(self.photos.values(), key=lambda photo: photo.number, default=None)

    @property
    def newest_stub(self) -> SpotFinding | None:
        return self.spot.findings[-1] if self.spot.findings and not self.photos else None

    @property
    def open_stub(self) -> SpotFinding | None:
        """The most urgent deleted finding, if nothing else is open."""
        opened = [item for item in self.spot.findings if item.queued_at]
        if not all(item.stub for item in opened):
            return None
        return min(opened, key=lambda item: item.rank, default=None)

    @cached_property
    def decision(self) -> Decision | None:
        current = current_review(self.spot)
        return self._decide(current.id) if current else None

    def decide_about(self, finding: str) -> Decision | None:
        decision = self.decision
        covers = decision and any(
            item.id == finding and decision.review in item.covered_by for item in self.spot.findings
        )
        return replace(decision, covers=False) if decision and not covers else decision

    @cached_property
    def instruction(self) -> Instruction | None:
        counts = instruction(self.spot)
        if counts is None:
            return None
        level = counts.level
        decision, current = self._decide(level.review) if level.review else None, self.decision
        photo, named = self.photos.get(counts.id), (decision and decision.number) or counts.number
        return Instruction(
            level.source,
            level.urgency,
            level.set_at,
            named,
            spot_day(self.spot),
            decision,
            self.spot.photo_wanted_at is not None,
            voided=self.is_voided(level.review),
            taken_back_at=None if decision else self._taken_back_at,
            risen=level.source is LevelSource.MODEL
            and current is not None
            and current.review in counts.covered_by,
            corrected=photo is not None and photo.corrected,
            photo_deleted=all(item.number != named for item in self.photos.values()),
        )

    @property
    def _taken_back_at(self) -> datetime | None:
        covering = {review for item in self.spot.findings for review in item.covered_by}
        reviews = [review for name, review in self.reviews.items() if name in covering]
        last = max(filter(None, (review.voided_at for review in reviews)), default=None)
        decided = last and any(not it.voided and it.created_at > last for it in reviews)
        return None if decided else last

    def is_voided(self, review: str | None) -> bool:
        stored = self.reviews.get(review or "")
        return stored is not None and stored.voided

    def _decide(self, review: str) -> Decision | None:
        stored = self.reviews.get(review)
        return Decision.from_review(stored, self.spot) if stored and not stored.voided else None

    @property
    def decision_opened_at(self) -> datetime | None:
        opened, decision = self.spot.opened_at, self.decision
        return opened if opened and decision and opened >= decision.decided_at else None

    @property
    def awaited(self) -> WaitsFor | None:
        if awaits_result(self.spot):
            return WaitsFor.RESULT
        return WaitsFor.PHOTO if self.spot.photo_wanted_at else None

    def list_changes(self) -> list[FoundChange]:
        since = self.decision.decided_at if self.decision else None
        return [
            FoundChange(change, photo, self.photos.get(change.before))
            for photo in [*self.photos.values()][::-1]
            for change in photo.changes
            if since is None or change.measured_at > since
        ]
