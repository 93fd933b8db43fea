"""A server with people for the console, and a browser before it."""

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.console.visitor import Visitor
from tests.served.people import Town
from tests.served.server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"PHOTOS": "consent"}
    with serving(tmp_path_factory.mktemp("console"), settings, workers=1) as server:
        yield server


@pytest.fixture
def town(server: Server) -> Iterator[Town]:
    town = Town(server)
    yield town
    town.close()


@pytest.fixture
def visitor(browser: webdriver.Chrome, server: Server) -> Visitor:
    return Visitor(browser, server.port)
