import re
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.model.registry.hostile_folders import damaged_copy
from tests.served.doors import CLIENTS, OPEN
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, large_photo, lesions, post
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask
from tests.support.backends import Backend
from tests.support.models import tiny_model
from tests.support.size import in_drill

JPEG = b"\xff\xd8\xff"
# Six bytes of a JPEG or more: three also stand in a store's pages by chance.
PICTURES = re.compile(
    rb"\xff\xd8\xff(?:[\xe0\xe1]..(?:JFIF|Exif)|\xdb\x00[\x43\x84])"
    rb"|\x89PNG\r\n\x1a\n|RIFF....WEBP",
    re.DOTALL,
)


def pictures_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and PICTURES.search(read(path))]


def read(path: Path) -> bytes:
    with suppress(FileNotFoundError):  # a temporary one, which has just gone
        return path.read_bytes()
    return b""


def predict(caller: Caller, photo: bytes, **texts: str) -> Answer:
    body, kind = as_form(photo, "image", **texts)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {caller.token}"}
    return post(caller.port, "/predict", body, headers)


def send_everything(server: Server, caller: Caller, **texts: str) -> None:
    (photo,) = lesions(1)
    for client in CLIENTS:
        assert client.send(server.port, photo, token=caller.token).status == 200
    for content in (photo, large_photo()):
        assert predict(caller, content, **texts).status == 200


def test_without_consent_no_photo_reaches_the_disk_and_with_it_one_until_it_is_deleted(
    tmp_path: Path,
) -> None:
    with (
        serving(tmp_path, {"PHOTOS": "consent", **OPEN}, workers=1) as server,
        closing(Seeder(server)) as seeder,
    ):
        for consent in ({}, *in_drill({"keep_photo": "false"})):
            send_everything(server, seeder.person(), **consent)
            assert pictures_in(tmp_path) == []
        ada = seeder.person()
        number = predict(ada, *lesions(1), keep_photo="true").json["id"]
        assert len(pictures_in(tmp_path)) == 1
        assert ada.call("GET", f"/submissions/{number}/photo").data.startswith(JPEG)
        assert ada.call("DELETE", f"/submissions/{number}").status == 200
        assert pictures_in(tmp_path) == []
    assert pictures_in(tmp_path) == []


@pytest.mark.parametrize(
    ("photos", "status"), [("never", 200), ("always", 422)], ids=["never", "refused"]
)
def test_neither_consent_nor_a_setting_keeps_what_is_not_to_be_kept(
    tmp_path: Path, photos: str, status: int
) -> None:
    """The operator says never, or every photo is kept and this one is refused."""
    (photo,) = lesions(1)
    sent = photo if status == 200 else photo[: len(photo) // 2]
    backend = Backend(tmp_path, photos=photos)
    body, kind = as_form(sent, "image", keep_photo="true")
    answer = backend.member().call("POST", "/predict", data=body, content_type=kind)
    assert answer.status_code == status
    backend.services.store.close()
    assert pictures_in(tmp_path) == []


def test_where_every_photo_is_kept_it_is_on_the_disk(tmp_path: Path) -> None:
    backend = Backend(tmp_path, photos="always")
    body, kind = as_form(lesions(1)[0], "image")
    assert (
        backend.member().call("POST", "/predict", data=body, content_type=kind).status_code == 200
    )
    backend.services.store.close()
    assert pictures_in(tmp_path) != []


def test_without_a_model_the_server_lives_but_is_not_ready_and_says_why(tmp_path: Path) -> None:
    nowhere = {"MODEL_PATH": str(tmp_path / "nowhere"), **OPEN}
    (photo,) = lesions(1)
    with stopping(Server(tmp_path, nowhere, workers=1)) as server:
        server.start(ready="/healthz")
        answer = ask(server.port, "GET", "/readyz")
        assert (answer.status, answer.json["code"]) == (503, "no_model")
        assert "No model is loaded" in answer.json["error"]
        server.await_words("model not loaded")
        with closing(Seeder(server)) as seeder:
            token = seeder.person().token
        for client in CLIENTS:
            answer = client.send(server.port, photo, token=token)
            assert answer.status == client.without_model, client.name
            assert b"No model is loaded" in answer.data, client.name


class BackendOfSettings(Backend):
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
