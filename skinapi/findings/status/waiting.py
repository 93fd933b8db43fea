"""What a spot waits for. The result is stored as the only index behind all lists."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from skinapi.base.stored_record import StoredRecord
from skinapi.findings.status.spot import (
    Spot,
    awaits_result,
    current_review,
    instruction,
    spot_day,
)


class WaitingKind(StrEnum):
    REVIEW = "review"
    RESULT = "result"
    PHOTO = "photo"
    OPINION = "opinion"
    ANSWER = "answer"
    VISIT = "visit"
    TELLING = "telling"


class Waiting(StoredRecord):
    kind: WaitingKind
    began_at: datetime
    due_at: datetime


def waiting(spot: Spot, *, can_read: bool) -> list[Waiting]:
    return [*_list_waiting(spot, can_read)]


def _list_waiting(spot: Spot, can_read: bool) -> Iterator[Waiting]:
    waits = [
        _wait(WaitingKind.REVIEW, item.queued_at, 3 if item.is_urgent else 14)
        for item in spot.findings
        if item.queued_at
    ]
    if waits:
        began, due = min(item.began_at for item in waits), min(item.due_at for item in waits)
        yield Waiting(kind=WaitingKind.REVIEW, began_at=began, due_at=due)
    review, counts, day = current_review(spot), instruction(spot), spot_day(spot)
    if review and awaits_result(spot):
        yield _wait(WaitingKind.RESULT, review.signed_at, 14)
    if spot.photo_wanted_at and spot.findings:
        yield _wait(WaitingKind.PHOTO, spot.photo_wanted_at, 3)
    if spot.opinion:
        yield _wait(WaitingKind.OPINION, spot.opinion.asked_at, 7)
    if spot.message_at:
        yield _wait(WaitingKind.ANSWER, spot.message_at, 3)
    if counts and day:
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
        yield Waiting(kind=WaitingKind.VISIT, began_at=counts.level.set_at, due_at=midnight)
    if telling := spot.telling:
        within = 3 if telling.grave else 7
        yield _wait(WaitingKind.TELLING, telling.began_at, within if can_read else 0)


def wait_damaged(since: datetime) -> Waiting:
    """Return what a spot with a damaged record waits for, whatever its other records say."""
    return _wait(WaitingKind.REVIEW, since, 3)


def _wait(kind: WaitingKind, since: datetime, days: int) -> Waiting:
    return Waiting(kind=kind, began_at=since, due_at=since + timedelta(days=days))
