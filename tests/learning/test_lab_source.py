"""A training that is interrupted while it reads its data set begins that again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skinapi.lab import train_model
from skinapi.lab.datasets import DatasetVersion
from tests.backends import mock_store


def test_a_data_set_that_was_written_in_part_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = cast("Any", SimpleNamespace(work=tmp_path, progress=lambda *_: None))
    dataset = cast("DatasetVersion", SimpleNamespace(id="1", name="Ada's moles, 2026"))

    def write(_: object, __: str, folder: Path) -> None:
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        if "cut off" in names:
            raise InterruptedError

    monkeypatch.setattr(train_model, "write_training_folder", write)
    names = ["cut off"]
    with pytest.raises(InterruptedError):
        train_model._write_source(context, mock_store(), dataset)
    names = ["metadata.csv"]
    for _ in range(2):
        source = train_model._write_source(context, mock_store(), dataset)
    assert source.name == "Ada-s-moles-2026"
    assert [path.name for path in source.iterdir()] == names
