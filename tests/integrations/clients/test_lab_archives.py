from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.clients.dialects import post_form
from tests.lab.hostile import Hostile, one_of_each_kind
from tests.support.backends import Backend

REFUSED = (413, 422)
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("hostile") / "instance"
    backend = Backend(folder, open_lab=True, max_dataset_bytes=256 * MEGABYTE)
    yield backend
    backend.services.store.close()


def files_around(backend: Backend) -> set[Path]:
    top = backend.settings.instance_dir.parent
    return {
        path for path in top.rglob("*") if not path.name.startswith(("skinapi.db", "limits.db"))
    }


@pytest.mark.parametrize("hostile", one_of_each_kind(), ids=lambda item: item.name[:60])
def test_a_hostile_archive_gets_a_status_and_leaves_nothing(
    opened: Backend, hostile: Hostile
) -> None:
    before = files_around(opened)
    answer = post_form(opened, {hostile.file: hostile.content()})
    assert answer.status_code in REFUSED, answer.text
    body = answer.get_json()
    assert body["code"] in ("bad_archive", "bad_dataset", "payload_too_large")
    assert len(body["detail"]) < 300
    kept = opened.settings.instance_dir / "room-for-a-full-disk"
    assert files_around(opened) - before <= {(opened.settings.instance_dir / "quarantine"), kept}
    for name in ("datasets", "images", "uploads", "upload_parts"):
        assert opened.services.store.collection(name).find() == []
    assert list(opened.services.store.blobs.keys()) == []
