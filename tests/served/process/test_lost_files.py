import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.platform.storage.files import LOST
from tests.served.people import Caller, Seeder
from tests.served.server import Server, stopping
from tests.support.size import in_drill

SERVE, PLAIN = ("-m", "skinapi", "serve"), ("-m", "gunicorn", "wsgi:app")
BEGINS_A_STORE = {"skinapi.db", "skinapi.db-made", "blobs", "jwt-secret"}


def nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize("command", [PLAIN, *in_drill(SERVE)])
def test_a_replaced_worker_begins_no_empty_database_where_the_folder_is_missing(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """It once did, and what it acknowledged was lost when the folder was back."""
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
    for worker in (workers := server.await_workers()):
        os.kill(worker, signal.SIGKILL)
    # Each: one that is only starting may still put something into the folder.
    server.await_words(f"waiting: {LOST}", after=said, times=len(workers))
    assert put is Path.mkdir or not instance.exists()
    if instance.exists():
        # SQLite may have opened its log here for a database that was moved in that moment, and a
        # worker that was just starting its cache of models.
        assert {path.name for path in instance.iterdir()}.isdisjoint(BEGINS_A_STORE)
        shutil.rmtree(instance)
    aside.rename(instance)
    server.await_ready()
    assert ada.call("GET", "/me").json["email"] == ada.email
