import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.data.datasets import load_dataset
from skinapi.learning.data.samples import label_for, open_sample, read_sample
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import label_spellings
from skinapi.model.decoding.photo import read_photo
from tests.learning.pictures import draw_lesion, write_ham_like

LABELS = label_spellings()


def write_table(folder: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    with (folder / "metadata.csv").open("w", newline="") as table:
        csv.writer(table).writerows(rows)
    return folder


def test_ham10000s_own_columns(tmp_path: Path) -> None:
    dataset = load_dataset(write_ham_like(tmp_path, lesions_per_class=3), labels=LABELS)
    assert dataset.lesions_known
    assert len(dataset.samples) == 7 * 4
    assert {sample.label for sample in dataset.samples} == set(lesion_classes())
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


def write_pictures(folder: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for row, (image_id, *_) in enumerate(rows[1:]):
        draw_lesion("nv", np.random.default_rng(row)).save(folder / f"{image_id}.png")
    return write_table(folder, rows)


def test_squamous_cell_carcinoma_teaches_its_output_or_else_the_bundle(tmp_path: Path) -> None:
    rows = [("image_id", "dx"), ("a", "SCC"), ("b", "Keratoacanthoma"), ("c", "akiec")]
    samples = load_dataset(write_pictures(tmp_path, rows), labels=LABELS).samples
    squamous, keratosis = "squamous_cell_carcinoma", "actinic_keratosis"
    assert [sample.label for sample in samples] == [squamous, squamous, keratosis]
    assert label_for(samples, [keratosis, squamous]) == [*samples]
    within = label_for(samples, [keratosis])
    assert {sample.label for sample in within} == {keratosis}
    assert [sample.is_squamous for sample in within] == [True, True, False]
    assert [sample.facts["dx"] for sample in within] == ["SCC", "Keratoacanthoma", "akiec"]


def test_isic_2019s_one_hot_columns_tell_squamous_from_actinic(tmp_path: Path) -> None:
    rows = [("image", "MEL", "AK", "SCC"), ("a", "0.0", "1.0", "0.0"), ("b", "0.0", "0.0", "1.0")]
    samples = load_dataset(write_pictures(tmp_path, rows), labels=LABELS).samples
    assert [sample.facts["dx"] for sample in samples] == ["akiec", "scc"]


def test_patient_modality_skin_type_and_source_come_from_the_table(tmp_path: Path) -> None:
    rows = [
        ("image_id", "dx", "patient_id", "modality", "fitzpatrick"),
        ("a", "nv", "PAT_1", "clinical", "4"),
        ("b", "nv", "", "Dermoscopic", ""),
    ]
    first, second = load_dataset(write_pictures(tmp_path / "clinic", rows), labels=LABELS).samples
    assert (first.source, first.patient_id) == ("clinic", "PAT_1")
    assert (first.modality, second.modality) == (Modality.CLINICAL, Modality.DERMOSCOPIC)
    assert first.facts == {"dx": "nv", "fitzpatrick": "4"}
    assert second.patient_id == ""


def test_a_pictures_own_modality_wins_and_the_folders_fills_the_gaps(tmp_path: Path) -> None:
    rows = [("image_id", "dx", "modality"), ("a", "nv", "unknown"), ("b", "nv", "")]
    folder = write_pictures(tmp_path, rows)
    told = load_dataset(folder, labels=LABELS, modality=Modality.CLINICAL)
    assert [sample.modality for sample in told.samples] == [Modality.UNKNOWN, Modality.CLINICAL]
    assert told.without_modality == ()
    untold = load_dataset(folder, labels=LABELS)
    assert [sample.modality for sample in untold.samples] == [Modality.UNKNOWN] * 2
    assert untold.without_modality == ("b",)


def test_two_modalities_that_disagree_are_refused(tmp_path: Path) -> None:
    rows = [("image_id", "dx", "modality"), ("a", "nv", "dermoscopic")]
    folder = write_pictures(tmp_path / "clinic", rows)
    with pytest.raises(BadDataset, match="a in clinic is dermoscopic by its table, but the source"):
        load_dataset(folder, labels=LABELS, modality=Modality.CLINICAL)


def test_of_a_box_only_that_part_is_opened_and_uploaded(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path, [("image_id", "dx"), ("a", "nv")])
    sample = load_dataset(folder, labels=LABELS).samples[0]
    whole = open_sample(sample)
    assert read_sample(sample) == sample.path.read_bytes()
    boxed = replace(sample, box=(10, 20, 40, 60))
    np.testing.assert_array_equal(open_sample(boxed), np.asarray(whole)[20:60, 10:40])
    np.testing.assert_array_equal(read_photo(read_sample(boxed)).pixels, open_sample(boxed))
