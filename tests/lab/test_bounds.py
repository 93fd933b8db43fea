from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from skinapi.base.errors import BadDataset, NotFound
from skinapi.lab.checks import layouts
from skinapi.lab.checks.check_report import LONGEST_SHOWN, MOST_IN_ENTRY, drop_duplicates
from skinapi.lab.checks.layouts import LONGEST_ROW, MOST_ROWS, Layout, read_layout
from skinapi.lab.checks.publishing import Heartbeat
from skinapi.lab.datasets.archives import Contents, Entry
from skinapi.lab.datasets.quarantine import Quarantine
from tests.platform.storage.test_failures import makes_no_folder_in_place_of_a_missing_one
from tests.support.size import size

ROWS = size(1000, MOST_ROWS)


@pytest.fixture(autouse=True)
def _rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "MOST_ROWS", ROWS)


def table_of(folder: Path, content: str) -> Entry:
    path = folder / "table"
    path.write_text(content, encoding="utf-8", newline="")
    return Entry("metadata.csv", path, path.stat().st_size)


def layout_of(folder: Path, content: str, go_on: Callable[[], None] = lambda: None) -> Layout:
    with Quarantine(folder).opened(most=10) as quarantine:
        entries = [table_of(folder, content), Entry("p.jpg", folder / "p", 1)]
        return read_layout(Contents(quarantine, lambda: None, entries), go_on=go_on)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("x\n" * (ROWS + 1), f"more than {ROWS} rows"),
        ("\n" * (ROWS + 1), f"more than {ROWS} rows"),
        ("," * LONGEST_ROW + "\n", "characters"),
        ("x" * 2 * LONGEST_ROW, "characters"),
        ('"\n",' * LONGEST_ROW, "characters"),
    ],
    ids=["rows", "empty rows", "cells", "letters without a line end", "lines of one row"],
)
def test_a_table_is_refused_for_what_no_data_set_has(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(BadDataset, match=said):
        layout_of(tmp_path, "image_id,label\n" + rows)


def test_a_check_ends_at_a_row_where_its_data_set_was_deleted(tmp_path: Path) -> None:
    def deleted() -> None:
        raise NotFound

    with pytest.raises(NotFound):
        layout_of(tmp_path, "image_id,label\nx,nv\n", Heartbeat(deleted))


def test_a_report_shows_some_names_of_some_copies_and_of_each_some_letters() -> None:
    pictures: list[Any] = [
        SimpleNamespace(
            name=f"{number:06d}{'x' * 400}.jpg",
            label=("melanoma", "melanocytic_nevus")[number % 2],
            decoded=SimpleNamespace(sha256="same"),
        )
        for number in range(1000)
    ]
    kept, found = drop_duplicates(pictures)
    assert kept == []
    [names] = found["contradicting"]["shown"]
    assert len(names) == MOST_IN_ENTRY
    assert {len(name) for name in names} == {LONGEST_SHOWN}


def test_the_quarantine_makes_no_folder_in_place_of_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(folder: Path) -> None:
        Quarantine(folder / "quarantine").opened(most=1).__enter__()

    makes_no_folder_in_place_of_a_missing_one(tmp_path, monkeypatch, use)
