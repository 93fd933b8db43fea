"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.houses import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house on SQLite."""
    house = House(tmp_path)
    yield house
    house.rooms.store.close()
