from collections.abc import Mapping
from datetime import UTC, date, datetime

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen


class DayWords(Frozen):
    months: str
    day: str
    by: str
    first: str
    weekday: str
    weekdays: str


DAYS: Mapping[Language, DayWords] = load_words("reports.days", DayWords)


def say_day(day: date, language: Language, *, weekday: bool = False) -> str:
    """26 November 2026, or 26 November 2026 (Thursday): "by Thursday", read a week earlier, would
    mean today.
    """
    if isinstance(day, datetime):
        day = day.astimezone(UTC)
    words = DAYS[language]
    first = words.first if day.day == 1 else day.day
    text = words.day.format(day=first, month=words.months.split()[day.month - 1], year=day.year)
    if not weekday:
        return text
    return words.weekday.format(weekday=words.weekdays.split()[day.weekday()], day=text)


def say_due(due: date | None, language: Language) -> tuple[str, ...]:
    """Give the day, not whether it has passed: a printed text does not know when it is read."""
    return (DAYS[language].by.format(day=say_day(due, language, weekday=True)),) if due else ()
