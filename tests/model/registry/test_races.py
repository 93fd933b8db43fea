import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

from skinapi.base.errors import ChangedMeanwhile, Conflict, NotFound
from skinapi.base.pages import PageRequest
from skinapi.model.bands import OperatingPoint
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.model.registry.version_records import ModelVersions
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.faults import blob_faults
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.conftest import store_on
from tests.support.backends import SECRET
from tests.support.models import folder_of_run, tiny_model, write_model
from tests.support.size import size

REASON = "a test of two at the same time"


@pytest.fixture(params=["sqlite", "mongod"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from store_on(request, tmp_path)


@pytest.fixture
def models(store: Store) -> ModelsService:
    work = UnitOfWork(store, AuditTrail(store, secrets=[SECRET]))
    found = ModelsService(
        work=work,
        versions=ModelVersions(store, work, opened=lambda _: None),
        pointer=ServingPointer(store),
        built_in=tiny_model(),
        instance=Path(gettempdir()),
    )
    found.record_built_in()
    return found


@cache
def folder_of(version: str) -> Path:
    return write_model(folder_of_run() / version, version)


def promote(models: ModelsService, version: str) -> None:
    models.promote(version=version, by="ada", override=True, reason=REASON)


def prepare(models: ModelsService) -> None:
    for version in ("a", "b", "c"):
        found = models.versions.find(version)
        if found is None or not found.servable:
            models.add(folder=folder_of(version), by="ada")
    for version in ("a", "b"):
        if models.serving_version() != version:
            promote(models, version)


def act(models: ModelsService, action: str) -> Callable[[], Any]:
    verb, _, version = action.partition(" ")
    acts: dict[str, Callable[[], Any]] = {
        "promote": lambda: promote(models, version),
        "rollback": lambda: models.roll_back(by="bob"),
        "delete": lambda: models.delete(version=version, by="bob"),
    }
    return acts[verb]


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Exception | None]:
    raised: list[Exception | None] = [None, None]
    ready = threading.Barrier(2)

    def call(place: int, act: Callable[[], Any]) -> None:
        ready.wait()
        try:
            act()
        except (Conflict, NotFound) as error:
            raised[place] = error

    threads = [threading.Thread(target=call, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def assert_sound(models: ModelsService, store: Store) -> None:
    assert [fault.message for fault in models.check_integrity()] == []
    pointed = models.pointer.read().version
    assert pointed is None or models.versions.get(pointed).served_at
    keys = set(store.blobs.keys())
    for found in models.versions.page_versions(PageRequest(100)).items:
        assert {key for file in found.files for key in file.piece_blobs} <= keys, found.version
    assert [fault.message for fault in blob_faults(store)] == []


@pytest.mark.parametrize(
    "actions",
    [
        ("promote c", "delete c"),
        ("rollback", "delete a"),
        ("delete c", "delete c"),
    ],
    ids=" and ".join,
)
def test_two_at_once_leave_a_model_in_service_that_can_be_loaded(
    models: ModelsService, store: Store, actions: tuple[str, str]
) -> None:
    for _ in range(size(2, 40)):
        prepare(models)
        first, second = both(*(act(models, action) for action in actions))
        assert_sound(models, store)
        if actions[1] == "delete c":  # without `a`, going back leads to the built-in model
            assert first or second, "one must have seen the other"


def test_of_two_who_promote_at_once_one_is_told(models: ModelsService, store: Store) -> None:
    for _ in range(size(3, 40)):
        prepare(models)
        raised = both(act(models, "promote c"), act(models, "rollback"))
        moves = models.pointer.read().moves[-2:]
        told = [error for error in raised if error]
        assert all(isinstance(error, ChangedMeanwhile) for error in told)
        assert len(told) == 1 or moves[1].previous == moves[0].version
        assert_sound(models, store)


def test_whoever_read_the_pointer_before_another_promotion_is_told(models: ModelsService) -> None:
    prepare(models)
    before = models.pointer.read()
    models.roll_back(by="bob")
    with pytest.raises(ChangedMeanwhile, match="Another request"):
        models.pointer.set_operating_point(before, OperatingPoint.STANDARD)
    assert models.serving_version() == "a"
    assert models.pointer.read().operating_point is None
