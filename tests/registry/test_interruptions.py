"""A process that is killed between two writes, and two people at once, leave a model in service
that can be loaded, and nothing that `check` does not mend.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, cast

import pytest

from skinapi.errors import SkinAPIError
from skinapi.registry.models_service import ModelsService
from skinapi.registry.pointer import ServingPointer
from skinapi.registry.shadow import ShadowResults
from skinapi.registry.versions import ModelVersions
from skinapi.storage import faults as faults_module
from skinapi.storage.faults import Fault, blob_faults
from skinapi.storage.ports import Blobs, Documents, Store
from tests.backends import store_of_kind
from tests.interleaving import Act, SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.models import tiny_model, write_model
from tests.size import in_drill, size

REASON = "a test of interruptions"
WRITES = ("insert", "update", "delete", "put")
MOST_WRITES = 60


class KilledError(BaseException):
    """Nothing catches it, and no write succeeds after it."""


class MortalStore:
    """A store whose user is killed before a given write."""

    def __init__(self, store: Store, *, writes: int) -> None:
        self._store = store
        self.left = writes
        self.blobs = cast("Blobs", _Mortal(store.blobs, self))

    def collection(self, name: str) -> Documents:
        return cast("Documents", _Mortal(self._store.collection(name), self))

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Mortal:
    def __init__(self, inner: object, life: MortalStore) -> None:
        self._inner, self._life = inner, life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if name in WRITES:
                self._life.spend()
            return method(*arguments, **options)

        return call


@cache
def folder_of(version: str) -> Path:
    return write_model(Path(mkdtemp(prefix="skinapi-test-")) / version, version)


def service(store: Any) -> ModelsService:
    """Models are added without being loaded: here only their records count."""
    return ModelsService(
        versions=ModelVersions(store, opened=lambda _: None),
        pointer=ServingPointer(store),
        shadows=ShadowResults(store),
        audit=lambda *_, **__: nullcontext(),
        built_in=tiny_model(),
        folder=lambda: Path(gettempdir()),
    )


def promote(models: ModelsService, version: str) -> None:
    models.promote(version=version, by="ada", override=True, reason=REASON)


# What is there before, and what is interrupted. `a` was in service, `b` is, `c` waits.
ACTIONS: dict[str, Callable[[ModelsService], object]] = {
    "add": lambda models: models.add(folder=folder_of("d"), by="ada"),
    "promote": lambda models: promote(models, "c"),
    "promote the built-in": lambda models: promote(models, "tiny-1"),
    "roll back": lambda models: models.roll_back(by="ada"),
    "start a shadow": lambda models: models.start_shadow(version="c", by="ada"),
    "retire": lambda models: models.retire(version="c", by="ada"),
    "delete a candidate": lambda models: models.delete(version="c", by="ada"),
    "delete one that served": lambda models: models.delete(version="a", by="ada"),
}


def prepared(store: Store) -> ModelsService:
    models = service(store)
    models.record_built_in()
    for version in ("a", "b", "c"):
        models.add(folder=folder_of(version), by="ada")
    promote(models, "a")
    promote(models, "b")
    return models


def all_faults(models: ModelsService, store: Store) -> Iterator[Fault]:
    yield from models.faults()
    yield from blob_faults(store)


def assert_sound(models: ModelsService, store: Store) -> None:
    """The model in service is whole, and so is every record with files."""
    serving = models.pointer.read().version
    keys = set(store.blobs.keys())
    for found in models.versions.find().items:
        pieces = {key for file in found.files for key in file.piece_blobs}
        assert found.state == "deleting" or pieces <= keys, found.version
        if found.version == serving:
            assert found.servable
            assert found.served_at
    assert serving is None or models.versions.find_one(serving)
    shadow = models.pointer.read().shadow
    assert shadow is None or models.versions.get(shadow).servable


@pytest.mark.parametrize("kind", ["sqlite", *in_drill("mongod")])
@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_is_killed_between_two_writes_leaves_what_check_mends(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    action: str,
) -> None:
    monkeypatch.setattr(faults_module, "LONGEST_REQUEST", timedelta(0))
    uri = request.getfixturevalue("emptied_database_uri") if kind == "mongod" else None
    store = store_of_kind(kind, tmp_path, uri)
    models = prepared(store)
    for writes in range(MOST_WRITES):
        mortal = service(MortalStore(store, writes=writes))
        try:
            ACTIONS[action](mortal)
        except KilledError:
            assert_sound(models, store)
            for fault in list(all_faults(models, store)):
                assert fault.repair, fault.says
                fault.repair()
            assert [fault.says for fault in all_faults(models, store)] == []
            assert_sound(models, store)
            put_back(models)
            continue
        break
    assert writes > 0
    assert_sound(models, store)
    assert [fault.says for fault in all_faults(models, store)] == []
    store.close()


def put_back(models: ModelsService) -> None:
    """What was there before the interrupted action, which may have happened or not."""
    for version in ("a", "c"):
        found = models.versions.find_one(version)
        if found is None or not found.files:
            models.add(folder=folder_of(version), by="ada")
    if models.serving_version() != "b":
        promote(models, "b")
    if models.pointer.read().shadow:
        models.end_shadow(version="c", by="ada")


class TwoAtOnce:
    """The same models over a store that stops at each step."""

    def __init__(self) -> None:
        self.store = MockStore()
        prepared(self.store)
        self.stepped = service(SteppedStore(self.store))
        self.plain = service(self.store)

    def act(self, action: str) -> Act:
        verb, _, version = action.partition(" ")
        if verb == "promote":
            return lambda: promote(self.stepped, version)
        if verb == "rollback":
            return lambda: self.stepped.roll_back(by="ada")
        if verb == "shadow":
            return lambda: self.stepped.start_shadow(version=version, by="ada")
        if verb == "retire":
            return lambda: self.stepped.retire(version=version, by="ada")
        return lambda: self.stepped.delete(version=version, by="ada")


def run_both(actions: Sequence[str], choices: Sequence[int]) -> list[tuple[int, int]]:
    both = TwoAtOnce()
    taken = run([both.act(action) for action in actions], choices, lambda: None)
    assert_sound(both.plain, both.store)
    assert [fault.says for fault in both.plain.faults()] == []
    return taken


@pytest.mark.parametrize(
    "actions",
    [
        ("promote c", "delete c"),
        ("rollback", "delete a"),
        ("promote c", "rollback"),
        ("promote c", "promote a"),
        ("promote c", "retire c"),
        ("delete c", "delete c"),
        ("shadow c", "delete c"),
    ],
    ids=" and ".join,
)
def test_two_at_once_leave_a_model_in_service_that_can_be_loaded(actions: tuple[str, str]) -> None:
    every_order(lambda choices: run_both(actions, choices), depth=size(3, 14))


def test_of_two_who_promote_at_once_one_is_told(tmp_path: Path) -> None:
    """The pointer is changed by whoever read it last."""
    store = MockStore()
    models, other = prepared(store), service(store)
    read = models.pointer.read

    def overtaken() -> Any:
        before = read()
        models.pointer.read = read  # type: ignore[method-assign]
        other.roll_back(by="bert")
        return before

    models.pointer.read = overtaken  # type: ignore[method-assign]
    with pytest.raises(SkinAPIError, match="Another request"):
        promote(models, "c")
    assert models.serving_version() == "a"
