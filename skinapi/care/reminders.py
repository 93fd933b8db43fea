"""Reminders to photograph a spot again: as a calendar file (RFC 5545) and as a mail, when one is
due, and the counts of a spot's findings by which that is known.

It says nothing else of the spot: calendars are shared, and kept by others.
"""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from pydantic import ValidationError

from skinapi.care.lesion_records import Lesion, Lesions
from skinapi.errors import NotFound
from skinapi.languages import Language
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.errors import LesionFull
from skinapi.records.events import FindingDeleted, FindingFiled, FindingReviewed
from skinapi.records.lesion_findings import LesionFindings
from skinapi.records.submission import AdvisedEntry, CourseEntry, Submission
from skinapi.storage.background import PeriodicThread
from skinapi.storage.ids import now
from skinapi.storage.ports import Store
from skinapi.vision.conditions import conditions_table

REMINDED_AT = time(8, tzinfo=UTC)


def due_date(latest: CourseEntry, *, today: date) -> date:
    """The day of `remind_at`; today where it is past."""
    return max(today, remind_at(latest.advised).date())


def remind_at(latest: AdvisedEntry) -> datetime:
    """When what doctors have decided about the newest finding asks for another photo; without a
    decision, when its band does.
    """
    band = latest.decision.urgency if latest.decision else latest.band
    days = conditions_table().band_entry(band).photograph_again_days
    return datetime.combine(latest.photographed_at.date() + timedelta(days=days), REMINDED_AT)


def look_at(latest: CourseEntry) -> datetime:
    """When to see whether the owner is to be reminded: a decision that is withheld until then may
    ask for another photo earlier.
    """
    due = remind_at(latest.for_owner().advised)
    return min(due, latest.held_until) if latest.held_until else due


def calendar_file(*, lesion: str, due: date, language: Language, made_at: datetime) -> str:
    """The same spot keeps its `UID`, so that a calendar replaces the entry it has."""
    says = conditions_table().notices.photograph_again.in_language(language)
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//SkinAPI//reminder//EN",
        "BEGIN:VEVENT",
        f"UID:{lesion}@skinapi",
        f"DTSTAMP:{made_at:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{due:%Y%m%d}",
        f"SUMMARY:{says}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:PT9H",
        f"DESCRIPTION:{says}",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{line}\r\n" for line in lines)


# Puts reminders that are due into the outbox.


PASS_EVERY_S = 600.0
REMINDED_AT_ONCE = 1000


class ReminderMailer(PeriodicThread):
    """Any process may make a pass: of two at once, one reminds of each spot."""

    def __init__(
        self, store: Store, *, lesions: Lesions, findings: LesionFindings, outbox: Outbox
    ) -> None:
        super().__init__("reminders", every_s=PASS_EVERY_S, failure="not reminded")
        self._store, self._outbox = store, outbox
        self._lesions, self._findings = lesions, findings

    def make_pass(self) -> None:
        if not self._outbox.enabled:
            return
        for identifier in self._lesions.list_due(REMINDED_AT_ONCE):
            with suppress(ValidationError):  # `check` names a damaged spot
                self._store.transaction(partial(self._remind, identifier))

    def _remind(self, identifier: str) -> None:
        """Once after each newest finding. The time is looked at again: it may have moved."""
        lesion = self._lesions.find(identifier)
        if lesion is None or lesion.remind_at is None or lesion.remind_at > now():
            return
        newest = self._findings.newest(identifier)
        if newest and look_at(newest) > now():
            self._lesions.change(identifier, {"remind_at": look_at(newest)})
            return
        if newest and newest.id != lesion.reminded:
            self._outbox.add(Kind.REMINDER, to=lesion.owner)
        reminded = newest.id if newest else None
        self._lesions.change(identifier, {"remind_at": None, "reminded": reminded})


# Keeps the count of findings, the newest finding and the next reminder that stand with each spot,
# in the transactions that file, move, review and delete findings.
#
# They are counted again each time, from an index, so that a server of the version before, which
# deletes a finding and knows no spots, leaves no wrong count for long.


NO_LESION = "There is no such spot"


class LesionCounts:
    def __init__(self, lesions: Lesions, findings: LesionFindings, *, most: int) -> None:
        """`most` is how many findings a spot may have."""
        self._lesions, self._findings, self._most = lesions, findings, most

    def get_own(self, lesion: str, owner: str) -> Lesion:
        """A spot of this owner. Raises NotFound, also for those of others."""
        found = self._lesions.find(lesion)
        if found is None or found.owner != owner:
            raise NotFound(NO_LESION)
        return found

    def on_filed(self, event: FindingFiled) -> None:
        """Raises NotFound, LesionFull."""
        self.enter(event.finding)

    def on_changed(self, event: FindingReviewed | FindingDeleted) -> None:
        self.update(event.finding)

    def enter(self, submission: Submission) -> None:
        """After a finding of a spot was stored. Raises NotFound, LesionFull."""
        if submission.lesion:
            self.get_own(submission.lesion, submission.owner)
            self.refuse_excess(self.recount(submission.lesion))

    def update(self, submission: Submission) -> None:
        """After a finding was deleted or reviewed."""
        if submission.lesion:
            self.recount(submission.lesion)

    def recount(self, lesion: str) -> Lesion | None:
        """The spot as it is then; None where it is deleted."""
        newest = self._findings.newest(lesion)
        counted = {
            "findings": self._findings.count(lesion),
            "latest": newest.id if newest else None,
            "remind_at": look_at(newest) if newest else None,
        }
        return self._lesions.change(lesion, counted)

    def refuse_excess(self, lesion: Lesion | None, *, more: int = 0) -> None:
        """Raises LesionFull where the spot has more findings than it may, with `more` of them."""
        if lesion and lesion.findings + more > self._most:
            raise LesionFull(self._most)

    def is_right(self, lesion: Lesion) -> bool:
        newest = self._findings.newest(lesion.id)
        counted = (self._findings.count(lesion.id), newest.id if newest else None)
        return (lesion.findings, lesion.latest) == counted
