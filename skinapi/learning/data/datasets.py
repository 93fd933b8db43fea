import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skinapi.base.errors import BadDataset, UnreadablePicture
from skinapi.learning.data.samples import Sample, read_training_photo, select_part
from skinapi.learning.data.skin_patches import cut_normal_skin
from skinapi.learning.progress import Report
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import (
    PICTURE_SUFFIXES,
    TABLE_NAME,
    LabelColumns,
    label_spellings,
    other_diseases,
)
from skinapi.model.network.model import Part

UNKNOWN_LABEL = "unknown label"
NOT_FOUND = "picture not found"
MAX_UNUSABLE_SHARE = 0.1
KEYS = ("modality", "licence", "share", "labels")
# A licence may hold commas: only a comma before `word=` begins the next key.
NEXT_KEY = re.compile(r",(?=\w+=)")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of one or more folders, and the names of skipped pictures by reason. `others`
    show diseases that no model names: they are not in any training or figure of a class.
    """

    samples: tuple[Sample, ...]
    skipped: Mapping[str, tuple[str, ...]]
    lesions_known: bool
    without_modality: tuple[str, ...] = ()
    others: tuple[Sample, ...] = ()

    def describe(self) -> str:
        lesions = len({sample.lesion_key for sample in self.samples})
        lines = [f"{len(self.samples)} pictures of {lesions} lesions"]
        for samples, title in ((self.samples, ""), (self.others, "for the doubt alone, ")):
            counts = sorted(Counter(sample.label for sample in samples).items())
            lines += [f"  {title}{label}: {n}" for label, n in counts]
        for reason, names in sorted(self.skipped.items()):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            lines.append(f"  skipped, {reason}: {len(names)} ({shown})")
        return "\n".join(lines)


class _DatasetBuilder:
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
        names = self._label_names
        label = sample.label if names is None else names.get(sample.label.lower())
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
        if not word:
            if self._modality is None:
                self._without_modality.append(image_id)
            return self._modality or Modality.UNKNOWN
        modality = _parse_modality(f"The picture {image_id} in {self._source}", word)
        known = {modality, self._modality or Modality.UNKNOWN} - {Modality.UNKNOWN}
        if len(known) > 1:
            raise BadDataset(
                f"The picture {image_id} in {self._source} is {word} by its table, "
                f"but the source is said to be {self._modality}."
            )
        return modality

    def build(self, *, lesions_known: bool) -> Dataset:
        samples = [self._samples[image_id] for image_id in sorted(self._samples)]
        return Dataset(
            samples=tuple(sample for sample in samples if not sample.is_other_disease),
            skipped={reason: tuple(names) for reason, names in self._skipped.items()},
            lesions_known=lesions_known,
            without_modality=tuple(sorted(self._without_modality)),
            others=tuple(sample for sample in samples if sample.is_other_disease),
        )


def _find_fault(path: Path) -> str | None:
    if not path.is_file():
        return NOT_FOUND
    # Decoded here, so that a broken file is found now and not during the training.
    try:
        read_training_photo(path.read_bytes())
    except (OSError, UnreadablePicture):
        return "unreadable picture"
    return None


def source_name(folder: Path) -> str:
    return folder.resolve().name


def load_dataset(
    folder: Path,
    *,
    labels: Mapping[str, str] | None,
    table: Path | None = None,
    modality: Modality | None = None,
) -> Dataset:
    """Read a folder with a CSV file and pictures, or one folder for each class.

    `labels` maps accepted spellings in lower case to labels; None keeps labels as written.
    """
    if not folder.is_dir():
        raise BadDataset(f"There is no folder {folder}.")
    # Several CSV files are ambiguous, unless one has the name that data sets use for their labels.
    tables = sorted(folder.glob("*.csv")) if table is None else [table]
    if len(tables) > 1:
        tables = [table for table in tables if table.name == TABLE_NAME]
    builder = _DatasetBuilder(folder, labels, modality)
    if tables:
        return _read_table(builder, tables[0], folder)
    for directory in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in _pictures_in(directory):
            image_id = f"{directory.name}/{path.stem}"
            builder.add(Sample(image_id, path, directory.name, image_id))
    return builder.build(lesions_known=False)


def _read_table(builder: _DatasetBuilder, table: Path, images: Path) -> Dataset:
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
    if not folder.is_dir():
        raise BadDataset(f"There is no folder {folder}")
    builder = _DatasetBuilder(folder, None, modality)
    for path in _pictures_in(folder):
        builder.add(Sample(path.stem, path, label, path.stem))
    return list(builder.build(lesions_known=False).samples)


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURE_SUFFIXES)


def require_classes(dataset: Dataset) -> None:
    classes = {sample.label for sample in dataset.samples}
    if len(classes) < 2:
        found = f"one class only ({min(classes)})" if classes else "no usable picture"
        raise BadDataset(f"Training needs two classes; here is {found}:\n{dataset.describe()}")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of pictures. `share` is its share of the draws in training; None leaves it to the
    sampler.
    """

    name: str
    folder: Path
    modality: Modality | None = None
    licence: str = ""
    share: float | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    sources: tuple[Source, ...]
    datasets: tuple[Dataset, ...]
    normal_skin: tuple[Sample, ...] = ()

    @property
    def dataset(self) -> Dataset:
        skipped: dict[str, tuple[str, ...]] = {}
        for dataset in self.datasets:
            for reason, names in dataset.skipped.items():
                skipped[reason] = (*skipped.get(reason, ()), *names)
        return Dataset(
            samples=tuple(sample for dataset in self.datasets for sample in dataset.samples),
            skipped=skipped,
            lesions_known=any(dataset.lesions_known for dataset in self.datasets),
            others=tuple(sample for dataset in self.datasets for sample in dataset.others),
        )

    @property
    def samples(self) -> tuple[Sample, ...]:
        return (*self.dataset.samples, *self.normal_skin)

    def describe(self) -> str:
        named = zip(self.sources, self.datasets, strict=False)
        lines = [f"{source.name}: {dataset.describe()}" for source, dataset in named]
        if self.normal_skin:
            name = self.sources[-1].name
            lines.append(f"{name}: {len(self.normal_skin)} pictures of normal skin")
        return "\n".join(lines)


