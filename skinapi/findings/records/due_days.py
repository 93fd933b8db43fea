"""By which day a doctor should have seen a spot, and how a day is said. The rule is in
docs/reviews.md ("By when").
"""

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, date, datetime, timedelta
from functools import cache

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table

# By then a result should be there, and after so long a photo that is asked for is asked for again.
RESULT_AFTER = timedelta(days=14)
PHOTO_AFTER = timedelta(days=3)

# Of each urgency that names a time: since when a spot has been at least so urgent.
Levels = Mapping[Band, datetime]
Step = tuple[datetime, Band]


def levels_of(band: Band, since: datetime) -> dict[Band, datetime]:
    """Those of what was said once."""
    return dict.fromkeys(_levels_within(band), since)


@cache
def _levels_within(band: Band) -> tuple[Band, ...]:
    return tuple(level for level in _days() if urgency(band) <= urgency(level))


@cache
def _days() -> Mapping[Band, int]:
    """Map each urgency that names a time to its days."""
    entries = conditions_table().bands
    return {one.key: one.see_within_days for one in entries if one.see_within_days is not None}


def levels_since(steps: Iterable[Step]) -> dict[Band, datetime]:
    """Those of what was said step by step, the newest first: a level counts from the first step of
    those without a break that asked for it or for more.
    """
    found: dict[Band, datetime] = {}
    unbroken: Set[Band] | None = None
    for moment, band in steps:
        asked = levels_of(band, moment).keys()
        unbroken = asked if unbroken is None else unbroken & asked
        if not unbroken:
            break
        # The clock of who signed later may be behind.
        found |= {level: min(moment, found.get(level, moment)) for level in unbroken}
    return found


def due_day(levels: Levels) -> date | None:
    """None where no time was named."""
    ends = ((since + timedelta(days=_days()[level])).date() for level, since in levels.items())
    return min(ends, default=None)


class DayWords(Frozen):
    """How a day is written, and that something is to be done by then. `first` is the first day of
    a month.
    """

    months: tuple[str, ...]
    day: str
    by: str
    first: str
    weekday: str
    weekdays: tuple[str, ...]


DAYS: Mapping[Language, DayWords] = load_words("days.DAYS", DayWords)


def say_day(day: date, language: Language, *, weekday: bool = False) -> str:
    """In the words of the language: 26 November 2026, or 26 November 2026 (Thursday). A week before
    that day, "by Thursday" would read as today. Of a time, the day in UTC.
    """
    if isinstance(day, datetime):
        day = day.astimezone(UTC)
    words = DAYS[language]
    first = words.first if day.day == 1 else day.day
    said = words.day.format(day=first, month=words.months[day.month - 1], year=day.year)
    return (
        words.weekday.format(weekday=words.weekdays[day.weekday()], day=said) if weekday else said
    )


def say_due(due: date | None, language: Language) -> tuple[str, ...]:
    """By which day; not whether that has passed: a paper does not know when it is read."""
    return (DAYS[language].by.format(day=say_day(due, language, weekday=True)),) if due else ()
