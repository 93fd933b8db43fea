"""Checks a data set before it is published: the report on labels, duplicates, leaks and sizes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from skinapi.lab.checks.label_mapping import LabelMapping
from skinapi.lab.checks.layouts import LabelledPicture, Layout
from skinapi.lab.checks.picture_decoder import Inspected
from skinapi.lab.datasets.dataset_images import DatasetImages, ImageHashes
from skinapi.lab.datasets.dataset_versions import (
    FEWEST_CLASSES,
    FEWEST_TO_SPLIT,
    Datasets,
    DatasetVersion,
)
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from skinapi.lab.datasets.near_duplicates import MOST_BITS, Comparisons, NearIndex, distance
from skinapi.vision.context import Modality

# Names that a list of the report shows; the number beside it is always the true one.
MOST_SHOWN = 50
# Of one such entry, which may be of thousands of copies, and letters of each name.
MOST_IN_ENTRY = 10
LONGEST_SHOWN = 200
ASKED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """A picture that can be used. `thumbnail` is a file in the quarantine."""

    labelled: LabelledPicture
    label: str
    inspected: Inspected
    modality: Modality
    thumbnail: Path

    @property
    def name(self) -> str:
        return self.labelled.entry.name


@dataclass
class Listed:
    """Some of many, and how many they are."""

    count: int = 0
    shown: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        self.count += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(_bounded(item))

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "shown": self.shown}


def _bounded(item: Any) -> Any:
    """The item with no more than some of its parts, and of its letters."""
    if isinstance(item, dict):
        return {key: _bounded(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_bounded(value) for value in item[:MOST_IN_ENTRY]]
    if isinstance(item, str) and len(item) > LONGEST_SHOWN:
        return f"{item[: LONGEST_SHOWN - 1]}…"
    return item


def listed(items: Iterable[Any]) -> dict[str, Any]:
    found = Listed()
    for item in items:
        found.add(item)
    return found.as_dict()


def unknown_labels(layout: Layout, mapping: LabelMapping) -> list[dict[str, Any]]:
    """The labels that nothing maps, each with the closest of ours."""
    counts = Counter(
        picture.row.label
        for picture in layout.pictures
        if mapping.find(picture.row.label) is None and not mapping.leaves_out(picture.row.label)
    )
    return [
        {"label": label, "count": count, "offered": mapping.offer(label)}
        for label, count in counts.most_common(MOST_SHOWN)
    ]


def give_id(one: Checked, learned: LearnedPictures) -> Checked:
    """The picture with an id that it has in every version, so that it keeps its part of the split.

    The name of its file is one if the model in service knows a picture by it. Else it is only
    a number, maybe, that another class may have too; so the id is the SHA-256 of its bytes.
    """
    row = one.labelled.row
    known = bool(row.image_id) and learned.knows(row.image_id)
    image_id = row.image_id if known else one.inspected.sha256
    named = replace(row, image_id=image_id, lesion_id=image_id)
    return replace(one, labelled=replace(one.labelled, row=named))


def drop_duplicates(checked: Sequence[Checked]) -> tuple[list[Checked], dict[str, Any]]:
    """The pictures without second copies of the same bytes.

    Of copies with different labels none is kept: nobody knows which label is true.
    """
    by_hash: defaultdict[str, list[Checked]] = defaultdict(list)
    for one in checked:
        by_hash[one.inspected.sha256].append(one)
    kept, copies, contradicting = [], Listed(), Listed()
    for same in by_hash.values():
        if len({one.label for one in same}) > 1:
            contradicting.add([one.name for one in same])
            continue
        kept.append(same[0])
        for other in same[1:]:
            copies.add([same[0].name, other.name])
    return kept, {"exact": copies.as_dict(), "contradicting": contradicting.as_dict()}


def near_within(
    checked: Sequence[Checked], comparisons: Comparisons, go_on: Callable[[], None]
) -> dict[str, Any]:
    """Pairs that look alike, unless they show one lesion or one patient."""
    index, found = NearIndex(), Listed()
    by_name = {one.name: one for one in checked}
    for one in checked:
        go_on()
        for name, bits in index.near(one.inspected.dhash, comparisons):
            if not _in_one_group(one, by_name[name]):
                found.add({"names": [name, one.name], "bits": bits})
        index.add(one.inspected.dhash, one.name)
    return found.as_dict()


def _in_one_group(one: Checked, other: Checked) -> bool:
    first, second = one.labelled.row, other.labelled.row
    same_patient = bool(first.patient_id) and first.patient_id == second.patient_id
    return same_patient or first.lesion_id == second.lesion_id


def duplicates_elsewhere(
    checked: Sequence[Checked],
    images: DatasetImages,
    counts: Callable[[str], bool],
    comparisons: Comparisons,
    go_on: Callable[[], None],
) -> dict[str, Any]:
    """The pictures that other data sets have too, the same or alike. `counts` tells which data sets
    are others, by their ids.

    Of another data set the report keeps the id alone: its name and the names of its files go with
    it, and this report stays.
    """
    same, alike = Listed(), Listed()
    for batch in _batches(checked):
        go_on()
        hashes = {one.inspected.sha256: one.name for one in batch}
        # A picture counts once, in however many other data sets it is.
        found = {
            image.sha256: image for image in images.same(list(hashes)) if counts(image.dataset)
        }
        for sha256, image in found.items():
            same.add({"name": hashes[sha256], "dataset": image.dataset})
        candidates = images.in_near_bands([one.inspected.dhash for one in batch])
        for one in batch:
            if comparisons.take(len(candidates)):
                _note_alike(one, candidates, counts, alike)
    return {"same": same.as_dict(), "alike": alike.as_dict()}


def others_beside(dataset: DatasetVersion, datasets: Datasets) -> Callable[[str], bool]:
    """A function that tells whether a data set is another one, by its id.

    Not another version of the same name, which shares pictures by its nature, and not one that is
    still checked, or is gone.
    """

    @cache
    def is_other(identifier: str) -> bool:
        found = datasets.find(identifier)
        published = found is not None and found.status == "published"
        return found is not None and published and found.name_key != dataset.name_key

    return is_other


def _note_alike(
    one: Checked,
    candidates: Sequence[ImageHashes],
    counts: Callable[[str], bool],
    alike: Listed,
) -> None:
    for image in candidates:
        bits = distance(one.inspected.dhash, image.dhash)
        if bits > MOST_BITS or image.sha256 == one.inspected.sha256:
            continue
        if counts(image.dataset):
            alike.add({"name": one.name, "dataset": image.dataset, "bits": bits})
            return


def _batches(checked: Sequence[Checked]) -> Iterable[Sequence[Checked]]:
    return (checked[at : at + ASKED_AT_ONCE] for at in range(0, len(checked), ASKED_AT_ONCE))


def seen_by_model(checked: Sequence[Checked], learned: LearnedPictures) -> dict[str, Any]:
    """The pictures that the model in service has learned from, or is measured on."""
    parts: dict[str, Listed] = {"train": Listed(), "validation": Listed(), "test": Listed()}
    for one in checked:
        part = learned.part_of(one.labelled.row.image_id, one.inspected.sha256)
        if part in parts:
            parts[part].add(one.name)
    return {"model": learned.model, **{part: found.as_dict() for part, found in parts.items()}}


def count_groups(checked: Sequence[Checked], *, lesions_known: bool) -> dict[str, Any]:
    """Counts per class, modality, lesion and patient, and what contradicts within them."""
    lesions: defaultdict[str, set[str]] = defaultdict(set)
    patients: defaultdict[str, list[Checked]] = defaultdict(list)
    lesions_of_class: defaultdict[str, set[str]] = defaultdict(set)
    for one in checked:
        row = one.labelled.row
        lesions[row.lesion_id].add(one.label)
        lesions_of_class[one.label].add(row.lesion_id)
        if row.patient_id:
            patients[row.patient_id].append(one)
    classes = Counter(one.label for one in checked)
    too_small = sorted(
        label for label, found in lesions_of_class.items() if len(found) < FEWEST_TO_SPLIT
    )
    return {
        "classes": {
            label: {"pictures": count, "lesions": len(lesions_of_class[label])}
            for label, count in sorted(classes.items())
        },
        "modalities": dict(Counter(str(one.modality) for one in checked)),
        "lesions": {
            "known": lesions_known,
            "count": len(lesions),
            "largest": max(Counter(o.labelled.row.lesion_id for o in checked).values(), default=0),
            "with_several_labels": listed(
                {"lesion": lesion, "labels": sorted(labels)}
                for lesion, labels in lesions.items()
                if len(labels) > 1
            ),
        },
        "patients": {
            "count": len(patients),
            "pictures_without": sum(not one.labelled.row.patient_id for one in checked),
            "largest": max(map(len, patients.values()), default=0),
            "with_several_labels": listed(
                {"patient": patient, "labels": sorted({one.label for one in found})}
                for patient, found in patients.items()
                if len({one.label for one in found}) > 1
            ),
        },
        "too_small_to_split": too_small,
    }


def warnings_of(report: Mapping[str, Any]) -> list[str]:
    """The sentences that a person should read before training on it."""
    said = []
    if len(report["classes"]) < FEWEST_CLASSES:
        said.append("Training needs at least two classes.")
    if report["too_small_to_split"]:
        said.append(
            f"Fewer than {FEWEST_TO_SPLIT} lesions, too few to split: "
            f"{', '.join(report['too_small_to_split'])}."
        )
    if not report["lesions"]["known"]:
        said.append(
            "No column lesion_id: several pictures of one lesion would leak into the test part."
        )
    if report["modalities"].get("unknown"):
        said.append("Some pictures do not say how they were taken: dermoscopic or clinical.")
    if not report["all_compared"]:
        said.append("Too many pictures have similar hashes: not all were compared with each other.")
    counted = {
        "contradict each other: the same bytes under several labels, left out": report[
            "duplicates"
        ]["contradicting"],
        "pairs look alike": report["duplicates"]["near"],
        "pictures are in another data set too": report["elsewhere"]["same"],
        "pictures look like one of another data set": report["elsewhere"]["alike"],
        "pictures are in the test part of the model in service": report["seen_by_model"]["test"],
        "lesions have several labels": report["lesions"]["with_several_labels"],
        "pictures could not be read": report["unreadable"],
    }
    said += [f"{found['count']} {words}." for words, found in counted.items() if found["count"]]
    return [*_remapped(report["labels"]), *said]


def _remapped(labels: Sequence[Mapping[str, Any]]) -> list[str]:
    """What makes every picture of a label something else than that label says."""
    return [
        f"{one['label']} is published as {one['published_as']}, and is known as {one['known_as']}."
        for one in labels
        if one["count"] and one["known_as"] and one["published_as"] not in (None, one["known_as"])
    ]
