"""Sizes in words."""

import pytest

from skinapi.base.size_limits import size_in_words


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (10_000_000, "10 MB"),
        (1_590_001, "1.5 MB"),
        (100_000, "100 KB"),
        (1999, "1 KB"),
        (999, "999 bytes"),
    ],
)
def test_a_size_is_said_in_whole_units_and_never_as_more_than_it_is(size: int, said: str) -> None:
    assert size_in_words(size) == said
