"""A house that every client may enter."""

from collections.abc import Iterator

import pytest

from tests.clients.dialects import SMALL
from tests.houses import House


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A developer's own machine, the lab opened by hand."""
    house = House(tmp_path_factory.mktemp("open"), open_lab=True, max_upload_bytes=SMALL)
    yield house
    house.rooms.store.close()
