"""The files of the metrics have their disk space before anything is counted."""

import errno
import os
from pathlib import Path

import pytest
from flask import Flask

from skinapi.web import metrics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path))
    return tmp_path


def test_the_space_of_the_counts_is_reserved(folder: Path) -> None:
    """A worker died of SIGBUS at the first new label on a full disk, and each after it."""
    app = Flask(__name__)
    metrics.measure_requests(app)
    assert app.after_request_funcs
    files = {file.name: file.stat() for file in folder.iterdir()}
    assert files.keys() == {f"{kind}_{os.getpid()}.db" for kind in ("counter", "histogram")}
    assert all(stat.st_blocks * 512 >= stat.st_size > 0 for stat in files.values())


def test_without_room_for_the_counts_requests_are_answered_uncounted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    app = Flask(__name__)
    metrics.measure_requests(app)
    assert not app.after_request_funcs
    assert list(folder.iterdir()) == []
