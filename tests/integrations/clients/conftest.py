from collections.abc import Iterator

import pytest

from skinapi.model.registry.prediction_pool import ServedModel
from tests.integrations.clients.dialects import SMALL
from tests.served.served_backend import ClientBackend, ServedBackend
from tests.served.server import serving
from tests.support.backends import Backend
from tests.support.models import served_once, tested_model


class WellTestedBackend(Backend):
    """Its model may call a mole a mole. Most clients show nothing for a raised band."""

    def served(self) -> ServedModel:
        return served_once(tested_model())


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("open")
    backend = WellTestedBackend(folder, open_lab=True, max_upload_bytes=SMALL)
    yield backend
    backend.services.store.close()


@pytest.fixture(scope="session")
def served_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBackend]:
    settings = {
        "OPEN_LAB": "true",
        "MAX_UPLOAD_BYTES": str(SMALL),
        "MODEL_PATH": str(tested_model()),
    }
    with serving(tmp_path_factory.mktemp("served_backend"), settings, workers=1) as server:
        yield ServedBackend(server)


@pytest.fixture
def client_backend(opened: Backend) -> ClientBackend:
    return opened


@pytest.fixture(params=["opened", "served_backend"])
def either_backend(request: pytest.FixtureRequest) -> ClientBackend:
    found: ClientBackend = request.getfixturevalue(request.param)
    return found
