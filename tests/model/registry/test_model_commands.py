from pathlib import Path

import pytest

from skinapi.__main__ import REFUSED, main
from skinapi.model.network.model import write_checksums
from skinapi.platform.stores.store_factory import make_store
from tests.support.backends import SECRET, settings_in
from tests.support.models import tiny_model, write_model

REASON = "a test of the override"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no .env here
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    make_store(settings_in(tmp_path / "instance"))


@pytest.mark.usefixtures("settings")
def test_models_are_listed_added_promoted_and_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str, status: int = 0) -> str:
        assert main(["models", *arguments]) == status
        said = capsys.readouterr()
        return said.out if status == 0 else said.err

    model = str(write_model(tmp_path / "next", "next-1"))
    assert "next-1 is a candidate" in run("add", model)
    assert "There is a model version next-1 already" in run("add", model, status=REFUSED)
    assert "cannot be read" in run("add", str(tmp_path), status=REFUSED)
    listed = run("list").splitlines()
    assert listed[0].startswith("* tiny-1  serving  no files")
    assert listed[1].startswith("  next-1  candidate  0 MB")
    assert "does not pass the gates" in run("promote", "next-1", status=REFUSED)
    assert "reason" in run("promote", "next-1", "--override", status=REFUSED)
    run("promote", "next-1", "--override", "--reason", REASON)
    assert run("list").splitlines()[1].startswith("* next-1  serving")
    assert "tiny-1 is in service" in run("rollback")
    assert "there is none to go back to" in run("rollback", status=REFUSED)
    assert main(["check"]) == 0


@pytest.mark.usefixtures("settings")
def test_a_model_that_cannot_be_served_is_named_by_the_folder_that_was_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(tmp_path / "odd", "odd-1")
    labels = folder / "labels.json"
    labels.write_text(labels.read_text().replace("melanoma", "banana"))
    write_checksums(folder)
    assert main(["models", "add", str(folder)]) == REFUSED
    assert f"The model in {folder} cannot judge" in capsys.readouterr().err
