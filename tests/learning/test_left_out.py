"""A training without one source, measured on that source; and its figures in another's card."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import BadDataset, BadNetwork
from skinapi.learning.commands import train as train_command
from skinapi.learning.train.card import README, write_readable_card
from skinapi.learning.train.fit_bands import read_left_out
from skinapi.learning.train.recipe import TrainingData
from skinapi.learning.train.training import TrainingRun, train_network
from skinapi.model.context import Modality
from skinapi.model.network.model import open_model
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import write_source


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    rows = [f"x{n},,P{n // 2},{('mel', 'nv')[n % 2]},clinical" for n in range(24)]
    return write_source(tmp_path / "phones", *rows, seed=5)


def words_without(small: Small, phones: Path, out: Path, *more: object) -> list[object]:
    data = [f"{small.third(out.parent)},share=0.5", f"{phones},share=0.5"]
    words = [*small.words[:-4], "--data", *data, "--epochs", "1"]
    return [*words, "--work", out.parent / "work", "--leave-out", "phones", "--out", out, *more]


@pytest.mark.usefixtures("_nothing_is_learned")
def test_a_source_left_out_is_measured_and_not_learned_from(
    small: Small, phones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[TrainingData] = []

    def watch(run: TrainingRun, initialise: Any) -> Any:
        learned.append(run.data)
        return train_network(run, initialise)

    monkeypatch.setattr(train_command, "train_network", watch)
    out = tmp_path / "phones.json"
    assert run_command(words_without(small, phones, out), tmp_path) == 0
    (data,) = learned
    assert {sample.source for sample in (*data.train, *data.validation)} == {"data"}
    (entry,) = read_left_out([out])
    assert entry.source == "phones"
    assert entry.figures["n"] == 24
    assert entry.figures["malignant"] == 12
    assert "--leave-out phones" in entry.command
    scores = entry.scores[Modality.CLINICAL]
    assert (len(scores.malignant), len(scores.benign)) == (12, 12)
    assert list(scores.malignant) == sorted(scores.malignant)
    card = json.loads((small.model / "card.json").read_text())
    write_readable_card(tmp_path, card | {"left_out": [entry.for_card()]}, "toy-1")
    page = (tmp_path / README).read_text()
    told = page[page.index("## Sources that it did not learn from") :]
    assert "| phones |  | 24 |" in told
    assert f"- `{entry.command}`" in told
    with pytest.raises(BadDataset, match="same source"):
        read_left_out([out, out])
    with pytest.raises(BadNetwork, match="already something"):
        run_command(words_without(small, phones, out), tmp_path)


def test_a_start_that_has_learned_from_the_source_is_refused(
    small: Small, phones: Path, tmp_path: Path
) -> None:
    words = words_without(small, phones, tmp_path / "out.json", "--init", small.model)
    words[words.index("phones")] = "data"
    with pytest.raises(BadDataset, match="was trained on"):
        run_command(words, tmp_path)


def test_a_source_that_is_not_there_is_refused(small: Small, phones: Path, tmp_path: Path) -> None:
    words = words_without(small, phones, tmp_path / "out.json")
    words[words.index("phones")] = "another"
    with pytest.raises(BadDataset, match="no source another to leave out; choose among data, ph"):
        run_command(words, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '[{"source": "phones"}]', '{"figures": 1}', "[1]"])
def test_a_file_of_anything_else_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text(content)
    with pytest.raises(BadDataset, match="is not a file that train --leave-out wrote"):
        read_left_out([file])


def test_what_a_model_makes_of_a_source_that_it_never_saw_is_on_its_card_and_calibrates_it(
    small: Small,
    phones: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, out = shutil.copytree(small.model, tmp_path / "model"), tmp_path / "phones.json"
    before = json.loads((model / "card.json").read_text())
    monkeypatch.setenv("MODEL_PATH", str(model))
    kept = ("--left-out", out, "--on-card")
    assert run_command(["evaluate", "--images", phones, *kept], tmp_path) == 0
    (entry,) = read_left_out([out])
    assert (entry.source, entry.figures["n"]) == ("phones", 24)
    assert len(entry.scores[Modality.CLINICAL].malignant) == 12
    card = json.loads((model / "card.json").read_text())
    elsewhere = card.pop("elsewhere")["phones"]
    assert card == before
    assert elsewhere["n"] == 24
    assert elsewhere["points"]["cautious"]["clinical"]["malignant"] == 12
    assert elsewhere["command"] in (model / "README.md").read_text()
    assert open_model(model).version == card["version"]
    for option in (kept[:2], kept[2:]):
        with pytest.raises(BadDataset, match=r"knows \d+ of these pictures"):
            run_command(["evaluate", "--images", small.data, *option], tmp_path)
    words = ["calibrate", model, "--data", small.data, "--left-out", out]
    assert run_command(words, tmp_path) == 0
    assert "phones, by a network that never saw it:" in capsys.readouterr().out
    (told,) = json.loads((model / "card.json").read_text())["left_out"]
    assert (told["source"], "scores" in told) == ("phones", False)
