"""A model whose network an inference server runs: it serves no version that the server lacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.errors import EngineUnavailable, NoModel
from skinapi.registry.composition import open_served
from skinapi.registry.service import announce_model
from skinapi.settings import Settings
from tests.prediction.photographer import predicted, send
from tests.registry.test_models import OVERRIDE, ModelBackend
from tests.support.inference_server import InferenceServer, running_inference_server
from tests.support.models import tiny_model, write_model


class EngineBackend(ModelBackend):
    """Its model is that of the settings, run by the inference server that they name."""

    def served(self) -> None:
        return None


@pytest.fixture
def server() -> Iterator[InferenceServer]:
    with running_inference_server(tiny_model()) as running:
        yield running


@pytest.fixture
def backend(server: InferenceServer, tmp_path: Path) -> Iterator[ModelBackend]:
    backend = EngineBackend(tmp_path / "instance", engine_url=server.url)
    yield backend
    backend.services.store.close()


def test_the_findings_are_those_of_the_local_network(
    backend: ModelBackend, server: InferenceServer, tmp_path: Path
) -> None:
    local = ModelBackend(tmp_path / "local")
    server.asked.clear()
    found, wanted = predicted(backend.member()), predicted(local.member())
    assert "/v2/models/tiny-1/versions/1/infer" in server.asked
    assert found["model_version"] == "tiny-1"
    assert found["probabilities"] == pytest.approx(wanted["probabilities"], abs=1e-4)
    local.services.store.close()


def test_a_version_that_the_server_lacks_leaves_the_last_one_in_service(
    backend: ModelBackend, tmp_path: Path
) -> None:
    admin = backend.member(role="admin")
    backend.add(tmp_path, "next-1")
    assert admin.call("POST", "/models/next-1/promote", json=OVERRIDE).status_code == 200
    assert backend.answers() == "tiny-1"
    assert predicted(backend.member())["model_version"] == "tiny-1"
    notes = backend.client.get("/readyz").get_json()["notes"]
    assert any("next-1 cannot be loaded, so tiny-1 answers" in note for note in notes)


def test_a_version_is_promoted_once_the_server_has_it(
    backend: ModelBackend, server: InferenceServer, tmp_path: Path
) -> None:
    admin = backend.member(role="admin")
    backend.add(tmp_path, "next-1")
    with running_inference_server(write_model(tmp_path / "served", "next-1")) as other:
        server.models |= other.models
    assert admin.call("POST", "/models/next-1/promote", json=OVERRIDE).status_code == 200
    assert backend.answers() == "next-1"
    assert predicted(backend.member())["model_version"] == "next-1"


def test_while_the_server_cannot_run_it_photos_get_503_and_the_server_is_not_ready(
    backend: ModelBackend, server: InferenceServer
) -> None:
    ada = backend.member()
    server.behave = lambda call: call.send(500)
    server.ready = False
    answer = send(ada)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "engine_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    ready = backend.client.get("/readyz")
    assert (ready.status_code, ready.get_json()["code"]) == (503, "engine_unavailable")
    assert backend.client.get("/healthz").status_code == 200
    server.reset()
    assert predicted(ada)["model_version"] == "tiny-1"


def test_without_its_server_no_model_is_loaded_and_the_setting_is_named(
    server: InferenceServer,
) -> None:
    server.models = {}
    settings = Settings(engine_url=server.url)
    served = open_served(settings)
    with pytest.raises(EngineUnavailable):
        served.swap(tiny_model())
    with pytest.raises(NoModel, match="ENGINE_URL"):
        served.ping()
    server.reset()
    served.swap(tiny_model())
    served.ping()
    assert "inference server" in announce_model(settings, served)
