import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import OURS
from tests.served.doors import SHUT
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.support.size import in_drill

SCRAPER = "a-token-for-the-collector-of-metrics"


@pytest.fixture(scope="session", params=["sqlite", *in_drill("mongod")])
def store(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    uri: str = request.getfixturevalue("mongo_uri")
    return uri


@pytest.fixture
def on_store(store: str) -> dict[str, str]:
    return environment_of(store)


@pytest.fixture(scope="session")
def shared_server(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shared_server")
    with serving(folder, environment_of(store), workers=2) as server:
        server.await_words("replace it first")  # the first admin, by the worker that greets
        yield server


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("plain")
    with serving(folder, {"METRICS_TOKEN": SCRAPER}, workers=2) as server:
        yield server


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("closed")
    with serving(folder, {**SHUT, "THREADS": "2"}, workers=1) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, workers=2) as server:
        yield server


@pytest.fixture
def seeder(shared_server: Server) -> Iterator[Seeder]:
    seeder = Seeder(shared_server)
    yield seeder
    seeder.close()


def environment_of(uri: str) -> dict[str, str]:
    if not uri:
        return {}
    path = f"/{OURS}{secrets.token_hex(8)}"
    return {"MONGO_URI": urlsplit(uri)._replace(path=path).geturl()}
