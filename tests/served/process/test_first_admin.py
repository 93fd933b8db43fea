import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.__main__ import REFUSED as REFUSED_STATUS
from skinapi.__main__ import main
from skinapi.app.commands import FIRST_ADMIN
from skinapi.base.errors import StoreTooNew, StoreUnavailable
from skinapi.platform.storage.files import LOST
from skinapi.platform.storage.store_version import STORE_COLLECTION, VERSION
from tests.served.server import Server
from tests.served.wire import ask
from tests.stores.mongod import running_mongod
from tests.support.backends import PASSWORD, SECRET
from tests.support.size import drill, in_drill, size

TOLD = re.compile(r"password  (\S+)   \(shown once\)")


def log_in(server: Server, password: str) -> int:
    body = {"email": FIRST_ADMIN, "password": password}
    return ask(server.port, "POST", "/login", json=body).status


@pytest.mark.parametrize("start", range(size(1, 10)))
def test_nobody_registers_the_first_admins_address_while_workers_start(
    tmp_path: Path, start: int
) -> None:
    """The admin exists as soon as one worker answers, so a registration comes too late."""
    server = Server(tmp_path, workers=size(2, 4))
    server.launch()
    try:
        body = {"name": "Thief", "email": FIRST_ADMIN, "password": PASSWORD}
        server.await_ready("/healthz")
        assert ask(server.port, "POST", "/register", json=body).status == 409
        server.await_words("replace it first")
        [password] = TOLD.findall(server.log())
        assert (log_in(server, PASSWORD), log_in(server, password)) == (401, 403)
    finally:
        server.stop()


FOLDERS = [
    ({"INSTANCE_DIR": "/etc/hostname"}, "INSTANCE_DIR cannot be used (it is a file)"),
    ({"INSTANCE_DIR": "/proc/hidden"}, "INSTANCE_DIR cannot be used (No such file"),
    ({"INSTANCE_DIR": "/tmp/" + "hidden" * 60}, "INSTANCE_DIR cannot be used (File name too long"),
]
REFUSED = [
    ({"JWT_SECRET_KEY": "hidden\udcff" * 8}, "jwt_secret_key must be UTF-8 text"),
    ({"METRICS_TOKEN": "hidden, f3a9c17e5b2d8046\n"}, "METRICS_TOKEN must be one word"),
    ({"MONGO_URI": "mongodb://u:hid@den@host/"}, "MONGO_URI is not the address of a MongoDB"),
    (
        {"MONGO_URI": "mongodb://host/?tls=true&tlsCAFile=/no/hidden"},
        "MONGO_URI is not the address of a MongoDB",
    ),
]
# A whole server, also refused where gunicorn opens the store.
SERVED = [REFUSED[2], *in_drill(*REFUSED[:2], *REFUSED[3:], *FOLDERS)]


@pytest.mark.parametrize(("given", "sentence"), SERVED)
def test_a_server_with_such_a_setting_ends_with_the_sentence(
    tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    """If two workers are refused at once, gunicorn calls none of its hooks."""
    done = Server(tmp_path, given, workers=2).run("serve")
    assert (done.returncode, f"skinapi: {sentence}" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "hid" not in done.stderr + done.stdout


@pytest.fixture(scope="module")
def standalone() -> Iterator[dict[str, str]]:
    """The environment of servers on a MongoDB that is not a replica set."""
    with running_mongod(replicated=False) as mongod:
        yield {"MONGO_URI": mongod.uri}


@pytest.mark.parametrize("command", ["check", "restore -", "models list"])
def test_a_mongodb_without_transactions_is_refused_with_what_makes_it_a_replica_set(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    standalone: dict[str, str],
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)  # where no .env is
    for name, value in Server(tmp_path, standalone, workers=1).environment.items():
        monkeypatch.setenv(name, value)
    assert main(command.split()) == REFUSED_STATUS
    said = capsys.readouterr().err
    assert "--replSet rs0" in said
    assert 'mongosh --eval "rs.initiate()"' in said


def test_a_check_makes_no_database_where_there_is_none(tmp_path: Path) -> None:
    """The folder's disk may not be mounted yet, and a server may be waiting for it."""
    with pytest.raises(StoreUnavailable, match=re.escape(LOST)):
        Server(tmp_path).check_here()
    assert not (tmp_path / "instance").exists()


def test_a_server_does_not_start_on_the_store_of_another_key_or_of_newer_code(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, workers=1)
    store = server.services().store
    other = Server(tmp_path, {"JWT_SECRET_KEY": SECRET[::-1]}, workers=1)
    for command in ("serve", *in_drill("worker")):
        done = other.run(command)
        assert done.returncode == 2, done.stderr
        assert done.stderr.splitlines()[-1].startswith("skinapi: JWT_SECRET_KEY is not")
        assert "Traceback" not in done.stderr + done.stdout
        assert SECRET[::-1] not in done.stderr + done.stdout
    newer = {"version": VERSION + 1}
    assert store.collection(STORE_COLLECTION).update({"id": STORE_COLLECTION}, {"$set": newer})
    store.close()
    sentence = f"The store has version {VERSION + 1}"
    with pytest.raises(StoreTooNew, match=sentence):
        server.check_here()
    if not drill:  # a server passes on what opening a store raises: see the test of settings
        return
    done = server.run("serve")
    assert (done.returncode, f"skinapi: {sentence}" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
