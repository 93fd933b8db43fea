"""Loads several data sets to be used together, and refuses those that would leak or clash."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinapi.base.errors import BadDataset
from skinapi.learning.data.dataset_folders import (
    Dataset,
    load_dataset,
    load_pictures,
    require_usable,
    source_name,
)
from skinapi.learning.data.samples import Sample, select_part
from skinapi.learning.data.skin_patches import cut_normal_skin
from skinapi.learning.progress import Report
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import label_spellings
from skinapi.model.network.model import Part

KEYS = ("modality", "licence", "share", "labels")
# A licence may hold commas: only a comma before `word=` begins the next key.
NEXT_KEY = re.compile(r",(?=\w+=)")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of pictures and its options.

    - `modality`: of pictures whose table does not name one
    - `share`: of the draws in training; None leaves it to the sampler
    - `labels`: a CSV file outside the folder
    """

    name: str
    folder: Path
    modality: Modality | None = None
    licence: str = ""
    share: float | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The loaded data sets, one for each source.

    `normal_skin` is a folder of healthy skin alone: neither patient nor lesion is known there.
    """

    sources: tuple[Source, ...]
    datasets: tuple[Dataset, ...]
    normal_skin: tuple[Sample, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """All data sets joined, without the folder of normal skin."""
        skipped: dict[str, tuple[str, ...]] = {}
        for dataset in self.datasets:
            for reason, names in dataset.skipped.items():
                skipped[reason] = (*skipped.get(reason, ()), *names)
        return Dataset(
            samples=tuple(sample for dataset in self.datasets for sample in dataset.samples),
            skipped=skipped,
            lesions_known=any(dataset.lesions_known for dataset in self.datasets),
            without_modality=tuple(i for d in self.datasets for i in d.without_modality),
            others=self.others,
        )

    @property
    def others(self) -> tuple[Sample, ...]:
        """Pictures of diseases that no model names, which teach the doubt."""
        return tuple(sample for dataset in self.datasets for sample in dataset.others)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every picture, including normal skin."""
        return (*self.dataset.samples, *self.normal_skin)

    def describe(self) -> str:
        """What was found and skipped, as lines for the log."""
        values = [
            f"{source.name}: {dataset.describe()}"
            for source, dataset in zip(self.sources, self.datasets, strict=False)
        ]
        if self.normal_skin:
            values.append(
                f"{self.sources[-1].name}: {len(self.normal_skin)} pictures of normal skin"
            )
        return "\n".join(values)


def parse_source(text: str) -> Source:
    """Reads `FOLDER[,modality=...][,licence=...][,share=...][,labels=FILE]`; raises BadDataset."""
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
    return Source(
        name=name,
        folder=Path(folder),
        modality=_parse_modality(name, values.get("modality")),
        licence=values.get("licence", ""),
        share=_parse_share(name, values.get("share")),
        labels=Path(values["labels"]) if "labels" in values else None,
    )


def _parse_modality(name: str, word: str | None) -> Modality | None:
    if word is None:
        return None
    if word not in list(Modality):
        raise BadDataset(
            f"{name}: there is no modality {word!r}; choose among {', '.join(Modality)}."
        )
    return Modality(word)


def _parse_share(name: str, word: str | None) -> float | None:
    if word is None:
        return None
    try:
        share = float(word)
    except ValueError:
        share = 0.0  # out of range: refused below with the same message
    if not 0.0 < share <= 1.0:
        raise BadDataset(f"{name}: the share {word!r} is not more than 0 and at most 1.")
    return share


def load_sources(
    data: Sequence[str], *, normal_skin: str | None = None, skip_unknown_labels: bool = False
) -> Sources:
    """Loads all sources, given in the form that `parse_source` reads.

    Raises BadDataset for an unknown label, a picture without a modality, too many unreadable
    pictures, two sources of one name, one picture id in two sources, and the same file under two
    patients or in two sources.
    """
    sources = [parse_source(text) for text in data]
    healthy = None if normal_skin is None else parse_source(normal_skin)
    everything = sources if healthy is None else [*sources, healthy]
    _refuse_equal_names(everything)
    datasets = []
    for source in sources:
        dataset = load_dataset(
            source.folder, labels=label_spellings(), table=source.labels, modality=source.modality
        )
        require_usable(dataset, name=source.name, skip_unknown_labels=skip_unknown_labels)
        _require_modality(source, dataset)
        datasets.append(dataset)
    loaded = Sources(
        sources=tuple(everything),
        datasets=tuple(datasets),
        normal_skin=() if healthy is None else load_normal_skin(healthy),
    )
    everything_read = (*loaded.samples, *loaded.others)
    _refuse_shared_ids(everything_read)
    _refuse_duplicates(everything_read)
    return loaded


def load_part(
    sources: Sources, parts: Mapping[str, Part], part: Part, *, cut: bool, report: Report
) -> list[Sample]:
    """The pictures of one part and, with `cut`, patches of normal skin cut from these."""
    samples = select_part(sources.samples, parts, part)
    if cut:
        sizes = Counter(sample.source for sample in sources.samples)
        samples += cut_normal_skin(samples, source_sizes=sizes, report=report)
    return samples


def load_normal_skin(source: Source) -> tuple[Sample, ...]:
    """Loads a folder of healthy skin. Its modality is unknown unless the source names one."""
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


def _require_modality(source: Source, dataset: Dataset) -> None:
    if dataset.without_modality:
        raise BadDataset(
            f"The source {source.name} does not say how {len(dataset.without_modality)} of its "
            f"pictures were taken, {dataset.without_modality[0]} among them: give its table a "
            f"column modality, or write {source.folder},modality=dermoscopic (or clinical)."
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
    """Raises BadDataset for equal files, except within one lesion or patient: there a split cannot
    separate them.
    """
    first: dict[bytes, Sample] = {}
    for sample in samples:
        other = first.setdefault(hashlib.sha256(sample.path.read_bytes()).digest(), sample)
        if not _in_one_group(sample, other):
            raise BadDataset(
                f"The same picture is {other.image_id} in {other.source} and {sample.image_id} in "
                f"{sample.source}: keep one of them, or give both the same lesion_id or patient_id "
                "in one source."
            )


def _in_one_group(first: Sample, second: Sample) -> bool:
    if first.source != second.source:
        return False
    same_patient = bool(first.patient_id) and first.patient_id == second.patient_id
    return same_patient or first.lesion_id == second.lesion_id