def parse_source(text: str) -> Source:
    """Parse `FOLDER[,modality=...][,licence=...][,share=...][,labels=FILE]`."""
    folder, *options = NEXT_KEY.split(text)
    name = source_name(Path(folder))
    values: dict[str, str] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in KEYS:
            raise BadDataset(f"{name}: there is no option {key!r}; choose among {', '.join(KEYS)}.")
        if key in values or not value.strip():
            raise BadDataset(f"{name}: the option {key!r} needs one value.")
        values[key] = value.strip()
    modality, share = values.get("modality"), values.get("share")
    return Source(
        name=name,
        folder=Path(folder),
        modality=None if modality is None else _parse_modality(name, modality),
        licence=values.get("licence", ""),
        share=None if share is None else _parse_share(name, share),
        labels=Path(values["labels"]) if "labels" in values else None,
    )


def _parse_modality(what: str, word: str) -> Modality:
    if word not in list(Modality):
        known = ", ".join(Modality)
        raise BadDataset(f"{what}: there is no modality {word!r}; choose among {known}.")
    return Modality(word)


def _parse_share(name: str, word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = 0.0  # out of range, so it is refused below
    if not 0.0 < share <= 1.0:
        raise BadDataset(f"{name}: the share {word!r} is not more than 0 and at most 1.")
    return share


def load_sources(
    data: Sequence[str], *, normal_skin: str | None = None, skip_unknown_labels: bool = False
) -> Sources:
    sources = [parse_source(text) for text in data]
    healthy = None if normal_skin is None else parse_source(normal_skin)
    named = sources if healthy is None else [*sources, healthy]
    _refuse_equal_names(named)
    loaded = Sources(
        sources=tuple(named),
        datasets=tuple(_load_source(source, skip_unknown_labels) for source in sources),
        normal_skin=() if healthy is None else load_normal_skin(healthy),
    )
    every = (*loaded.samples, *loaded.dataset.others)
    _refuse_shared_ids(every)
    _refuse_duplicates(every)
    return loaded


def _load_source(source: Source, skip_unknown_labels: bool) -> Dataset:
    dataset = load_dataset(
        source.folder, labels=label_spellings(), table=source.labels, modality=source.modality
    )
    name, told = source.name, dataset.describe()
    unknown = [reason for reason in dataset.skipped if reason.startswith(UNKNOWN_LABEL)]
    if unknown and not skip_unknown_labels:
        raise BadDataset(f"{name} has labels that are not ours:\n{told}")
    lost = sum(len(names) for reason, names in dataset.skipped.items() if reason not in unknown)
    usable = len(dataset.samples) + len(dataset.others)
    if lost > MAX_UNUSABLE_SHARE * (lost + usable):
        raise BadDataset(f"Too many pictures of {name} cannot be used:\n{told}")
    if not usable:
        raise BadDataset(f"{name} holds no usable picture:\n{told}")
    if dataset.without_modality:
        raise BadDataset(
            f"The source {name} does not say how {len(dataset.without_modality)} of its pictures "
            f"were taken, {dataset.without_modality[0]} among them: give its table a column "
            f"modality, or write {source.folder},modality=dermoscopic (or clinical)."
        )
    return dataset


def load_part(
    sources: Sources, parts: Mapping[str, Part], part: Part, *, cut: bool, report: Report
) -> list[Sample]:
    samples = select_part(sources.samples, parts, part)
    if cut:
        sizes = Counter(sample.source for sample in sources.samples)
        samples += cut_normal_skin(samples, source_sizes=sizes, report=report)
    return samples


def load_normal_skin(source: Source) -> tuple[Sample, ...]:
    """The modality of healthy skin is unknown unless the source names one."""
    if source.labels is not None:
        raise BadDataset(f"{source.name}: pictures of normal skin take no labels.")
    modality = source.modality or Modality.UNKNOWN
    return tuple(load_pictures(source.folder, label=NORMAL_SKIN, modality=modality))


def _refuse_equal_names(sources: Iterable[Source]) -> None:
    folders: dict[str, Path] = {}
    for source in sources:
        other = folders.setdefault(source.name, source.folder)
        if other is not source.folder:
            raise BadDataset(
                f"Two sources are called {source.name}, {other} and {source.folder}: "
                "a source is called as its folder, so rename one."
            )


def _refuse_shared_ids(samples: Iterable[Sample]) -> None:
    seen: dict[str, str] = {}
    for sample in samples:
        other = seen.setdefault(sample.image_id, sample.source)
        if other != sample.source:
            raise BadDataset(
                f"The picture id {sample.image_id} is in {other} and in {sample.source}: "
                "a picture belongs to one source, and its id to one picture."
            )


def _refuse_duplicates(samples: Iterable[Sample]) -> None:
    """Equal files of one lesion or patient are allowed, because a split cannot separate them."""
    first: dict[bytes, Sample] = {}
    for sample in samples:
        other = first.setdefault(hashlib.sha256(sample.path.read_bytes()).digest(), sample)
        same_patient = bool(sample.patient_id) and sample.patient_id == other.patient_id
        in_one_group = same_patient or sample.lesion_id == other.lesion_id
        if sample.source != other.source or not in_one_group:
            raise BadDataset(
                f"The same picture is {other.image_id} in {other.source} and {sample.image_id} in "
                f"{sample.source}: keep one of them, or give both the same lesion_id or patient_id "
                "in one source."
            )
