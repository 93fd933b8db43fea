import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinapi.learning.measure import metrics
from skinapi.learning.train.fit_calibration import fit_temperature
from skinapi.model.calibration import softmax
from tests.learning.conftest import Small, run_command
from tests.learning.pictures import COLOURS

RANDOM = np.random.default_rng(8)


def evaluated(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *more: object
) -> dict[str, Any]:
    monkeypatch.setenv("MODEL_PATH", str(small.model))
    words: list[object] = ["evaluate", "--images", small.data, "--out", tmp_path / "figures.json"]
    run_command([*words, *more], tmp_path)
    figures: dict[str, Any] = json.loads((tmp_path / "figures.json").read_text())
    return figures


@pytest.fixture(scope="module")
def by_dx(small: Small, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        return evaluated(small, tmp_path_factory.mktemp("by_dx"), patch)


def write_one_hot(folder: Path, data: Path, classes: list[str]) -> Path:
    table = folder / "truth.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", *(name.upper() for name in classes)])
        for picture in sorted(data.glob("*.png")):
            dx = picture.stem.split("_")[0]
            if dx in classes:
                rows.writerow([picture.stem, *(f"{float(name == dx)}" for name in classes)])
    return table


def test_every_key_of_the_contract_is_there_and_every_picture_counts(
    small: Small, by_dx: dict[str, Any]
) -> None:
    figures = by_dx
    pictures = len(list(small.data.glob("*.png")))
    assert figures["n"] == pictures == sum(map(sum, figures["confusion"]))
    assert {"macro_auc", "balanced_accuracy", "ece", "refused", "model_version"} <= set(figures)
    assert set(figures["per_class"]) == set(COLOURS)
    for figure in figures["per_class"].values():
        for name in ("sensitivity", "specificity", "auc"):
            low, high = figure[f"{name}_interval"]
            assert 0 <= low <= high <= 1
    lesions = figures["one_per_lesion"]
    assert lesions["n"] == lesions["lesions"] == figures["lesions"] < pictures


def test_classes_that_the_labels_lack_are_dropped_and_said(
    small: Small,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_one_hot(tmp_path, small.data, ["mel", "nv", "bcc"])
    figures = evaluated(small, tmp_path, monkeypatch, "--labels", table)
    assert set(figures["per_class"]) == {"mel", "nv", "bcc"}
    assert figures["dropped_classes"] == ["akiec", "bkl", "df", "vasc"]
    assert "left out and the rest renormalised: akiec, bkl, df, vasc" in capsys.readouterr().out


def test_lesions_of_one_class_are_measured_by_who_is_sent(
    small: Small,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_one_hot(tmp_path, small.data, ["mel"])
    figures = evaluated(small, tmp_path, monkeypatch, "--labels", table)
    with table.open() as rows:
        melanomas = sum(1 for _ in csv.DictReader(rows))
    assert figures["n"] == figures["lesions"] == melanomas
    cautious = figures["points"]["cautious"]["dermoscopic"]
    assert (cautious["malignant"], cautious["benign"]) == (melanomas, 0)
    assert 0 <= figures["named"] <= 1
    assert "macro_auc" not in figures
    assert "all of one class" in capsys.readouterr().out


def test_an_overconfident_model_has_the_calibration_error_of_its_overconfidence() -> None:
    labels = np.array([0, 1] * 300)
    boastful = np.tile([0.9, 0.1], (600, 1))
    assert metrics.ece(boastful, labels) == pytest.approx(0.4)


def test_the_interval_is_wider_where_pictures_share_lesions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "RESAMPLES", 1000)
    right = np.repeat(RANDOM.random(40) < 0.7, 5)
    alone = metrics.draw_bootstrap([str(row) for row in range(200)])
    shared = metrics.draw_bootstrap([str(row // 5) for row in range(200)])
    narrow = metrics.bootstrap_interval(lambda rows: float(right[rows].mean()), alone)
    wide = metrics.bootstrap_interval(lambda rows: float(right[rows].mean()), shared)
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_the_temperature_corrects_overconfidence() -> None:
    logits = RANDOM.normal(size=(4000, 4))
    labels = np.array([RANDOM.choice(4, p=row) for row in softmax(logits)])
    assert fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.1)


def test_the_threshold_catches_what_it_promises() -> None:
    scores = RANDOM.random(500)
    positive = RANDOM.random(500) < scores
    threshold = metrics.threshold_at_sensitivity(scores, positive, 0.95)
    assert metrics.sensitivity(scores >= threshold, positive) >= 0.95
    assert metrics.sensitivity(scores > threshold, positive) < 0.95
