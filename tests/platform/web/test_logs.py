"""Logs hold no password, token, e-mail or name.

A line that cannot be written is lost, and counted.
"""

import errno
import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.logs import LossyStream, shield_output
from tests.support.backends import PASSWORD, Backend

REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"


def test_a_whole_session_leaves_no_personal_data_in_the_logs(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, backend: Backend
) -> None:
    caplog.set_level("DEBUG")
    client = backend.client
    ada = backend.register("ada@example.org", name="Ada Lovelace")
    admin = backend.admin("root@example.org")
    grey = {"name": "Meredith Grey", "email": "grey@example.org", "password": "defaultPass123"}
    admin.call("POST", "/doctors", json=grey)
    admin.call("POST", "/doctors", json=grey)
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    admin.call("PUT", "/users/ada@example.org/doctor", json={"doctor": "grey@example.org"})
    admin.call("GET", "/users?q=Lovelace")
    admin.call("GET", "/users/ada@example.org/nowhere")
    client.post("/login", json={"email": "ada@example.org", "password": "wrong-horse"})
    client.post("/login", data=b'{"email":"ada@example.org","password":"half-a-hor')
    client.post("/register", json={"name": "Ada Lovelace", "email": "ada@example.org"})
    reset = admin.call("POST", "/users/ada@example.org/reset-password").get_json()["password"]
    passwords = {"current_password": reset, "new_password": "third-horse"}
    client.post("/password", json={"email": "ada@example.org", **passwords})
    again = backend.log_in("ada@example.org", "third-horse")
    passwords = {"current_password": "third-horse", "new_password": "fourth-horse"}
    again.call("PUT", "/me/password", json=passwords)
    ada.call("GET", "/me", headers={"Referer": "http://x/ada@example.org"})
    admin.call("DELETE", "/users/ada@example.org")
    admin.call("POST", "/auth/logout")

    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    secrets = [PASSWORD, "defaultPass123", "wrong-horse", "half-a-hor", reset]
    secrets += ["third-horse", "fourth-horse"]
    people = ["@example.org", "%40", "Lovelace", "Meredith"]
    for hidden in (*secrets, *people, ada.token, admin.token, again.token):
        assert hidden not in logged


def test_a_request_is_one_line_with_its_template_and_its_id(
    capfd: pytest.CaptureFixture[str], backend: Backend
) -> None:
    admin = backend.member("root@example.org", role="admin")
    capfd.readouterr()
    admin.call("DELETE", "/users/no@example.org", headers={"X-Request-ID": REQUEST_ID})
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["method"], said["route"], said["status"]) == ("DELETE", "/users/<email>", 404)
    assert said["request_id"] == REQUEST_ID
    assert said["account"] == backend.account("root@example.org").id
    assert said["ms"] >= 0


@pytest.mark.parametrize("asked", [False, True])
def test_a_line_names_the_callers_address_where_the_operator_asks_for_it_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], asked: bool
) -> None:
    settings: dict[str, Any] = {"log_addresses": True} if asked else {}
    backend = Backend(tmp_path, trusted_proxies=1, **settings)
    capfd.readouterr()
    backend.client.get("/conditions", headers={"X-Forwarded-For": "192.0.2.7"})
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line).get("address") == ("192.0.2.7" if asked else None)
    assert ("192.0.2.7" in line) == asked
    backend.services.store.close()


FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


class Log:
    """Where a stream writes: to a file that is full, or cannot be written, for as long as a test
    wants.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.stream = LossyStream(self.fd)

    def lead_to(self, path: Path) -> None:
        other = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(other, self.fd)
        os.close(other)

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log")
    yield log
    os.close(log.fd)


@needs_full
def test_lines_that_do_not_fit_on_the_disk_are_lost_and_counted(log: Log) -> None:
    log.stream.write("first\n")
    log.lead_to(FULL)
    for _ in range(3):
        log.stream.write("lost\n")
    log.lead_to(log.path)
    log.stream.write("second\n")
    log.stream.write("third\n")
    first, notice, second, third = log.lines()
    assert (first, second, third) == ("first", "second", "third")
    assert json.loads(notice) == {"event": "log_lines_lost", "lost": 3, "level": "warning"}


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO, errno.EBADF])
def test_no_fault_of_the_log_reaches_who_logs(
    backend: Backend, log: Log, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: object) -> int:
        raise OSError(code, "gone")

    monkeypatch.setattr(sys, "stdout", log.stream)
    monkeypatch.setattr(sys, "stderr", log.stream)
    monkeypatch.setattr(os, "write", fail)
    print("printed", flush=True)  # noqa: T201 (what a library may do)
    logging.StreamHandler().handle(logging.makeLogRecord({"msg": "logged"}))
    backend.client.get("/healthz")
    monkeypatch.undo()
    log.stream.write("written\n")
    assert json.loads(log.lines()[0])["lost"] == 3


def test_the_line_after_one_that_was_cut_begins_on_its_own(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    stream = LossyStream(writing)
    stream.write("long" * 2000 + "\n")
    cut = os.read(reading, 8192)
    assert cut
    assert not cut.endswith(b"\n")
    stream.write("next\n")
    assert os.read(reading, 8192).splitlines()[1:] == [
        b'{"event": "log_lines_lost", "lost": 1, "level": "warning"}',
        b"next",
    ]
    os.close(reading)
    os.close(writing)


def test_a_process_without_standard_error_writes_into_no_other_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", LossyStream(1))
    shield_output()
    assert os.fstat(sys.stderr.fileno()).st_rdev == Path(os.devnull).stat().st_rdev
    os.close(sys.stderr.fileno())
