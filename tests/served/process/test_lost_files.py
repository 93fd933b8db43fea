"""A file is removed, replaced or damaged while a server runs: it goes on, or says what is
missing.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.findings.records.photos import LOST as PHOTO_LOST
from skinapi.platform.storage.files import LOST, LOST_BLOBS
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, lesions, post
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask
from tests.support.size import in_drill

PAGE = 4096
SERVE, PLAIN = ("-m", "skinapi", "serve"), ("-m", "gunicorn", "wsgi:app")
SPOILT = b"no database " * 1000
BEGINS_A_STORE = {"skinapi.db", "skinapi.db-made", "blobs", "jwt-secret"}


@pytest.fixture(scope="module")
def losing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server of two workers, for all tests that put back what they take away."""
    with serving(tmp_path_factory.mktemp("losing"), workers=2) as server:
        yield server


@pytest.fixture
def ada(losing_server: Server) -> Iterator[Caller]:
    with closing(Seeder(losing_server)) as seeder:
        yield seeder.person()


def remove(path: Path) -> None:
    path.rename(path.with_suffix(".aside"))


def nothing(_: Path) -> None:
    pass


def replace_by_empty(path: Path) -> None:
    remove(path)
    path.touch()


def replace_by_noise(path: Path) -> None:
    remove(path)
    path.write_bytes(SPOILT)


def overwrite(path: Path) -> None:
    path.write_bytes(SPOILT)


def put_back(path: Path) -> None:
    path.with_suffix(".aside").replace(path)


@pytest.mark.parametrize("lose", [replace_by_empty, *in_drill(remove, replace_by_noise)])
def test_without_its_documents_a_server_refuses_until_they_are_back(
    losing_server: Server, ada: Caller, lose: Callable[[Path], None]
) -> None:
    server = losing_server
    path = server.folder / "instance/skinapi.db"
    lose(path)
    for _ in range(10):
        for asked in ("/readyz", "/me"):
            answer = ada.call("GET", asked)
            assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
            assert answer.json["detail"] == LOST
        assert ada.call("POST", "/auth/logout").status == 503
    server.await_words(f'"file": "{path}", "event": "{LOST}"')
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    server.await_words(f"waiting: {LOST}")
    put_back(path)
    server.await_ready()
    assert ada.call("GET", "/me").json["email"] == ada.email


@pytest.mark.parametrize("command", [PLAIN, *in_drill(SERVE)])
def test_a_replaced_worker_begins_no_empty_database_where_the_folder_is_missing(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """It did, and what it acknowledged was lost when the folder was back."""
    with stopping(Server(tmp_path, workers=2)) as server:
        del server.environment["JWT_SECRET_KEY"]  # then it is a file of the folder, too
        server.start(command)
        with closing(Seeder(server)) as seeder:
            ada = seeder.person()
        (server.folder / "instance/jwt-secret").unlink()  # no worker makes another one
        for put in (nothing, Path.mkdir):
            assert_waits_for_its_folder(server, ada, put)


def assert_waits_for_its_folder(server: Server, ada: Caller, put: Callable[[Path], None]) -> None:
    instance, aside = server.folder / "instance", server.folder / "aside"
    instance.rename(aside)
    put(instance)
    answers = [ada.call("GET", path) for path in ("/readyz", "/me") for _ in range(5)]
    for answer in answers:
        assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    said = len(server.log())
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    server.await_words(f"waiting: {LOST}", after=said)
    assert put is Path.mkdir or not instance.exists()
    if instance.exists():
        # SQLite may have opened its log here for a database that was moved in that moment, and a
        # worker that was just starting its cache of models.
        assert {path.name for path in instance.iterdir()}.isdisjoint(BEGINS_A_STORE)
        shutil.rmtree(instance)
    aside.rename(instance)
    server.await_ready()
    assert ada.call("GET", "/me").json["email"] == ada.email


@pytest.mark.parametrize("put", [nothing, Path.mkdir], ids=["nothing", "empty folder"])
def test_without_the_folder_of_photos_none_is_taken_or_called_not_kept(
    losing_server: Server, ada: Caller, put: Callable[[Path], None]
) -> None:
    """A photo was told to be kept, and went into a new folder that nobody looked at again."""
    server = losing_server
    kept = send_photo(ada).json["id"]
    blobs, aside = server.folder / "instance/blobs", server.folder / "aside"
    blobs.rename(aside)
    put(blobs)
    for answer in (
        send_photo(ada),
        ada.call("GET", f"/submissions/{kept}/photo"),
        ada.call("GET", "/readyz"),
    ):
        assert (answer.status, answer.json["detail"]) == (503, LOST_BLOBS)
    with pytest.raises(StoreUnavailable, match=LOST_BLOBS):
        server.check_here()
    if blobs.exists():
        blobs.rmdir()
    aside.rename(blobs)
    server.await_ready()
    assert ada.call("GET", f"/submissions/{kept}/photo").status == 200


def test_a_kept_photo_whose_file_is_lost_is_not_called_not_kept(
    losing_server: Server, ada: Caller
) -> None:
    kept = send_photo(ada).json["id"]
    file = max(
        (losing_server.folder / "instance/blobs").glob("*/*"),
        key=lambda path: path.stat().st_mtime_ns,
    )
    file.unlink()
    answer = ada.call("GET", f"/submissions/{kept}/photo")
    assert (answer.status, answer.json["detail"]) == (404, PHOTO_LOST)


def send_photo(caller: Caller) -> Answer:
    body, kind = as_form(lesions(1)[0], "image", keep_photo="true")
    headers = {"Content-Type": kind, "Authorization": f"Bearer {caller.token}"}
    return post(caller.port, "/predict", body, headers)


def cut_off_the_end(path: Path) -> None:
    os.truncate(path, 2 * PAGE)


def cut_off_all(path: Path) -> None:
    os.truncate(path, 0)


def overwrite_behind_the_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(os.urandom(path.stat().st_size - PAGE))


@pytest.mark.parametrize(
    "ruin", [cut_off_the_end, *in_drill(overwrite_behind_the_header, overwrite, cut_off_all)]
)
def test_a_server_whose_database_is_ruined_in_place_is_not_ready(
    tmp_path: Path, ruin: Callable[[Path], None]
) -> None:
    """SQLite itself would answer from memory for long."""
    with stopping(Server(tmp_path, workers=1)) as server:
        with closing(Seeder(server)) as seeder:
            callers = [seeder.person() for _ in range(30)]
        # What was written is in the database file, and no more in the log.
        assert not (tmp_path / "instance/skinapi.db-wal").exists()
        server.start()
        for caller in callers:
            assert caller.call("GET", "/me").status == 200
        path = server.folder / "instance/skinapi.db"
        ruin(path)
        for _ in range(3):
            answer = ask(server.port, "GET", "/readyz")
            assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
            assert answer.json["detail"] == LOST
        assert ask(server.port, "GET", "/healthz").status == 200
        server.await_words(f'"fault": "damaged", "file": "{path}", "event": "{LOST}"')
