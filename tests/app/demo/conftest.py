from collections.abc import Iterator

import pytest

from tests.app.demo.demo_server import DemoServer, serving_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with serving_demo(tmp_path_factory.mktemp("demo")) as server:
        yield server
