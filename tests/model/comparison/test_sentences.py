from typing import Any

import pytest

from skinapi.model.comparison.comparison import (
    UNCERTAINTY,
    Change,
    Comparison,
    Measure,
    NotComparable,
    NotMeasured,
    say_change,
    summarise,
)
from skinapi.model.conditions import conditions_table


def change(measure: Measure, value: float, *, measurable: bool = True) -> Change:
    return Change(
        measure=measure,
        value=value,
        uncertainty=UNCERTAINTY.get(measure, 5.0),
        measurable=measurable,
    )


def summary(**fields: Any) -> str:
    return " ".join(said.en for said in summarise(Comparison(**fields)))


NONE = tuple(change(measure, 0.0, measurable=False) for measure in Measure)
PART = NONE[3:]


WRONG = "the measurement can be wrong"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.35, "The spot has grown by about 35% of its area; the measurement can be wrong by 22%."),
        (-0.19, f"The spot has become smaller by about 19% of its area; {WRONG} by 18%."),
    ],
)
def test_a_change_is_always_told_as_more_than_its_error(value: float, said: str) -> None:
    assert say_change(change(Measure.AREA, value)).en == said


def test_nothing_is_said_to_be_unchanged_that_was_not_measured() -> None:
    assert summary(changes=NONE) == (
        "The area, outline and colours of the spot and the skin beside it have not changed "
        "measurably."
    )
    without_area = summary(changes=NONE[1:], not_measured=NotMeasured.NO_SCALE)
    assert without_area == (
        "Its colour as a whole has not changed measurably. Its shape has not changed measurably. "
        "No part of the spot, or of the skin beside it, has changed colour measurably. Whether it "
        "has grown could not be measured, because the skin around it shows too little pattern to "
        "tell a larger spot from a nearer camera."
    )
    assert summary(not_measured=NotMeasured.CUT_OFF) == (
        "Whether the spot has changed could not be measured, because a part of the spot lies "
        "outside one of the photos."
    )
    only_shape = summary(changes=NONE[2:3], not_measured=NotMeasured.NO_SCALE)
    assert only_shape.startswith("Its shape has not changed measurably. Whether it has grown")


def test_every_reason_and_measure_has_words() -> None:
    words = conditions_table().notices.comparison
    assert set(words.why_not_comparable) == {*NotComparable}
    assert set(words.why_not_measured) == {*NotMeasured}
    assert set(words.unchanged_in) == {*Measure}
    assert set(words.changed_in) == {"larger", "smaller", "darker", *Measure} - {Measure.AREA}


def test_no_summary_says_that_the_spot_has_not_changed() -> None:
    words = conditions_table().notices.comparison
    for said in (words.unchanged, *words.unchanged_in.values()):
        assert not said.en.startswith("The spot has not")
        assert not said.fr.startswith("La tache n'a pas")


@pytest.mark.parametrize(
    ("value", "said"), [(-30.0, "has become darker"), (30.0, "has changed colour")]
)
def test_a_part_that_changed_is_told_and_nothing_else_with_it(value: float, said: str) -> None:
    told = summary(changes=(*NONE[:3], change(Measure.PART, value)))
    begins = "A part of the spot, or of the skin beside it,"
    assert told == (f"{begins} {said} by more than the measurement can be wrong.")


def test_where_a_part_was_not_compared_the_rest_is_no_word_about_it() -> None:
    told = summary(changes=NONE[:3], part_not_measured=NotMeasured.TOO_DARK)
    assert told.startswith("Its area has not changed measurably. Its colour as a whole has not")
    assert told.endswith(
        "Whether a part of it has changed colour could not be measured, because the spot is so "
        "dark that a new dark part in it would not be seen."
    )
    reasons = {"not_measured": NotMeasured.NO_OUTLINE, "part_not_measured": NotMeasured.TOO_DARK}
    assert summary(**reasons).count("could not be measured") == 1
