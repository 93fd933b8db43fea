import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skinapi.lab.datasets.archives import Contents, gather
from skinapi.lab.datasets.quarantine import Quarantine, SentFile
from skinapi.lab.errors import BadArchive
from tests.lab.hostile import (
    GLOBAL_HEADERS,
    Hostile,
    all_archives,
    crowds,
    headers,
    tar_of_global_headers,
)
from tests.support.size import drill

MEGABYTE = 2**20


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    def read() -> int:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
        return tracemalloc.get_traced_memory()[1]

    yield read
    tracemalloc.stop()


def unpack(folder: Path, name: str, content: bytes) -> Contents:
    sent = SentFile(name, len(content), lambda: io.BytesIO(content))
    with Quarantine(folder).opened(most=256 * MEGABYTE) as opened:
        return gather([sent], opened, go_on=lambda: None)


def test_each_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "quarantine"
    for hostile in all_archives(crowded_tar=drill):
        with pytest.raises(BadArchive):
            pytest.fail(f"{hostile.name}: {unpack(folder, hostile.file, hostile.content())}")
        assert list(tmp_path.rglob("*")) == [folder], hostile.name


@pytest.mark.parametrize("hostile", [*headers(), *crowds()], ids=lambda item: item.name[:60])
def test_headers_are_bounded_before_they_are_in_memory(
    tmp_path: Path, hostile: Hostile, peak: Callable[[], int]
) -> None:
    content, before = hostile.content(), peak()
    with pytest.raises(BadArchive):
        unpack(tmp_path, hostile.file, content)
    assert peak() - before < 10 * MEGABYTE


def test_headers_for_all_entries_do_not_add_up(tmp_path: Path, peak: Callable[[], int]) -> None:
    content, before = tar_of_global_headers(), peak()
    assert len(unpack(tmp_path, "a.tgz", content).entries) == GLOBAL_HEADERS
    assert peak() - before < 2 * MEGABYTE
