"""Ready means that the next photo is judged: no sooner, and not without a model."""

from contextlib import closing
from pathlib import Path

from tests.served.camera import ANGULAR, CLIENTS, OPEN, lesions
from tests.served.people import Town
from tests.served.server import Server, serving, stopping
from tests.served.wire import ask
from tests.size import size


def test_the_first_photo_after_ready_is_judged(tmp_path: Path) -> None:
    (photo,) = lesions(1)
    for number in range(size(2, 20)):
        with serving(tmp_path / str(number), workers=1) as server, closing(Town(server)) as town:
            assert ANGULAR.send(server.port, photo, token=town.person().token).status == 200


def test_without_a_model_the_server_lives_but_is_not_ready_and_says_why(tmp_path: Path) -> None:
    nowhere = {"MODEL_PATH": str(tmp_path / "nowhere"), **OPEN}
    (photo,) = lesions(1)
    with stopping(Server(tmp_path, nowhere, workers=1)) as server:
        server.start(ready="/healthz")
        answer = ask(server.port, "GET", "/readyz")
        assert (answer.status, answer.json["code"]) == (503, "no_model")
        assert "MODEL_PATH" in answer.json["error"]
        with closing(Town(server)) as town:
            token = town.person().token
        for client in CLIENTS:
            answer = client.send(server.port, photo, token=token)
            assert answer.status == (200 if client.name == "lab" else 503), client.name
            assert b"MODEL_PATH" in answer.data, client.name
