"""The rules of care: what counts about a spot (docs/reviews.md).

A `Spot` is a frozen value. Each act is a function that returns the spot as it is afterwards, and
`instruction` reads it. There is no store and no clock here: the caller loads the spot,
passes the time, and stores the result.

A photo sent with an urgency of "this week" opens the spot for a doctor:

>>> from datetime import UTC
>>> from skinapi.model.conditions import Band
>>> monday = datetime(2026, 11, 30, 9, tzinfo=UTC)
>>> spot = add(Spot("s"), "f", 1, Band.URGENT_REFERRAL, at=monday)
>>> spot.version, instruction(spot).level.urgency.value, spot_day(spot).isoformat()
(1, 'urgent_referral', '2026-12-07')

A review covers all findings of the spot, and states their urgency:

>>> mole = SpotReview("r", "grey", Band.SELF_MONITORING, monday, label="melanocytic_nevus")
>>> signed = sign(spot, mole, at=monday)
>>> instruction(signed).level.urgency.value, signed.is_open
('self_monitoring', False)

A more urgent photo counts at once, and is open:

>>> later = monday + timedelta(days=30)
>>> spot = add(signed, "g", 2, Band.REFERRAL, at=later)
>>> instruction(spot).number, instruction(spot).level.urgency.value, current_review(spot).id
(2, 'referral', 'r')
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from pydantic import field_serializer

from skinapi.base.stored_record import StoredRecord
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band, conditions_table

CHANGE_ASKS = Band.DOCTOR_REVIEW


class LevelSource(StrEnum):
    """What has set a level. Among equally urgent levels, one that a review has set comes first."""

    REVIEW = "review"
    COMPARISON = "comparison"
    MODEL = "model"


class Certainty(StrEnum):
    SUSPECTED = "suspected"
    SURE = "sure"
    LABORATORY = "laboratory"


class Sample(StrEnum):
    WAITING = "waiting"
    NONE = "none"


def names_cancer(label: str | None) -> bool:
    return label is not None and conditions_table().label(label).malignant


class Act(StrEnum):
    ADDED = "added"
    JUDGED = "judged"
    CORRECTED = "corrected"
    COMPARED = "compared"
    DISPUTED = "disputed"
    SIGNED = "signed"
    VOIDED = "voided"
    MOVED = "moved"
    DELETED = "deleted"
    IN_ERROR = "in_error"
    PLACED = "placed"
    ANSWERED = "answered"


def is_urgent(asked: Band) -> bool:
    return days_until_visit(asked) is not None


def days_until_visit(asked: Band) -> int | None:
    return conditions_table().band_entry(asked).see_within_days


class Level(StoredRecord):
    """The urgency of a finding. Only the two urgent levels have a `day` for a doctor's visit."""

    urgency: Band
    source: LevelSource
    set_at: datetime
    day: date | None = None
    review: str | None = None

    @field_serializer("day")
    def _store_day(self, day: date | None) -> str | None:
        return day.isoformat() if day else None


@dataclass(frozen=True, slots=True)
class SpotFinding:
    """`judged` is the urgency of the newest version. `covered_by` includes reviews of former spots.
    `changed` lists earlier findings. A `stub` keeps only the level of a deleted finding.
    """

    id: str
    number: int
    judged: Band
    level: Level
    queued_at: datetime | None = None
    covered_by: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    dispute: str | None = None
    stub: bool = False

    @property
    def rank(self) -> int:
        return urgency(self.level.urgency)

    @property
    def is_urgent(self) -> bool:
        return is_urgent(self.level.urgency)


class Statement:
    __slots__ = ()

    label: str | None
    certainty: Certainty | None
    sample: Sample | None

    @property
    def names_cancer(self) -> bool:
        return names_cancer(self.label)

    @property
    def proven(self) -> bool:
        return self.certainty is Certainty.LABORATORY

    @property
    def awaited(self) -> bool:
        return self.sample is Sample.WAITING


@dataclass(frozen=True, slots=True)
class SpotReview(Statement):
    id: str
    doctor: str
    urgency: Band
    signed_at: datetime
    label: str | None = None
    certainty: Certainty | None = None
    sample: Sample | None = None
    photo_wanted: bool = False
    spot_version: int = 0
    voided: bool = False


class Telling(StoredRecord):
    """An urgent result or a cancer that the patient has not been told about since `began_at`."""

    began_at: datetime
    grave: bool


