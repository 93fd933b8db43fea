import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import Conflict, DiskFull, ModelDamaged
from skinapi.base.pages import PageRequest
from skinapi.model.network.model import CARD, SERVED_FILES, open_model, write_checksums
from skinapi.model.registry import version_files
from skinapi.model.registry.stored_version import Origin
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.faults import blob_faults
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork
from tests.support.backends import store_of_kind
from tests.support.models import write_model


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = store_of_kind("sqlite", tmp_path / "store")
    yield opened
    opened.close()


def unit_of_work(store: Store) -> UnitOfWork:
    return UnitOfWork(store, AuditTrail(store, secrets=["secret"]))


def remove(versions: ModelVersions, version: str, unit: Unit) -> None:
    versions.remove(unit, version)


def versions_in(store: Store) -> ModelVersions:
    return ModelVersions(store, unit_of_work(store))


@pytest.fixture
def versions(store: Store, monkeypatch: pytest.MonkeyPatch) -> ModelVersions:
    monkeypatch.setattr(version_files, "PIECE_BYTES", 1000)
    return versions_in(store)


def rewritten(folder: Path, **fields: Any) -> Path:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **fields}))
    write_checksums(folder)
    return folder


def test_what_is_added_is_written_out_byte_for_byte(
    versions: ModelVersions, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "mine", "mine-1")
    added = versions.register(
        folder, created_by="ada", origin=Origin(parent="tiny-1", job="0badcafe")
    )
    assert (added.version, added.size) == (
        "mine-1",
        sum(path.stat().st_size for path in folder.iterdir()),
    )
    assert versions.get("mine-1") == added
    assert added.read_card() == open_model(folder).card
    out = tmp_path / "out" / "mine-1"
    versions.write_folder("mine-1", out)
    names = {path.name for path in folder.iterdir()}
    assert {path.name for path in out.iterdir()} == names >= {*SERVED_FILES}
    # The list of checksums is written again with the same content.
    for name in names - {"checksums.json"}:
        assert (out / name).read_bytes() == (folder / name).read_bytes(), name
    assert open_model(out).version == "mine-1"


def test_a_damaged_model_leaves_nothing_in_the_store(
    versions: ModelVersions, store: Store, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "mine", "mine-1")
    (folder / "network.bin").write_bytes(b"something else")
    with pytest.raises(ModelDamaged, match=r"network\.bin"):
        versions.register(folder, created_by="ada")
    assert list(store.blobs.keys()) == []
    assert versions.page_versions(PageRequest(100)).items == []


@pytest.mark.parametrize("version", ["../../etc", "a/b", ".hidden", "rollback", "x" * 101])
def test_a_version_that_is_no_plain_name_is_refused(tmp_path: Path, version: str) -> None:
    versions = versions_in(store_of_kind("sqlite", tmp_path / "store"))
    folder = rewritten(write_model(tmp_path / "mine"), version=version)
    with pytest.raises(ModelDamaged, match=r"version in card\.json"):
        versions.register(folder, created_by="ada")


@pytest.mark.parametrize("name", ["../stolen", "/etc/passwd", "checksums.json", "a/b"])
def test_a_checksum_file_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    versions = versions_in(store_of_kind("sqlite", tmp_path / "store"))
    folder = write_model(tmp_path / "mine")
    sums = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps({**sums, name: "0" * 64}))
    with pytest.raises(ModelDamaged, match="plain name"):
        versions.register(folder, created_by="ada")


def test_where_the_disk_is_full_nothing_is_left(tmp_path: Path) -> None:
    store = store_of_kind("sqlite", tmp_path / "store")
    versions, put, left = versions_in(store), store.blobs.put, [3]

    def fill(data: bytes) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise DiskFull
        return put(data)

    store.blobs.put = fill  # type: ignore[method-assign]
    with pytest.raises(DiskFull):
        versions.register(write_model(tmp_path / "mine"), created_by="ada")
    assert list(store.blobs.keys()) == []


def test_a_lost_or_damaged_piece_is_named_and_leaves_the_folder_as_it_was(
    versions: ModelVersions, store: Store, tmp_path: Path
) -> None:
    added = versions.register(write_model(tmp_path / "mine", "mine-1"), created_by="ada")
    out = tmp_path / "out" / "mine-1"
    lost = added.files[0].piece_blobs[0]
    store.blobs.delete(lost)
    with pytest.raises(ModelDamaged, match=added.files[0].name):
        versions.write_folder("mine-1", out)
    assert not out.exists()
    assert [path.name for path in out.parent.iterdir()] == [".lock"]
    (fault,) = blob_faults(store)
    assert lost in fault.message
    assert fault.repair is None


def test_whole_pieces_that_are_not_those_of_the_file_are_refused(tmp_path: Path) -> None:
    blobs = store_of_kind("sqlite", tmp_path / "store").blobs
    file = version_files.store_files(blobs, write_model(tmp_path / "mine"))[0]
    twice = file.model_copy(update={"piece_blobs": file.piece_blobs * 2})
    with pytest.raises(ModelDamaged, match=file.name):
        version_files.read_file(blobs, twice)


def test_a_folder_that_was_changed_or_half_written_is_written_anew(
    versions: ModelVersions, tmp_path: Path
) -> None:
    versions.register(write_model(tmp_path / "mine", "mine-1"), created_by="ada")
    out = tmp_path / "out" / "mine-1"
    versions.write_folder("mine-1", out)
    (out / "network.bin").write_bytes(b"something else")
    (out.parent / ".draft-of-a-killed-writer").mkdir()
    versions.write_folder("mine-1", out)
    assert open_model(out).version == "mine-1"
    assert {path.name for path in out.parent.iterdir()} == {".lock", "mine-1"}


def test_files_come_back_to_the_same_card_and_to_no_other(
    versions: ModelVersions, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "mine", "mine-1")
    versions.record_built_in(folder, open_model(folder).card)
    versions.record_built_in(folder, open_model(folder).card)
    assert versions.get("mine-1").files == ()
    other = rewritten(write_model(tmp_path / "other", "mine-1"), licence="another")
    with pytest.raises(Conflict, match="its card differs"):
        versions.register(other, created_by="ada")
    assert versions.register(folder, created_by="ada").files
    assert len(versions.page_versions(PageRequest(100)).items) == 1
