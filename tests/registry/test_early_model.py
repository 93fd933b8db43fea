"""The model is opened while the application's modules are still being loaded."""

import threading
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.composition.services import make_store_of, store_of
from skinapi.errors import ModelDamaged
from skinapi.registry import early_model
from skinapi.registry.early_model import EarlyModel, begin_loading, open_slot
from skinapi.registry.versions.serving_pointer import Move, ServingPointer
from skinapi.settings import Settings
from skinapi.storage.ids import now
from skinapi.vision.network.model import Model
from tests.support.models import tiny_model

WAIT_S = 30


class Opener:
    """Opens a folder as any object; the first `fail` times it cannot."""

    def __init__(self, *, fail: int = 0) -> None:
        self.fail = fail
        self.calls: list[tuple[Path, bool]] = []

    def __call__(self, folder: Path) -> Model:
        in_thread = threading.current_thread() is not threading.main_thread()
        self.calls.append((folder, in_thread))
        if len(self.calls) <= self.fail:
            raise ModelDamaged("damaged")
        return object()  # type: ignore[return-value]


def test_the_thread_opens_the_model_once_for_the_first_who_asks() -> None:
    opener = Opener()
    early = EarlyModel(Path("a"), opener)
    first, second = early.open(Path("a")), early.open(Path("a"))
    assert opener.calls == [(Path("a"), True), (Path("a"), False)]
    assert first is not second


def test_another_folder_is_opened_without_it() -> None:
    opener = Opener()
    EarlyModel(Path("a"), opener).open(Path("b"))
    assert (Path("b"), False) in opener.calls


def test_what_the_thread_cannot_open_is_tried_again_and_the_fault_is_heard() -> None:
    opener = Opener(fail=2)
    early = EarlyModel(Path("a"), opener)
    with pytest.raises(ModelDamaged):
        early.open(Path("a"))
    assert early.open(Path("a"))
    assert len(opener.calls) == 3


def settings_of(folder: Path, **fields: str) -> Settings:
    named = {"instance_dir": folder, "model_path": tiny_model(), **fields}
    return Settings(_env_file=None, **named)  # type: ignore[arg-type, call-arg]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opener:
    opener = Opener()
    monkeypatch.setattr(early_model, "_opener", lambda _: opener)
    return opener


def test_the_slot_takes_over_what_was_begun_with_its_settings(
    tmp_path: Path, opened: Opener
) -> None:
    settings, other = (settings_of(tmp_path / name) for name in ("one", "other"))
    make_store_of(settings)
    begin_loading(settings)
    early_model._early[settings]._thread.join(WAIT_S)
    assert opened.calls == [(tiny_model(), True)]
    open_slot(other)
    assert settings in early_model._early
    open_slot(settings)
    assert early_model._early == {}


@pytest.mark.parametrize("promoted", [True, False])
def test_nothing_is_opened_early_where_another_model_serves(
    tmp_path: Path, opened: Opener, *, promoted: bool
) -> None:
    """Neither beside a promoted version nor with an inference server; nor without a store."""
    settings = settings_of(tmp_path, **({} if promoted else {"engine_url": "http://127.0.0.1:1"}))
    begin_loading(settings)
    make_store_of(settings)
    if promoted:
        with closing(store_of(settings)) as store:
            pointer = ServingPointer(store)
            move = Move(action="promote", version="v2", by="ada", changed_at=now())
            pointer.move(pointer.read(), move, earlier=[None])
    begin_loading(settings)
    assert early_model._early == {}
    assert opened.calls == []
