"""The worker extends one version of gunicorn, and the server starts with no other."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import gunicorn
import pytest
from gunicorn.workers import gthread

from skinapi.errors import UnsafeSettings
from skinapi.server.buffering_worker import BufferingWorker
from skinapi.server.gunicorn_version import TESTED, refuse_other_gunicorn
from tests.repository.documents import ROOT

REPLACED = (
    "accept",
    "handle_request",
    "handle_error",
    "murder_pending",
    "_keepalive_after",
    "_cap_keepalive",
)
USED = ("tpool", "method_queue", "poller", "nr_conns", "TConn")


def test_another_version_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_other_gunicorn()
    monkeypatch.setattr(gunicorn, "__version__", "99.0")
    with pytest.raises(UnsafeSettings, match=f"gunicorn 99.0 is installed.*{TESTED}"):
        refuse_other_gunicorn()


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements-serve.txt", "requirements.txt"])
def test_the_installed_version_is_the_tested_one(name: str) -> None:
    pinned = re.findall(r"gunicorn==([\d.]+)", (ROOT / name).read_text())
    assert pinned == [TESTED]


def test_the_server_ends_with_that_sentence(tmp_path: Path) -> None:
    start = (
        "import sys, gunicorn; gunicorn.__version__ = '99.0'; sys.argv[1:] = ['wsgi:app'];"
        "from gunicorn.app.wsgiapp import run; run()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", start],
        cwd=ROOT,
        env={**os.environ, "INSTANCE_DIR": str(tmp_path), "PORT": "5555"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, "skinapi: gunicorn 99.0 is installed" in ended.stderr) == (4, True)


def test_gunicorn_has_all_that_the_worker_replaces_or_uses() -> None:
    source = inspect.getsource(gthread)
    for name in REPLACED:
        assert callable(getattr(gthread.ThreadWorker, name)), name
        assert getattr(BufferingWorker, name) is not getattr(gthread.ThreadWorker, name), name
        assert re.search(rf"self\.{name}\b", source), name
    for name in USED:
        assert re.search(rf"\b{name}\b", source), name
    stated = (ROOT / "skinapi" / "server" / "README.md").read_text()
    assert all(f"`{name}`" in stated for name in (*REPLACED, *USED))
