"""/console/parts shows every part of the console in both themes."""

import pytest

from tests.console.visitor import PHONE, Visitor


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_parts_are_accessible_in_both_themes(
    visitor: Visitor, dark: bool, language: str
) -> None:
    visitor.look(PHONE, dark=dark, language=language)
    visitor.open("/console/parts")
    visitor.find(".parts + .parts .actions")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.assert_quiet()
