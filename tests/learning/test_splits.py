import csv
import hashlib
from pathlib import Path

import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import (
    Sample,
    group_samples,
    read_split,
    require_one_part_per_group,
    split_samples,
    write_split,
)
from skinapi.model.network.model import Part

DATA = Path(__file__).parents[3] / "shared" / "data"


def lesions(count: int, label: str, source: str = "s") -> list[Sample]:
    return [
        Sample(f"{label}{number}-{shot}", Path("x"), label, f"{label}{number}", source=source)
        for number in range(count)
        for shot in range(1 + number % 2)
    ]


def picture(image_id: str, lesion: str, patient: str = "", label: str = "nv") -> Sample:
    return Sample(image_id, Path("x"), label, lesion, source="s", patient_id=patient)


def test_the_split_is_stratified_grouped_and_always_the_same() -> None:
    samples = [*lesions(600, "nv"), *lesions(100, "mel")]
    parts = split_samples(samples)
    require_one_part_per_group(samples, parts)
    assert split_samples(list(reversed(samples))) == parts
    assert split_samples(samples, seed=1) != parts
    for label, wanted in (("nv", (420, 60, 120)), ("mel", (70, 10, 20))):
        assert shares_of(samples, parts, label) == wanted


def shares_of(samples: list[Sample], parts: dict[str, Part], label: str) -> tuple[int, ...]:
    sides = {s.lesion_id: parts[s.image_id] for s in samples if s.label == label}
    return tuple([*sides.values()].count(part) for part in ("train", "validation", "test"))


def test_a_small_source_leaves_a_fifth_for_validation() -> None:
    samples = [*lesions(600, "nv", "small"), *lesions(800, "mel", "large")]
    parts = split_samples(samples)
    assert shares_of(samples, parts, "nv") == (360, 120, 120)
    assert shares_of(samples, parts, "mel") == (560, 80, 160)


def test_a_patient_counts_as_the_rarest_of_its_labels() -> None:
    samples = [picture(f"n{n}", f"n{n}", f"p{n}", "nv") for n in range(200)]
    samples += [picture(f"m{n}", f"m{n}", f"p{n}", "mel") for n in range(20)]
    assert shares_of(samples, split_samples(samples), "mel") == (12, 4, 4)


def test_the_same_ids_in_two_sources_are_different_lesions_and_patients() -> None:
    first = Sample("a", Path("x"), "nv", "1", source="s", patient_id="p")
    second = Sample("b", Path("x"), "nv", "1", source="t", patient_id="p")
    assert len(set(group_samples([first, second]).values())) == 2


def test_what_a_given_split_names_stays_and_its_lesions_and_patients_follow() -> None:
    named = [picture("old", "l1"), picture("watched", "l2", "p2")]
    new = [
        *(picture(f"same lesion {n}", "l1") for n in range(9)),
        *(picture(f"same patient {n}", f"l{n + 10}", "p2") for n in range(9)),
        *(picture(f"other {n}", f"l{n + 100}") for n in range(50)),
    ]
    given: dict[str, Part] = {"old": "test", "watched": "validation", "of another folder": "train"}
    parts = split_samples([*named, *new], given=given)
    assert {parts[sample.image_id] for sample in (named[0], *new[:9])} == {"test"}
    assert {parts[sample.image_id] for sample in (named[1], *new[9:18])} == {"validation"}
    others = [parts[sample.image_id] for sample in new[18:]]
    assert [others.count(part) for part in ("train", "validation", "test")] == [30, 10, 10]
    assert "of another folder" not in parts


@pytest.mark.parametrize(
    ("duplicate", "said"),
    [
        (picture("b", "l1", "p9"), "The lesion l1 in s is on both sides of the split: train and"),
        (picture("b", "l9", "p1"), "The patient p1 in s is on both sides"),
        (picture("b", "l2", "p2"), "What belongs to b in s by lesions and patients is on both"),
    ],
)
def test_a_given_split_across_a_lesion_or_patient_is_refused_by_name(
    duplicate: Sample, said: str
) -> None:
    samples = [picture("a", "l1", "p1"), picture("between", "l2", "p1"), duplicate]
    with pytest.raises(BadDataset, match=said):
        split_samples(samples, given={"a": "train", "b": "test"})


def test_a_split_file_comes_back_as_it_went(tmp_path: Path) -> None:
    parts = split_samples(lesions(30, "df"))
    write_split(parts, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json") == parts


@pytest.mark.parametrize("content", ["", "[]", '{"train": []}'])
def test_what_is_no_split_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(BadDataset, match="not a split file"):
        read_split(tmp_path / "split.json")


@pytest.mark.parametrize(
    ("source", "digest"), [("isic2017", "36b1b6604f1dc959"), ("pad_ufes_20", "c972393c51a39163")]
)
def test_the_parts_of_the_sources_beside_the_project_never_change(source: str, digest: str) -> None:
    """The shipped model is measured on these test parts, which another split would train on."""
    table = DATA / source / "metadata.csv"
    if not table.is_file():
        pytest.skip(f"skipped: {source} is not beside the project")
    with table.open(newline="") as rows:
        samples = [
            Sample(
                image_id=row["image_id"],
                path=table,
                label=row["dx"],
                lesion_id=row["lesion_id"] or row["image_id"],
                source=source,
                patient_id=row.get("patient_id", ""),
            )
            for row in csv.DictReader(rows)
        ]
    parts = split_samples(samples)
    told = "\n".join(f"{image_id} {part}" for image_id, part in sorted(parts.items()))
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == digest
