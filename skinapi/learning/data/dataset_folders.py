"""Reads a folder into labelled samples, and records each picture that was skipped and why."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skinapi.base.errors import BadDataset, UnreadablePicture
from skinapi.learning.data.samples import Sample, read_training_photo
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import PICTURE_SUFFIXES, TABLE_NAME, LabelColumns, other_diseases

UNKNOWN_LABEL = "unknown label"
NOT_FOUND = "picture not found"
MAX_UNUSABLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of a folder, and the skipped picture names by reason.

    `without_modality` are the ids whose modality neither the table nor the caller names. `others`
    show diseases that no model names: they are in no training and in no figure of a class.
    """

    samples: tuple[Sample, ...]
    skipped: Mapping[str, tuple[str, ...]]
    lesions_known: bool
    without_modality: tuple[str, ...] = ()
    others: tuple[Sample, ...] = ()

    def describe(self) -> str:
        """Lines for the log: the count of each class, then what was skipped and why."""
        lesions = len({sample.lesion_key for sample in self.samples})
        lines = [f"{len(self.samples)} pictures of {lesions} lesions"]
        lines += [
            f"  {label}: {n}" for label, n in sorted(Counter(s.label for s in self.samples).items())
        ]
        lines += [
            f"  for the doubt alone, {label}: {n}"
            for label, n in sorted(Counter(s.label for s in self.others).items())
        ]
        for reason, names in sorted(self.skipped.items()):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            lines.append(f"  skipped, {reason}: {len(names)} ({shown})")
        return "\n".join(lines)


class _DatasetBuilder:
    """Collects samples, and records those that cannot be used."""

    def __init__(
        self, folder: Path, label_names: Mapping[str, str] | None, modality: Modality | None
    ) -> None:
        self._source = source_name(folder)
        self._label_names = None if label_names is None else {**other_diseases(), **label_names}
        self._modality = modality
        self._samples: dict[str, Sample] = {}
        self._skipped: dict[str, list[str]] = {}
        self._without_modality: list[str] = []

    def skip(self, reason: str, name: str) -> None:
        self._skipped.setdefault(reason, []).append(name)

    def add(self, sample: Sample, *, modality: str = "") -> None:
        """Adds a sample, or skips it. `modality` is the value in its row, empty if it has none."""
        label = (
            sample.label
            if self._label_names is None
            else self._label_names.get(sample.label.lower())
        )
        if label is None:
            self.skip(f"{UNKNOWN_LABEL} {sample.label!r}", sample.image_id)
        elif sample.image_id in self._samples:
            self.skip("named twice", sample.image_id)
        elif (fault := _find_fault(sample.path)) is not None:
            self.skip(fault, sample.image_id)
        else:
            self._samples[sample.image_id] = replace(
                sample,
                label=label,
                facts={**sample.facts, "dx": sample.label},
                source=self._source,
                modality=self._resolve_modality(sample.image_id, modality.strip().lower()),
            )

    def _resolve_modality(self, image_id: str, word: str) -> Modality:
        """The value in the row, else that of the folder. The two must not contradict each other."""
        if not word:
            if self._modality is None:
                self._without_modality.append(image_id)
            return self._modality or Modality.UNKNOWN
        if word not in list(Modality):
            raise BadDataset(
                f"The picture {image_id} in {self._source} has the modality {word!r}; "
                f"choose among {', '.join(Modality)}."
            )
        known = {Modality(word), self._modality or Modality.UNKNOWN} - {Modality.UNKNOWN}
        if len(known) > 1:
            raise BadDataset(
                f"The picture {image_id} in {self._source} is {word} by its table, "
                f"but the source is said to be {self._modality}."
            )
        return Modality(word)

    def build(self, *, lesions_known: bool) -> Dataset:
        samples = [self._samples[image_id] for image_id in sorted(self._samples)]
        skipped = {reason: tuple(names) for reason, names in self._skipped.items()}
        return Dataset(
            samples=tuple(sample for sample in samples if not sample.is_other_disease),
            skipped=skipped,
            lesions_known=lesions_known,
            without_modality=tuple(sorted(self._without_modality)),
            others=tuple(sample for sample in samples if sample.is_other_disease),
        )


def _find_fault(path: Path) -> str | None:
    if not path.is_file():
        return NOT_FOUND
    # Decoded once here, so that a broken file is known now and not in the middle of a training.
    try:
        read_training_photo(path.read_bytes())
    except (OSError, UnreadablePicture):
        return "unreadable picture"
    return None


