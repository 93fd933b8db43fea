"""The tree of errors at the top of `skinapi/errors.py` is the tree of the code."""

from collections.abc import Iterator

import skinapi.app  # every room's errors are in the tree once the application is imported
import skinapi.batch.errors
from skinapi import errors
from skinapi.errors import SkinAPIError


def tree(error: type[SkinAPIError], depth: int = 0) -> Iterator[str]:
    room = error.__module__.removeprefix("skinapi.").partition(".")[0]
    where = "" if room == "errors" else f"  ({room})"
    name = f"{'  ' * depth}{error.__name__}"
    yield f"{name:<32} {error.status}{where}"
    for child in error.__subclasses__():
        if child.__module__.startswith("skinapi."):
            yield from tree(child, depth + 1)


def test_the_drawn_tree_is_the_tree_of_the_code() -> None:
    assert skinapi.app
    assert skinapi.batch.errors
    drawn = {line.strip() for line in (errors.__doc__ or "").splitlines() if line.startswith("  ")}
    assert drawn == {line.strip() for line in tree(SkinAPIError)}