class SecondOpinionRequest(StoredRecord):
    number: int
    asked_at: datetime
    asker: str | None = None
    colleague: str | None = None
    question: str | None = None
    came_at: datetime | None = None


class Changed(StoredRecord):
    act: Act
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Spot:
    """`findings` are in order of time and include stubs; `reviews` are in order of signing."""

    id: str
    version: int = 0
    findings: tuple[SpotFinding, ...] = ()
    reviews: tuple[SpotReview, ...] = ()
    photo_wanted_at: datetime | None = None
    message_at: datetime | None = None
    opened_at: datetime | None = None
    telling: Telling | None = None
    opinion: SecondOpinionRequest | None = None
    changed: Changed | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        return any(item.queued_at for item in self.findings)

    def find(self, finding: str) -> SpotFinding:
        return next(item for item in self.findings if item.id == finding)


# Reading a spot


def instruction(spot: Spot) -> SpotFinding | None:
    """Return the most urgent finding. Ties prefer a level set by a review, then the newest."""
    newest_first = spot.findings[::-1]
    return min(
        newest_first,
        key=lambda item: (item.rank, item.level.source is not LevelSource.REVIEW),
        default=None,
    )


def current_review(spot: Spot) -> SpotReview | None:
    covering = {review for item in spot.findings for review in item.covered_by}
    counting = (item for item in reversed(spot.reviews) if item.id in covering)
    return next((item for item in counting if not item.voided), None)


def changed_since(spot: Spot, version: int) -> Changed | None:
    return spot.changed if spot.version > version else None


def awaits_result(spot: Spot) -> bool:
    review = current_review(spot)
    return review is not None and review.awaited


def spot_day(spot: Spot) -> date | None:
    """A pending result has no day for a visit, unless an open finding is urgent."""
    open_urgent = any(item.queued_at and item.is_urgent for item in spot.findings)
    if awaits_result(spot) and not open_urgent:
        return None
    days = (item.level.day for item in spot.findings if item.level.day)
    return min(days, default=None)


# Acts


def add(
    spot: Spot,
    finding: str,
    number: int,
    judged: Band,
    *,
    at: datetime,
    former: Level | None = None,
) -> Spot:
    """A finding from another patient keeps its `former` level if that is more urgent."""
    level = _level(judged, LevelSource.MODEL, at, former)
    if former and urgency(former.urgency) < urgency(judged):
        compared = former.source is LevelSource.COMPARISON
        source = LevelSource.MODEL if compared else former.source
        level = Level.from_record(former, source=source, review=None)
    new = SpotFinding(finding, number, judged, level, queued_at=at)
    came = replace(spot, photo_wanted_at=None, findings=_in_order(*spot.findings, new))
    return _change(spot, came, Act.ADDED, at)


def judge(spot: Spot, finding: str, judged: Band, *, at: datetime, act: Act = Act.JUDGED) -> Spot:
    """A newer version can lower the level only before any review."""

    def judge_one(item: SpotFinding) -> SpotFinding:
        asked = most_urgent(judged, CHANGE_ASKS) if item.changed else judged
        newer = replace(item, judged=judged)
        if not item.covered_by:
            source = LevelSource.MODEL if asked is judged else LevelSource.COMPARISON
            return _opened(_leveled(newer, asked, source, at), at)
        if urgency(judged) < item.rank:
            return _opened(_leveled(newer, judged, LevelSource.MODEL, at), at)
        return newer

    return _update(spot, judge_one, act, at, only=finding)


def correct(spot: Spot, finding: str, judged: Band, *, at: datetime) -> Spot:
    return judge(spot, finding, judged, at=at, act=Act.CORRECTED)


def compare(spot: Spot, earlier: str, later: str, *, at: datetime) -> Spot:
    """Recording the same pair of photos again has no effect."""
    if earlier in spot.find(later).changed:
        return spot

    def change_one(item: SpotFinding) -> SpotFinding:
        found = replace(item, changed=(*item.changed, earlier))
        if urgency(CHANGE_ASKS) < item.rank:
            found = _leveled(found, CHANGE_ASKS, LevelSource.COMPARISON, at)
        return _opened(found, at)

    return _update(spot, change_one, Act.COMPARED, at, only=later)