def source_name(folder: Path) -> str:
    """The name of a data set is that of its folder."""
    return folder.resolve().name


def load_dataset(
    folder: Path,
    *,
    labels: Mapping[str, str] | None = None,
    table: Path | None = None,
    modality: Modality | None = None,
) -> Dataset:
    """Loads a folder that holds a CSV file beside pictures, or one folder for each class.

    - `labels`: accepted spelling in lower case -> label; None keeps labels as written
    - `table`: a CSV file outside the folder
    - `modality`: of pictures whose row does not name one
    """
    if not folder.is_dir():
        raise BadDataset(f"There is no folder {folder}.")
    # Several CSV files are ambiguous, unless one has the name that data sets use for their labels.
    tables = sorted(folder.glob("*.csv")) if table is None else [table]
    if len(tables) > 1:
        tables = [table for table in tables if table.name == TABLE_NAME]
    builder = _DatasetBuilder(folder, labels, modality)
    return _read_table(builder, tables[0], folder) if tables else _read_folders(builder, folder)


def _read_table(builder: _DatasetBuilder, table: Path, images: Path) -> Dataset:
    """Reads a CSV file with the columns of HAM10000, with image_id/image_path/label, or with ISIC's
    one-hot columns; its header decides which.
    """
    names, rows = _read_rows(table)
    columns = LabelColumns(names, table=table.name)
    found = {path.stem: path for path in _pictures_in(images)}
    for row in map(columns.read, rows):
        named = Path(row.named)
        path = images / named if named.suffix else found.get(named.name, images / named)
        # A path in the table must not lead out of the folder.
        if path.resolve().is_relative_to(images.resolve()):
            sample = Sample(
                row.image_id, path, row.label, row.lesion_id, row.facts, patient_id=row.patient_id
            )
            builder.add(sample, modality=row.modality)
        else:
            builder.skip(NOT_FOUND, row.image_id)
    return builder.build(lesions_known=columns.name_lesions)


def _read_rows(table: Path) -> tuple[Sequence[str], list[dict[str, str]]]:
    try:
        # Excel writes a byte order mark, which utf-8 would make part of the first column's name.
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="")
            return reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as broken:
        raise BadDataset(f"{table} cannot be read as a table: {broken}") from broken


def load_pictures(
    folder: Path, *, label: str, modality: Modality = Modality.UNKNOWN
) -> list[Sample]:
    """Loads every picture of a folder with the same label, each as a lesion of its own."""
    if not folder.is_dir():
        raise BadDataset(f"There is no folder {folder}")
    builder = _DatasetBuilder(folder, None, modality)
    for path in _pictures_in(folder):
        builder.add(Sample(path.stem, path, label, path.stem))
    return list(builder.build(lesions_known=False).samples)


def _read_folders(builder: _DatasetBuilder, folder: Path) -> Dataset:
    """One folder for each class; its name is the label."""
    for directory in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in _pictures_in(directory):
            image_id = f"{directory.name}/{path.stem}"
            builder.add(Sample(image_id, path, directory.name, image_id))
    return builder.build(lesions_known=False)


def require_usable(dataset: Dataset, *, name: str, skip_unknown_labels: bool) -> None:
    """Raises BadDataset for unknown labels, for too many unusable pictures, and for no picture."""
    unknown = [reason for reason in dataset.skipped if reason.startswith(UNKNOWN_LABEL)]
    if unknown and not skip_unknown_labels:
        raise BadDataset(f"{name} has labels that are not ours:\n{dataset.describe()}")
    lost = sum(len(names) for reason, names in dataset.skipped.items() if reason not in unknown)
    usable = [*dataset.samples, *dataset.others]
    if lost > MAX_UNUSABLE_SHARE * (lost + len(usable)):
        raise BadDataset(f"Too many pictures of {name} cannot be used:\n{dataset.describe()}")
    if not usable:
        raise BadDataset(f"{name} holds no usable picture:\n{dataset.describe()}")


def require_classes(dataset: Dataset) -> None:
    """Raises BadDataset where there are fewer than two classes: training needs two."""
    classes = {sample.label for sample in dataset.samples}
    if len(classes) < 2:
        found = f"one class only ({min(classes)})" if classes else "no usable picture"
        raise BadDataset(f"Training needs two classes; here is {found}:\n{dataset.describe()}")


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURE_SUFFIXES)
