import json
from pathlib import Path

import numpy as np
import pytest

from skinapi.base.errors import BadDataset, BadNetwork, SkinAPIError
from skinapi.learning.commands import train
from skinapi.learning.data.samples import refuse_leakage
from skinapi.model.network.model import NETWORK, SHIPPED_MODEL, copied_model, open_model
from tests.learning import tiny
from tests.learning.conftest import SIDE, Joined, Small, run_command
from tests.learning.pictures import draw_lesion


def test_a_training_leaves_a_whole_model_with_its_card(small: Small) -> None:
    with copied_model(small.model):
        pass
    card = json.loads((small.model / "card.json").read_text())
    assert card["figures"]["test"]["n"] > 20
    assert card["difference_from_keras"]["largest"] < 1e-4
    readable = (small.model / "README.md").read_text()
    assert "Licence" in readable


def test_the_card_tells_how_it_was_trained(small: Small, joined: Joined) -> None:
    for model, batch in ((small.model, 32), (joined.model, 8)):
        training = json.loads((model / "card.json").read_text())["training"]
        (phase,) = training["recipe"]["phases"]
        assert (phase["name"], phase["batch"], phase["learning_rate"]) == ("whole", batch, 5e-5)
        assert training["recipe"]["balanced"] is True
        assert "--seed 0" in training["command"]
    first = json.loads((small.model / "card.json").read_text())["training"]
    assert [row["epoch"] for row in first["phases"]["whole"]["history"]] == [1, 2]
    shown = sum(training["pictures"]["train"].values())
    assert 0.15 * shown < joined.degraded < 0.45 * shown
    assert open_model(small.model).card.side == SIDE


def test_weights_that_were_trained_elsewhere_become_a_model(small: Small, tmp_path: Path) -> None:
    words = [*small.words, "--data", small.third(tmp_path), "--init", small.model]
    words += ["--split", small.model / "split.json", "--epochs", "0", "--note", "On a GPU."]
    words += ["--work", tmp_path / "work", "--out", tmp_path / "model"]
    assert run_command(words, tmp_path) == 0
    made, start = open_model(tmp_path / "model"), open_model(small.model)
    assert made.version == start.version, "the version is a checksum of the weights"
    training = json.loads((tmp_path / "model" / "card.json").read_text())["training"]
    assert (training["recipe"]["phases"], training["phases"]) == ([], {}), "it trained nothing"
    page = (tmp_path / "model" / "README.md").read_text()
    assert "On a GPU." in page
    assert "| phase |" not in page


def test_a_folder_of_another_training_is_not_taken_over(small: Small, tmp_path: Path) -> None:
    words = [*small.words[:-4], "--seed", "1", "--work", small.work, "--out", tmp_path / "model"]
    with pytest.raises(BadDataset, match="another training"):
        run_command(words, tmp_path)


def refusal(data: Path | str, tmp_path: Path, *more: str | Path) -> str:
    """Return the refusal of this data. The training must leave nothing behind."""
    out = tmp_path / "out" / "model"
    words: list[object] = ["train", "--data", data, "--architecture", tiny.NAME, "--init", "none"]
    with pytest.raises(SkinAPIError) as caught:
        run_command([*words, "--out", out, "--work", tmp_path / "work", *more], tmp_path)
    assert not out.exists()
    assert not (tmp_path / "work").exists()
    return caught.value.detail


def write_folders(root: Path, *labels: str) -> Path:
    random = np.random.default_rng(0)
    root.mkdir()
    for label in labels:
        (root / label).mkdir()
        for number in range(4):
            draw_lesion("mel", random).save(root / label / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("labels", "modality", "said"),
    [
        ([], "", "no usable picture"),
        (["mel"], ",modality=clinical", "one class only"),
        (["mel", "nv", "freckle"], "", "'freckle'"),
        (["mel", "nv"], "", "The source data does not say how 8 of its pictures were taken"),
    ],
)
def test_data_that_teach_nothing_are_refused_by_name(
    labels: list[str], modality: str, said: str, tmp_path: Path
) -> None:
    data = write_folders(tmp_path / "data", *labels)
    assert said in refusal(f"{data}{modality}", tmp_path)


def test_missing_and_unreadable_pictures_are_refused_by_name(tmp_path: Path) -> None:
    assert "no folder" in refusal(tmp_path / "nowhere", tmp_path)
    data = write_folders(tmp_path / "data", "mel", "nv")
    (data / "nv" / "0.png").write_bytes(b"not a picture")
    assert "unreadable picture: 1 (nv/0)" in refusal(data, tmp_path)


def test_the_shipped_network_begins_no_training_that_would_measure_its_own_pictures(
    tmp_path: Path,
) -> None:
    pictures = [draw_lesion("mel", np.random.default_rng(seed)) for seed in (3, 4)]
    learned = json.loads((SHIPPED_MODEL / "split.json").read_text())["train"][0]
    for image, view in zip((learned, "another"), pictures, strict=True):
        view.save(tmp_path / f"{image}.png")
    (tmp_path / "metadata.csv").write_text(f"image_id,dx\n{learned},mel\nanother,nv\n")
    split = {"train": ["another"], "validation": [], "test": [learned]}
    (tmp_path / "mine.json").write_text(json.dumps(split))
    words = ["train", "--data", f"{tmp_path},modality=clinical", "--split", tmp_path / "mine.json"]
    with pytest.raises(BadDataset, match=f"{learned} among them"):
        run_command([*words, "--work", tmp_path / "w", "--out", tmp_path / "m"], tmp_path)
    refuse_leakage({learned: "train", "another": "test"}, SHIPPED_MODEL)
    refuse_leakage({learned: "test"}, tmp_path)


def test_missing_starting_weights_are_refused(small: Small, tmp_path: Path) -> None:
    words = [*small.words[:-4], "--work", tmp_path / "work", "--out", tmp_path / "m"]
    with pytest.raises(BadNetwork, match="name it with --weights"):
        run_command([*words, "--init", "imagenet"], tmp_path)
    with pytest.raises(BadNetwork, match="no starting weights"):
        run_command([*words, "--init", str(tmp_path / "none.npz")], tmp_path)


def test_a_full_disk_is_told_and_leaves_no_model(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk(*_: object) -> None:
        (folder,) = (tmp_path / "models").glob(".model-*/mine")
        (folder / NETWORK).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train, "export_trained", fill_disk)
    words = [*small.words[:-4], "--work", small.work, "--out", tmp_path / "models" / "mine"]
    with pytest.raises(SkinAPIError, match="disk is full"):
        run_command(words, tmp_path)
    assert list((tmp_path / "models").iterdir()) == []
