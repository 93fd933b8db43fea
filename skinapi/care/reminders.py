"""Mails reminders of the instruction of a spot, and keeps the counts that schedule them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from skinapi.base.errors import NotFound
from skinapi.findings.errors import LesionFull
from skinapi.findings.records.events import FindingFiled, FindingsChanged
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import MOST_LESION_FINDINGS, Lesion, Lesions, place_told
from skinapi.findings.records.spots import state_of
from skinapi.findings.status.decisions import PHOTO_AFTER, RESULT_AFTER, WaitsFor
from skinapi.findings.status.spot_view import SpotView
from skinapi.model.bands import is_sent
from skinapi.model.conditions import conditions_table
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

REMINDED_AT = time(8, tzinfo=UTC)
# Reminds early enough before the last day to arrange a visit.
AHEAD = timedelta(days=2)


class ReminderKind(StrEnum):
    SEE_DOCTOR = "see_doctor"
    ASK_RESULT = "ask_result"
    SEND_PHOTO = "send_photo"
    PHOTOGRAPH = "photograph"


@dataclass(frozen=True, slots=True)
class Reminder:
    """`last` means until that day."""

    act: ReminderKind
    due: date
    last: bool = False

    @property
    def remind_at(self) -> datetime:
        day = self.due - AHEAD if self.last else self.due
        return datetime.combine(day, REMINDED_AT)

    def from_today(self, today: date) -> "Reminder":
        return self if self.due >= today else Reminder(self.act, today)


def reminder_of(status: SpotView) -> Reminder | None:
    """Return None if nothing is due: a proven cancer is not photographed again."""
    counts, newest = status.instruction, status.newest
    if counts is None:
        return None
    day = counts.since.date()
    if counts.waits_for is WaitsFor.RESULT:
        return Reminder(ReminderKind.ASK_RESULT, day + RESULT_AFTER)
    if counts.due:
        return Reminder(ReminderKind.SEE_DOCTOR, counts.due, last=True)
    if asked := status.spot.photo_wanted_at:
        return Reminder(ReminderKind.SEND_PHOTO, asked.date() + PHOTO_AFTER)
    after = timedelta(days=conditions_table().band_entry(counts.band).photograph_again_days)
    if is_sent(counts.band):
        return Reminder(ReminderKind.SEE_DOCTOR, day + after)
    if counts.proven_cancer:
        return None
    since = newest.created_at.date() if newest else day
    return Reminder(ReminderKind.PHOTOGRAPH, since + after)


def find_latest(status: SpotView | None) -> str | None:
    """Return the newest finding, or the newest stub if all findings were deleted."""
    if status is None:
        return None
    newest = status.newest or status.newest_stub
    return newest.id if newest else None


def look_at(status: SpotView | None) -> datetime | None:
    reminder = status and reminder_of(status)
    return reminder.remind_at if reminder else None


def _count(view: SpotView | None) -> dict[str, Any]:
    return {
        "findings": len(view.photos) if view else 0,
        "latest": find_latest(view),
        "remind_at": look_at(view),
    }


REMINDED_AT_ONCE = 1000


class ReminderMailer:
    """Several processes may run at once; only one of them reminds of each spot."""

    def __init__(
        self,
        store: Store,
        *,
        lesions: Lesions,
        records: FindingRecords,
        outbox: Outbox,
        failed: FailedItems,
    ) -> None:
        self._store, self._outbox, self._failed = store, outbox, failed
        self._lesions, self._records = lesions, records

    def run_once(self) -> None:
        if not self._outbox.enabled:
            return
        self._failed.do_each("reminder", self._lesions.list_due(REMINDED_AT_ONCE), self._remind)

    def _remind(self, identifier: str) -> None:
        self._store.transaction(partial(self._remind_once, identifier))

    def _remind_once(self, identifier: str) -> None:
        """The time is checked again, because it may have changed."""
        lesion = self._lesions.find(identifier)
        if lesion is None or lesion.remind_at is None or lesion.remind_at > now():
            return
        status = self._records.spots.read([identifier]).get(identifier)
        at = look_at(status)
        if at and at > now():
            self._lesions.change(identifier, {"remind_at": at})
            return
        newest = find_latest(status)
        if at and newest != lesion.reminded:
            self._outbox.add(Kind.REMINDER, to=lesion.owner)
        self._lesions.change(identifier, {"remind_at": None, "reminded": newest})


# Updates the counts in the transactions that file, move, review and delete findings.


NO_LESION = "There is no such spot"


class LesionCounts:
    def __init__(self, lesions: Lesions, records: FindingRecords) -> None:
        self._lesions, self._records = lesions, records

    def get_own(self, lesion: str, owner: str) -> Lesion:
        found = self._lesions.find(lesion)
        if found is None or found.owner != owner:
            raise NotFound(NO_LESION)
        return found

    def on_filed(self, event: FindingFiled) -> None:
        finding, place = event.finding, place_told(event.finding.context)
        if event.starts_spot:
            state = state_of(finding.spot)
            new = Lesion(
                id=finding.id,
                created_at=finding.created_at,
                owner=finding.owner,
                place=place,
                findings=1,
                latest=finding.id,
                remind_at=look_at(finding.spot_view),
                **{name: value for name, value in state.items() if value is not None},
            )
            self._lesions.insert(new)
            return
        spot = self.get_own(finding.lesion, finding.owner)
        if spot.place is None and place:
            self._lesions.change(spot.id, {"place": place.stored()})
        self.refuse_excess(spot, more=1)

    def on_findings_changed(self, event: FindingsChanged) -> None:
        for lesion in sorted(event.lesions):
            self._lesions.change(lesion, _count(event.views.get(lesion)))

    def recount(self, lesion: str) -> None:
        self._lesions.change(lesion, self._read(lesion))

    def _read(self, lesion: str) -> dict[str, Any]:
        return _count(self._records.spots.read([lesion]).get(lesion))

    def refuse_excess(self, lesion: Lesion | None, *, more: int = 0) -> None:
        if lesion and lesion.findings + more > MOST_LESION_FINDINGS:
            raise LesionFull(MOST_LESION_FINDINGS)

    def is_right(self, lesion: Lesion) -> bool:
        """A reminder that is due keeps its time until the next run."""
        counted = self._read(lesion.id)
        is_ahead = lesion.remind_at > now() if lesion.remind_at else lesion.reminded is None
        if not is_ahead:
            counted["remind_at"] = lesion.remind_at
        return counted == {name: getattr(lesion, name) for name in counted}
