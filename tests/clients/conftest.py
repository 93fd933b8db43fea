"""A backend that every client may enter, here and behind a real server."""

from collections.abc import Iterator

import pytest

from tests.backends import Backend
from tests.clients.dialects import SMALL
from tests.clients.wired import Door, Wired
from tests.served.server import serving


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A developer's own machine, the lab opened by hand."""
    backend = Backend(tmp_path_factory.mktemp("open"), open_lab=True, max_upload_bytes=SMALL)
    yield backend
    backend.services.store.close()


@pytest.fixture(scope="session")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    settings = {"OPEN_LAB": "true", "MAX_UPLOAD_BYTES": str(SMALL)}
    with serving(tmp_path_factory.mktemp("wired"), settings, workers=1) as server:
        yield Wired(server)


@pytest.fixture(params=["here", "gunicorn"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.getfixturevalue("opened" if request.param == "here" else "wired")
    return found