def dispute(spot: Spot, finding: str, reason: str, *, at: datetime) -> Spot:
    claimed = partial(replace, dispute=reason)
    return _update(spot, lambda item: _opened(claimed(item), at), Act.DISPUTED, at, only=finding)


def sign(spot: Spot, new: SpotReview, *, at: datetime) -> Spot:
    """A review sets the level of all findings and closes them. An urgent review or a cancer must
    then be communicated to the patient.
    """
    signed = replace(new, spot_version=spot.version + 1, signed_at=at)

    def cover(item: SpotFinding) -> SpotFinding:
        former = None if new.proven else item.level
        level = _level(new.urgency, LevelSource.REVIEW, at, former, new.id)
        covered = (*item.covered_by, new.id)
        return replace(item, level=level, queued_at=None, covered_by=covered, dispute=None)

    after = replace(
        spot,
        findings=tuple(map(cover, spot.findings)),
        reviews=(*spot.reviews, signed),
        photo_wanted_at=at if new.photo_wanted else None,
        opinion=None,
    )
    after = _change(spot, after, Act.SIGNED, at)
    if is_urgent(new.urgency) or new.names_cancer:
        grave = new.names_cancer or new.urgency is Band.URGENT_REFERRAL
        return _tell(after, at, grave=grave)
    return after


def void(spot: Spot, review: str, *, at: datetime) -> Spot:
    """Keep all levels as urgent as they are, and reopen the findings that the review covered."""
    voided = tuple(
        replace(item, voided=True) if item.id == review else item for item in spot.reviews
    )
    remaining = [item for item in reversed(voided) if not item.voided]

    def reopen(item: SpotFinding) -> SpotFinding:
        if review not in item.covered_by:
            return item
        latest = next((other for other in remaining if other.id in item.covered_by), None)
        if latest and urgency(latest.urgency) < item.rank:
            item = _leveled(item, latest.urgency, LevelSource.REVIEW, at, latest.id)
        if urgency(item.judged) < item.rank:
            item = _leveled(item, item.judged, LevelSource.MODEL, at)
        return _opened(item, at)

    ends = any(item.signed_at == spot.photo_wanted_at for item in voided if item.id == review)
    wanted = None if ends else spot.photo_wanted_at
    after = replace(spot, reviews=voided, photo_wanted_at=wanted)
    return _change(spot, _each(after, reopen), Act.VOIDED, at)


def move(spot: Spot, to: Spot, finding: str, *, at: datetime) -> tuple[Spot, Spot]:
    """The level and an open question to a colleague move along. Both spots must have the reviews
    that cover the finding.
    """
    moved = spot.find(finding)
    asked = spot.opinion if spot.opinion and spot.opinion.number == moved.number else None
    stays = None if asked else spot.opinion
    left = replace(spot, findings=_without(spot, finding), opinion=stays)
    known = {item.id for item in to.reviews}
    also = [
        replace(item, spot_version=0)  # it was made at a version of another spot
        for item in spot.reviews
        if item.id in moved.covered_by and item.id not in known
    ]
    reviews = sorted((*to.reviews, *also), key=lambda item: (item.signed_at, item.id))
    there = _in_order(*to.findings, _opened(moved, at))
    came = replace(to, findings=there, reviews=tuple(reviews), opinion=to.opinion or asked)
    return _change(spot, left, Act.MOVED, at), _change(to, came, Act.MOVED, at)


def leave(spot: Spot, finding: str, *, at: datetime) -> Spot:
    """The first patient must be told if the finding was urgent and they have opened it."""
    gone = spot.find(finding)
    after = _change(spot, replace(spot, findings=_without(spot, finding)), Act.MOVED, at)
    return _tell_end(after, gone, at)


def delete(spot: Spot, finding: str, *, at: datetime) -> Spot:
    """A stub remains if a review covers the finding, or if it is open and needs a review."""
    gone = spot.find(finding)
    waits = gone.queued_at and gone.rank <= urgency(Band.DOCTOR_REVIEW)
    return _remove(spot, gone, Act.DELETED, at, stub=bool(waits or gone.covered_by))


def clear(spot: Spot) -> Spot:
    return replace(spot, version=spot.version + 1, findings=())


def enter_in_error(spot: Spot, finding: str, *, at: datetime) -> Spot:
    """An urgent finding leaves a stub."""
    gone = spot.find(finding)
    after = _remove(spot, gone, Act.IN_ERROR, at, stub=gone.is_urgent)
    return _tell_end(after, gone, at)


