"""The first admin of a real server: there before the first request, whoever registered before."""

import re
from pathlib import Path

import pytest

from skinapi.app.application import create_app
from skinapi.app.commands import FIRST_ADMIN
from tests.served.server import Server
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.size import size

TOLD = re.compile(r"password  (\S+)   \(shown once\)")


def log_in(server: Server, password: str) -> int:
    body = {"email": FIRST_ADMIN, "password": password}
    return ask(server.port, "POST", "/login", json=body).status


@pytest.mark.parametrize("start", range(size(1, 10)))
def test_nobody_registers_the_first_admins_address_while_workers_start(
    tmp_path: Path, start: int
) -> None:
    """As soon as one worker answers, the admin is there: registering comes too late."""
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


def test_who_registered_under_plain_gunicorn_does_not_become_the_first_admin(
    tmp_path: Path,
) -> None:
    """There nobody makes an admin; the first `serve` after it does, under a new password."""
    server = Server(tmp_path, workers=1)
    server.services().store.close()
    app = create_app(server.settings())  # what wsgi:app is
    body = {"name": "Thief", "email": FIRST_ADMIN, "password": PASSWORD}
    thief = app.test_client().post("/register", json=body).get_json()
    app.services.store.close()
    server.start()
    try:
        server.await_words("replace it first")
        [password] = TOLD.findall(server.log())
        assert (log_in(server, PASSWORD), log_in(server, password)) == (401, 403)
        token = {"Authorization": f"Bearer {thief['access_token']}"}
        assert ask(server.port, "GET", "/me", headers=token).status == 401
    finally:
        server.stop()
