from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from skinapi.base.field_types import ID
from skinapi.lab.checks.label_mapping import LabelMapping
from skinapi.lab.checks.layouts import LabelledPicture, Layout
from skinapi.lab.checks.picture_decoder import DecodedPicture
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import (
    FEWEST_CLASSES,
    FEWEST_TO_SPLIT,
    Datasets,
    DatasetVersion,
)
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import LabelRow
from skinapi.model.network.model import PARTS

# The lists of a report: bounded as they are made, and with the names that data sets have now as
# they are shown.

# Names that a list of the report shows; the number beside it is always the true one.
MOST_SHOWN = 50
# Of one such entry, which may be of thousands of copies, and letters of each name.
MOST_IN_ENTRY = 10
LONGEST_SHOWN = 200
# Of an entry about another data set.
KEPT = ("name", "dataset")
ASKED_AT_ONCE = 50


@dataclass
class BoundedList:
    count: int = 0
    shown: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        self.count += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(_bounded(item))

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "shown": self.shown}


def _bounded(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _bounded(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_bounded(value) for value in item[:MOST_IN_ENTRY]]
    if isinstance(item, str) and len(item) > LONGEST_SHOWN:
        return f"{item[: LONGEST_SHOWN - 1]}…"
    return item


def bounded_list(items: Iterable[Any]) -> dict[str, Any]:
    bounded = BoundedList()
    for item in items:
        bounded.add(item)
    return bounded.as_dict()


def shown_report(
    report: Mapping[str, Any], name_of: Callable[[str], str | None]
) -> Mapping[str, Any]:
    elsewhere = report.get("elsewhere")
    if not elsewhere:
        return report
    known = cache(name_of)

    def named(entry: Mapping[str, Any]) -> dict[str, Any]:
        # Reports of earlier versions contain the other data set's name and file name.
        other = entry["dataset"] if ID.fullmatch(str(entry["dataset"])) else None
        kept = {name: entry[name] for name in KEPT if name in entry}
        return {**kept, "dataset": other, "dataset_name": known(other) if other else None}

    shown = {
        kind: {**listed, "shown": [named(entry) for entry in listed["shown"]]}
        for kind, listed in elsewhere.items()
    }
    return {**report, "elsewhere": shown}


@dataclass(frozen=True, slots=True)
class Checked:
    labelled: LabelledPicture
    label: str
    decoded: DecodedPicture
    modality: Modality
    thumbnail: Path

    @property
    def name(self) -> str:
        return self.labelled.entry.name

    @property
    def row(self) -> LabelRow:
        return self.labelled.row


def unknown_labels(layout: Layout, mapping: LabelMapping) -> list[dict[str, Any]]:
    counts = Counter(
        picture.row.label
        for picture in layout.pictures
        if mapping.find(picture.row.label) is None and not mapping.leaves_out(picture.row.label)
    )
    return [
        {"label": label, "count": count, "offered": mapping.offer(label)}
        for label, count in counts.most_common(MOST_SHOWN)
    ]


def give_id(picture: Checked, learned: LearnedPictures) -> Checked:
    """Give the picture an id that is the same in every version, so that it stays in its part of the
    split.

    This is the file's name if the model in service knows it. Otherwise the name may be a number
    that another class also uses, so the id is the SHA-256 of the bytes.
    """
    row = picture.row
    known = bool(row.image_id) and learned.knows(row.image_id)
    image_id = row.image_id if known else picture.decoded.sha256
    named = replace(row, image_id=image_id, lesion_id=image_id)
    return replace(picture, labelled=replace(picture.labelled, row=named))


def drop_duplicates(checked: Sequence[Checked]) -> tuple[list[Checked], dict[str, Any]]:
    by_hash: defaultdict[str, list[Checked]] = defaultdict(list)
    for picture in checked:
        by_hash[picture.decoded.sha256].append(picture)
    kept, copies, contradicting = [], BoundedList(), BoundedList()
    for same in by_hash.values():
        if len({picture.label for picture in same}) > 1:
            contradicting.add([picture.name for picture in same])
            continue
        kept.append(same[0])
        for other in same[1:]:
            copies.add([same[0].name, other.name])
    return kept, {"exact": copies.as_dict(), "contradicting": contradicting.as_dict()}


def duplicates_elsewhere(
    checked: Sequence[Checked],
    images: DatasetImages,
    is_other: Callable[[str], bool],
    go_on: Callable[[], None],
) -> dict[str, Any]:
    same = BoundedList()
    for first in range(0, len(checked), ASKED_AT_ONCE):
        go_on()
        batch = checked[first : first + ASKED_AT_ONCE]
        hashes = {picture.decoded.sha256: picture.name for picture in batch}
        # A picture counts once, even if it is in several other data sets.
        copies = {
            sha256: dataset
            for sha256, dataset in images.find_copies(list(hashes))
            if is_other(dataset)
        }
        for sha256, dataset in copies.items():
            same.add({"name": hashes[sha256], "dataset": dataset})
    return {"same": same.as_dict()}


def others_beside(dataset: DatasetVersion, datasets: Datasets) -> Callable[[str], bool]:
    @cache
    def is_other(identifier: str) -> bool:
        other = datasets.find(identifier)
        published = other is not None and other.status == "published"
        return other is not None and published and other.name_key != dataset.name_key

    return is_other


def seen_by_model(checked: Sequence[Checked], learned: LearnedPictures) -> dict[str, Any]:
    parts: dict[str, BoundedList] = {part: BoundedList() for part in PARTS}
    for picture in checked:
        part = learned.part_of(picture.row.image_id, picture.decoded.sha256)
        if part in parts:
            parts[part].add(picture.name)
    return {"model": learned.model, **{part: seen.as_dict() for part, seen in parts.items()}}


def count_groups(checked: Sequence[Checked], *, lesions_known: bool) -> dict[str, Any]:
    lesions: defaultdict[str, set[str]] = defaultdict(set)
    patients: defaultdict[str, list[Checked]] = defaultdict(list)
    lesions_of_class: defaultdict[str, set[str]] = defaultdict(set)
    for picture in checked:
        row = picture.row
        lesions[row.lesion_id].add(picture.label)
        lesions_of_class[picture.label].add(row.lesion_id)
        if row.patient_id:
            patients[row.patient_id].append(picture)
    classes = Counter(picture.label for picture in checked)
    too_small = sorted(
        label for label, ids in lesions_of_class.items() if len(ids) < FEWEST_TO_SPLIT
    )
    return {
        "classes": {
            label: {"pictures": count, "lesions": len(lesions_of_class[label])}
            for label, count in sorted(classes.items())
        },
        "modalities": dict(Counter(str(picture.modality) for picture in checked)),
        "lesions": {
            "known": lesions_known,
            "count": len(lesions),
            "largest": max(
                Counter(picture.row.lesion_id for picture in checked).values(), default=0
            ),
            "with_several_labels": bounded_list(
                {"lesion": lesion, "labels": sorted(labels)}
                for lesion, labels in lesions.items()
                if len(labels) > 1
            ),
        },
        "patients": {
            "count": len(patients),
            "pictures_without": sum(not picture.row.patient_id for picture in checked),
            "largest": max(map(len, patients.values()), default=0),
            "with_several_labels": bounded_list(
                {"patient": patient, "labels": sorted({picture.label for picture in theirs})}
                for patient, theirs in patients.items()
                if len({picture.label for picture in theirs}) > 1
            ),
        },
        "too_small_to_split": too_small,
    }


def warnings_of(report: Mapping[str, Any]) -> list[str]:
    sentences = []
    if len(report["classes"]) < FEWEST_CLASSES:
        sentences.append("Training needs at least two classes.")
    if report["too_small_to_split"]:
        sentences.append(
            f"Fewer than {FEWEST_TO_SPLIT} lesions, too few to split: "
            f"{', '.join(report['too_small_to_split'])}."
        )
    if not report["lesions"]["known"]:
        sentences.append(
            "No column lesion_id: several pictures of one lesion would leak into the test part."
        )
    if report["modalities"].get("unknown"):
        sentences.append("Some pictures do not say how they were taken: dermoscopic or clinical.")
    counted = {
        "contradict each other: the same bytes under several labels, left out": report[
            "duplicates"
        ]["contradicting"],
        "pictures are in another data set too": report["elsewhere"]["same"],
        "pictures are in the test part of the model in service": report["seen_by_model"]["test"],
        "lesions have several labels": report["lesions"]["with_several_labels"],
        "pictures could not be read": report["unreadable"],
    }
    sentences += [
        f"{listed['count']} {words}." for words, listed in counted.items() if listed["count"]
    ]
    return [*_remapped(report["labels"]), *sentences]


def _remapped(labels: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{label['label']} is published as {label['published_as']}, and is known as "
        f"{label['known_as']}."
        for label in labels
        if label["count"]
        and label["known_as"]
        and label["published_as"] not in (None, label["known_as"])
    ]
