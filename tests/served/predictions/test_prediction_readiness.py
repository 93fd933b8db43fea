"""Ready means that the next photo is judged: no sooner, and not without a model."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.model.registry.hostile_folders import damaged_copy
from tests.served.people import Seeder
from tests.served.photo_clients import CLIENTS, OPEN, lesions
from tests.served.server import Server, stopping
from tests.served.wire import ask
from tests.support.backends import Backend
from tests.support.models import tiny_model


def test_without_a_model_the_server_lives_but_is_not_ready_and_says_why(tmp_path: Path) -> None:
    nowhere = {"MODEL_PATH": str(tmp_path / "nowhere"), **OPEN}
    (photo,) = lesions(1)
    with stopping(Server(tmp_path, nowhere, workers=1)) as server:
        server.start(ready="/healthz")
        answer = ask(server.port, "GET", "/readyz")
        assert (answer.status, answer.json["code"]) == (503, "no_model")
        assert "No model is loaded" in answer.json["error"]
        assert "model     none" in server.log()
        with closing(Seeder(server)) as seeder:
            token = seeder.person().token
        for client in CLIENTS:
            answer = client.send(server.port, photo, token=token)
            assert answer.status == (200 if client.name == "lab" else 503), client.name
            assert b"No model is loaded" in answer.data, client.name


class BackendOfSettings(Backend):
    """With the model that the settings name."""

    def served(self) -> None:
        return None


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("head.npz", "a weight that is nan"),
        ("checksums.json", "an array"),
        ("card.json", "a side that fills the machine"),
    ],
)
def test_with_a_damaged_model_the_application_names_the_file_and_does_all_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, case: str
) -> None:
    folder = damaged_copy(tiny_model(), tmp_path / "model", name, case)
    backend = BackendOfSettings(tmp_path / "instance", model_path=folder)
    answer = backend.client.get("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "no_model")
    assert name in answer.get_json()["error"]
    assert str(tmp_path) not in answer.get_json()["error"]
    assert str(folder) in capfd.readouterr().err
    assert backend.member().call("GET", "/submissions").status_code == 200
    assert backend.client.post("/login", json={"email": "a@b.c"}).status_code == 400
    assert backend.client.get("/healthz").status_code == 200
    backend.services.store.close()
