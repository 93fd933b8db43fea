"""What a comparison of two photos says, from the table of conditions."""

import math
from collections.abc import Iterator

from skinapi.base.languages import NUMBERS, LocalizedText
from skinapi.model.comparison.comparison import (
    Change,
    Comparison,
    Measure,
    NotComparable,
    NotMeasured,
)
from skinapi.model.conditions import conditions_table
from skinapi.model.notice_words import ComparisonWords


def summarise(comparison: Comparison) -> tuple[LocalizedText, ...]:
    """What has changed, in one sentence or a few: each change beyond the error, or else in what
    there is none; and what could not be measured. Never that the spot has not changed.
    """
    if comparison.not_comparable:
        return (_not_comparable(comparison.not_comparable),)
    changed = [change for change in comparison.changes if change.measurable]
    told = [say_change(change) for change in changed or comparison.changes]
    if not changed and len(told) == len(Measure):
        told = [_words().unchanged]
    return *told, *_all_not_measured(comparison)


def say_change(change: Change) -> LocalizedText:
    """By how much a measure has changed, or that it has not changed measurably."""
    if not change.measurable:
        return _words().unchanged_in[change.measure]
    key, size = change.measure.value, abs(change.value)
    if change.measure is Measure.PART:
        return _words().changed_in["darker" if change.value < 0 else key]
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


def _not_comparable(reason: NotComparable) -> LocalizedText:
    return _words().not_comparable.fill(why=_words().why_not_comparable[reason])


def _all_not_measured(comparison: Comparison) -> Iterator[LocalizedText]:
    words, why = _words(), comparison.not_measured
    if why:
        sentence = words.area_not_measured if why is NotMeasured.NO_SCALE else words.not_measured
        yield sentence.fill(why=words.why_not_measured[why])
    if comparison.part_not_measured and why in {None, NotMeasured.NO_SCALE}:
        yield words.part_not_measured.fill(why=words.why_not_measured[comparison.part_not_measured])


def _percent(number: int) -> LocalizedText:
    """Whole: the change was rounded up and the error down, so the change is never told as less."""
    return LocalizedText.by(
        lambda language: NUMBERS[language].write_share(number / 100, decimals=0)
    )


def _number(number: float) -> LocalizedText:
    return LocalizedText.by(lambda language: NUMBERS[language].write(number, decimals=2))


def _words() -> ComparisonWords:
    return conditions_table().notices.comparison