def note_change(spot: Spot, act: Act, *, at: datetime) -> Spot:
    return _change(spot, spot, act, at)


def ask(spot: Spot, opinion: SecondOpinionRequest | None) -> Spot:
    return replace(spot, opinion=opinion)


def answer(spot: Spot, *, at: datetime) -> Spot:
    asked = spot.opinion
    came = asked and SecondOpinionRequest(number=asked.number, asked_at=asked.asked_at, came_at=at)
    return _change(spot, replace(spot, opinion=came), Act.ANSWERED, at)


def mark_told(spot: Spot, *, at: datetime, opened: bool) -> Spot:
    return replace(spot, telling=None, opened_at=at if opened else spot.opened_at)


class Replaced(StrEnum):
    REVIEW = "review"
    INSTRUCTION = "instruction"
    LABEL = "label"


def find_replaced(spot: Spot, new: SpotReview) -> Replaced | None:
    counts, current, asked = instruction(spot), current_review(spot), urgency(new.urgency)
    if current:
        cancer = current.names_cancer and not new.names_cancer
        result = current.proven and not new.proven
        if cancer or result or asked > urgency(current.urgency):
            return Replaced.REVIEW
    if counts and asked >= counts.rank + 2:
        return Replaced.INSTRUCTION
    if new.label and asked > urgency(conditions_table().label(new.label).urgency):
        return Replaced.LABEL
    return None


# Private


def _level(
    asked: Band,
    source: LevelSource,
    at: datetime,
    former: Level | None = None,
    review: str | None = None,
) -> Level:
    """The former day stays if it is earlier and the level stays urgent."""
    within, earlier = days_until_visit(asked), former.day if former else None
    day = (at + timedelta(days=within)).date() if within else None
    if day and earlier:
        day = min(day, earlier)
    return Level(urgency=asked, source=source, set_at=at, day=day, review=review)


def _leveled(
    item: SpotFinding, asked: Band, source: LevelSource, at: datetime, review: str | None = None
) -> SpotFinding:
    return replace(item, level=_level(asked, source, at, item.level, review))


def _opened(item: SpotFinding, at: datetime) -> SpotFinding:
    return replace(item, queued_at=item.queued_at or at)


def _each(
    spot: Spot, act: Callable[[SpotFinding], SpotFinding], *, only: str | None = None
) -> Spot:
    changed = (act(item) if only in (None, item.id) else item for item in spot.findings)
    return replace(spot, findings=tuple(changed))


def _update(
    spot: Spot, change: Callable[[SpotFinding], SpotFinding], act: Act, at: datetime, *, only: str
) -> Spot:
    return _change(spot, _each(spot, change, only=only), act, at)


def _remove(spot: Spot, gone: SpotFinding, act: Act, at: datetime, *, stub: bool) -> Spot:
    if stub:
        return _update(spot, partial(replace, stub=True), act, at, only=gone.id)
    return _change(spot, replace(spot, findings=_without(spot, gone.id)), act, at)


def _without(spot: Spot, finding: str) -> tuple[SpotFinding, ...]:
    return tuple(item for item in spot.findings if item.id != finding)


def _in_order(*findings: SpotFinding) -> tuple[SpotFinding, ...]:
    return tuple(sorted(findings, key=lambda item: item.number))


def _change(before: Spot, after: Spot, act: Act, at: datetime) -> Spot:
    """The patient must be told if the instruction has become more urgent."""
    opinion = None if all(item.stub for item in after.findings) else after.opinion
    changed = Changed(act=act, changed_at=at)
    after = replace(after, version=before.version + 1, changed=changed, opinion=opinion)
    former, counts = instruction(before), instruction(after)
    if counts is None or not counts.is_urgent or (former and former.rank <= counts.rank):
        return after
    return _tell(after, at, grave=counts.level.urgency is Band.URGENT_REFERRAL)


def _tell(spot: Spot, at: datetime, *, grave: bool) -> Spot:
    began = spot.telling.began_at if spot.telling else at
    before = spot.telling is not None and spot.telling.grave
    return replace(spot, telling=Telling(began_at=began, grave=grave or before))


def _tell_end(after: Spot, gone: SpotFinding, at: datetime) -> Spot:
    if not (gone.is_urgent and after.opened_at):
        return after
    return _tell(after, at, grave=gone.level.urgency is Band.URGENT_REFERRAL)
