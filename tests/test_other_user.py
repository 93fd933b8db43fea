import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from skinapi.__main__ import REFUSED, main
from skinapi.base.errors import StoreUnavailable
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.store_factory import make_store, open_store
from tests.support.backends import SECRET, settings_in

NOBODY = pwd.getpwnam("nobody").pw_uid
COMMANDS = (
    "create-admin --email me@clinic.example",
    "check",
    "accept-key",
    "backup -",
    "models list",
    "restore some.tar",
)


@pytest.fixture
def store_of_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a store that belongs to another user. The caller is root."""
    if os.geteuid() != 0:
        pytest.skip("only root can make what belongs to another user")
    with TemporaryDirectory(dir="/tmp", prefix="operator-") as folder:
        instance = Path(folder, "instance")
        make_store(settings_in(instance))
        give_to(NOBODY, Path(folder))
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("INSTANCE_DIR", str(instance))
        monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
        yield instance


def give_to(user: int, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)


@contextmanager
def as_user(user: int) -> Iterator[None]:
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("command", COMMANDS)
def test_root_is_refused_with_the_line_to_run_and_leaves_nothing(
    store_of_nobody: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(store_of_nobody.rglob("*"))
    assert main(command.split()) == REFUSED
    said = capsys.readouterr().err
    assert f"The store in {store_of_nobody} belongs to the user nobody" in said
    line = said.splitlines()[-1]
    assert "sudo -u nobody --preserve-env=INSTANCE_DIR,JWT_SECRET_KEY " in line
    assert line.endswith(f" -m skinapi {command}")
    assert SECRET not in said
    assert sorted(store_of_nobody.rglob("*")) == before


def test_root_may_insist(store_of_nobody: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--as-root"]) == 0
    assert "no faults" in capsys.readouterr().out


def test_the_owner_of_the_store_is_not_refused(
    store_of_nobody: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_user(NOBODY):
        assert main(["check"]) == 0
    assert "no faults" in capsys.readouterr().out


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize(
    "left", ["skinapi.db", "skinapi.db-wal", "skinapi.db-shm", "skinapi.db-lock"]
)
def test_a_file_that_root_left_is_named_and_not_taken_for_a_database_that_is_away(
    store_of_nobody: Path, left: str, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store_of_nobody / left
    path.touch()
    path.chmod(mode)
    os.chown(path, 0, 0)
    settings = settings_in(store_of_nobody)
    with as_user(NOBODY), pytest.raises(StoreUnavailable, match="permission denied"):
        open_store(settings).ping()
    logged = capsys.readouterr()
    assert f"file={path}" in logged.out + logged.err or f'"{path}"' in logged.out + logged.err
