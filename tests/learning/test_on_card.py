import json
import shutil
from pathlib import Path

import pytest

from skinapi.base.errors import BadDataset
from skinapi.model.network.model import open_model
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import write_source


def test_what_a_model_makes_of_a_source_that_it_never_saw_is_on_its_card(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"x{n},,P{n // 2},{('mel', 'nv')[n % 2]},clinical" for n in range(24)]
    phones = write_source(tmp_path / "phones", *rows, seed=5)
    model = shutil.copytree(small.model, tmp_path / "model")
    before = json.loads((model / "card.json").read_text())
    monkeypatch.setenv("MODEL_PATH", str(model))
    assert run_command(["evaluate", "--images", phones, "--on-card"], tmp_path) == 0
    card = json.loads((model / "card.json").read_text())
    elsewhere = card.pop("elsewhere")["phones"]
    assert card == before
    assert elsewhere["n"] == 24
    assert elsewhere["points"]["cautious"]["clinical"]["malignant"] == 12
    assert elsewhere["command"] in (model / "README.md").read_text()
    assert open_model(model).version == card["version"]
    with pytest.raises(BadDataset, match=r"knows \d+ of these pictures"):
        run_command(["evaluate", "--images", small.data, "--on-card"], tmp_path)
