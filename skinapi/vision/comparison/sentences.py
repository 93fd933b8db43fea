"""What a comparison of two photos says, from the table of conditions."""

import math

from skinapi.languages import NUMBERS, Said
from skinapi.vision.comparison.comparison import (
    Change,
    Comparison,
    Measure,
    NotComparable,
    NotMeasured,
)
from skinapi.vision.conditions import ComparisonWords, conditions_table


def summarise(comparison: Comparison) -> tuple[Said, ...]:
    """Whether the spot has changed, in one sentence or a few: each change beyond the error, or else
    that there is none; and what could not be measured.
    """
    if comparison.not_comparable:
        return (_not_comparable(comparison.not_comparable),)
    changed = [change for change in comparison.changes if change.measurable]
    told = [say_change(change) for change in changed or comparison.changes]
    if not changed and len(told) == len(Measure):
        told = [_words().unchanged]
    return *told, *(map(_not_measured, filter(None, [comparison.not_measured])))


def say_change(change: Change) -> Said:
    """By how much a measure has changed, or that it has not changed measurably."""
    if not change.measurable:
        return _words().unchanged_in[change.measure]
    key, size = change.measure.value, abs(change.value)
    if change.measure is Measure.AREA:
        key = "larger" if change.value > 0 else "smaller"
        return (
            _words()
            .changed_in[key]
            .fill(
                change=_percent(math.ceil(round(100 * size, 1))),
                error=_percent(int(100 * change.error)),
            )
        )
    return _words().changed_in[key].fill(change=_number(size), error=_number(change.error))


def _not_comparable(reason: NotComparable) -> Said:
    return _words().not_comparable.fill(why=_words().why_not_comparable[reason])


def _not_measured(reason: NotMeasured) -> Said:
    words = _words()
    sentence = words.area_not_measured if reason is NotMeasured.NO_SCALE else words.not_measured
    return sentence.fill(why=words.why_not_measured[reason])


def _percent(number: int) -> Said:
    """Whole: the change was rounded up and the error down, so the change is never told as less."""
    return Said.by(lambda language: NUMBERS[language].write_share(number / 100, decimals=0))


def _number(number: float) -> Said:
    return Said.by(lambda language: NUMBERS[language].write(number, decimals=2))


def _words() -> ComparisonWords:
    return conditions_table().notices.comparison
