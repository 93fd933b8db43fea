"""Folders of every accepted layout, and the book of what was skipped and why."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from skinapi.errors import BadDataset
from skinapi.learning.datasets import Sample, load_dataset
from skinapi.learning.splits import check_split, read_split, split_by_lesion, write_split
from skinapi.vision.conditions import conditions_table
from tests.learning.pictures import draw_lesion, write_ham_like

LABELS = conditions_table().label_spellings()


def write_table(folder: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    with (folder / "metadata.csv").open("w", newline="") as table:
        csv.writer(table).writerows(rows)
    return folder


def test_ham10000s_own_columns(tmp_path: Path) -> None:
    dataset = load_dataset(write_ham_like(tmp_path, lesions_per_class=3), labels=LABELS)
    assert dataset.lesions_known
    assert len(dataset.samples) == 7 * 4
    assert {sample.label for sample in dataset.samples} == set(conditions_table().keys) - {
        "normal_skin"
    }
    assert dataset.samples[0].facts["dx_type"] == "histo"


def test_image_path_and_label_columns(tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    draw_lesion("nv", np.random.default_rng(0)).save(tmp_path / "shots" / "a.png")
    rows = [("image_id", "image_path", "label"), ("a", "shots/a.png", "Nevus")]
    dataset = load_dataset(write_table(tmp_path, rows), labels=LABELS)
    assert [(s.image_id, s.label) for s in dataset.samples] == [("a", "melanocytic_nevus")]
    assert not dataset.lesions_known


def test_one_folder_per_class(tmp_path: Path) -> None:
    for label in ("mel", "bcc"):
        (tmp_path / label).mkdir()
        draw_lesion(label, np.random.default_rng(0)).save(tmp_path / label / "one.jpg")
    dataset = load_dataset(tmp_path, labels=LABELS)
    assert [sample.image_id for sample in dataset.samples] == ["bcc/one", "mel/one"]


def test_what_is_skipped_is_told_with_the_reason(tmp_path: Path) -> None:
    draw_lesion("nv", np.random.default_rng(0)).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and no more")
    rows = [
        ("image_id", "dx"),
        ("good", "nv"),
        ("good", "nv"),
        ("broken", "nv"),
        ("absent", "nv"),
        ("good2", "wart"),
    ]
    dataset = load_dataset(write_table(tmp_path, rows), labels=LABELS)
    assert dataset.skipped == {
        "named twice": ("good",),
        "unreadable picture": ("broken",),
        "picture not found": ("absent",),
        "unknown label 'wart'": ("good2",),
    }
    assert "skipped, picture not found: 1 (absent)" in dataset.describe()


def test_a_path_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    draw_lesion("nv", np.random.default_rng(0)).save(tmp_path / "secret.png")
    rows = [("image_id", "image_path", "label"), ("a", "../secret.png", "nv")]
    dataset = load_dataset(write_table(tmp_path / "data", rows), labels=LABELS)
    assert dataset.skipped == {"picture not found": ("a",)}


def lesions(count: int, label: str) -> list[Sample]:
    return [
        Sample(f"{label}{number}-{shot}", Path("x"), label, f"{label}{number}")
        for number in range(count)
        for shot in range(1 + number % 2)
    ]


def test_the_split_is_stratified_grouped_and_always_the_same() -> None:
    samples = [*lesions(100, "nv"), *lesions(20, "mel")]
    parts = split_by_lesion(samples)
    check_split(samples, parts)
    assert split_by_lesion(list(reversed(samples))) == parts
    assert split_by_lesion(samples, seed=1) != parts
    for label, wanted in (("nv", (70, 10, 20)), ("mel", (14, 2, 4))):
        sides = {s.lesion_id: parts[s.image_id] for s in samples if s.label == label}
        found = [list(sides.values()).count(part) for part in ("train", "validation", "test")]
        assert tuple(found) == wanted


def test_a_lesion_with_two_labels_stays_on_one_side() -> None:
    samples = [
        Sample(f"{label}-{n}", Path("x"), label, f"l{n}")
        for label in ("nv", "mel")
        for n in range(40)
    ]
    check_split(samples, split_by_lesion(samples))


def test_a_split_file_comes_back_as_it_went(tmp_path: Path) -> None:
    parts = split_by_lesion(lesions(30, "df"))
    write_split(parts, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json") == parts


@pytest.mark.parametrize("content", ["", "[]", '{"train": []}'])
def test_what_is_no_split_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(BadDataset, match="not a split file"):
        read_split(tmp_path / "split.json")
