"""A reminder to photograph a spot again, as a calendar file (RFC 5545), and when one is due.

It says nothing else of the spot: calendars are shared, and kept by others.
"""

from datetime import UTC, date, datetime, time, timedelta

from skinapi.languages import Language
from skinapi.records.findings.submissions import CourseEntry
from skinapi.vision.conditions import conditions_table

REMINDED_AT = time(8, tzinfo=UTC)


def due_date(latest: CourseEntry, *, today: date) -> date:
    """The day of `remind_at`; today where it is past."""
    return max(today, remind_at(latest).date())


def remind_at(latest: CourseEntry) -> datetime:
    """When what doctors have decided about the newest finding asks for another photo; without a
    decision, when its band does.
    """
    band = latest.decision.urgency if latest.decision else latest.finding.band
    days = conditions_table().band_entry(band).photograph_again_days
    return datetime.combine(latest.photographed_at.date() + timedelta(days=days), REMINDED_AT)


def look_at(latest: CourseEntry) -> datetime:
    """When to see whether the owner is to be reminded: a decision that is withheld until then may
    ask for another photo earlier.
    """
    due = remind_at(latest.for_owner())
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
