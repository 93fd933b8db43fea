"""Several data sets learned from together, and what makes them unfit for that."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinapi.errors import BadDataset
from skinapi.learning.data.datasets import (
    Dataset,
    load_dataset,
    load_pictures,
    require_usable,
    source_name,
)
from skinapi.learning.data.labels import label_spellings
from skinapi.learning.data.samples import Sample, select_part
from skinapi.learning.data.skin_patches import cut_normal_skin
from skinapi.learning.data.splits import Part
from skinapi.learning.progress import Report
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.context import Modality

KEYS = ("modality", "licence", "share", "labels")
# A licence may hold commas: only a comma before `word=` begins the next key.
NEXT_KEY = re.compile(r",(?=\w+=)")


@dataclass(frozen=True, slots=True)
class Source:
    """One folder of pictures and what its owner says of it. `modality` is that of pictures whose
    table does not say; `share` of the draws in training is left to the recipe where None;
    `labels` is a csv that lies elsewhere.
    """

    name: str
    folder: Path
    modality: Modality | None = None
    licence: str = ""
    share: float | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The data sets of a training, calibration or comparison, one for each source; `normal_skin`
    is a folder of healthy skin alone, of which neither patient nor lesion is known.
    """

    sources: tuple[Source, ...]
    datasets: tuple[Dataset, ...]
    normal_skin: tuple[Sample, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """All of them joined, without the folder of normal skin."""
        skipped: dict[str, tuple[str, ...]] = {}
        for dataset in self.datasets:
            for reason, names in dataset.skipped.items():
                skipped[reason] = (*skipped.get(reason, ()), *names)
        return Dataset(
            samples=tuple(sample for dataset in self.datasets for sample in dataset.samples),
            skipped=skipped,
            lesions_known=any(dataset.lesions_known for dataset in self.datasets),
            without_modality=tuple(i for d in self.datasets for i in d.without_modality),
        )

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every picture, normal skin too."""
        return (*self.dataset.samples, *self.normal_skin)

    @property
    def shares(self) -> dict[str, float | None]:
        """Of the draws in training, by the source's name."""
        return {source.name: source.share for source in self.sources}

    @property
    def sizes(self) -> dict[str, int]:
        """Pictures by the source's name."""
        return dict(Counter(sample.source for sample in self.samples))

    def describe(self) -> str:
        """For the log."""
        told = [
            f"{source.name}: {dataset.describe()}"
            for source, dataset in zip(self.sources, self.datasets, strict=False)
        ]
        if self.normal_skin:
            told.append(f"{self.sources[-1].name}: {len(self.normal_skin)} pictures of normal skin")
        return "\n".join(told)


def parse_source(text: str) -> Source:
    """`FOLDER[,modality=...][,licence=...][,share=...][,labels=FILE]`; raises BadDataset."""
    folder, *options = NEXT_KEY.split(text)
    name = source_name(Path(folder))
    told: dict[str, str] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in KEYS:
            raise BadDataset(f"{name}: there is no option {key!r}; choose among {', '.join(KEYS)}.")
        if key in told or not value.strip():
            raise BadDataset(f"{name}: the option {key!r} needs one value.")
        told[key] = value.strip()
    return Source(
        name=name,
        folder=Path(folder),
        modality=_parse_modality(name, told.get("modality")),
        licence=told.get("licence", ""),
        share=_parse_share(name, told.get("share")),
        labels=Path(told["labels"]) if "labels" in told else None,
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
        share = 0.0
    if not 0.0 < share <= 1.0:
        raise BadDataset(f"{name}: the share {word!r} is not more than 0 and at most 1.")
    return share


def load_sources(
    data: Sequence[str],
    *,
    normal_skin: str | None = None,
    skip_unknown_labels: bool = False,
) -> Sources:
    """Reads every source; each is written as `parse_source` takes it.

    Raises BadDataset, by name: an unknown label, a picture without a modality, too many pictures
    that cannot be read, two sources of one name, one picture id in two sources, and the same file
    under two patients or in two sources.
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
    _refuse_shared_ids(loaded.samples)
    _refuse_duplicates(loaded.samples)
    return loaded


def load_part(
    sources: Sources, parts: Mapping[str, Part], part: Part, *, cut: bool, report: Report
) -> list[Sample]:
    """The pictures of one part and, with `cut`, the normal skin cut from them."""
    samples = select_part(sources.samples, parts, part)
    if cut:
        samples += cut_normal_skin(samples, source_sizes=sources.sizes, report=report)
    return samples


def load_normal_skin(source: Source) -> tuple[Sample, ...]:
    """A folder of pictures of healthy skin, each its own lesion; modality unknown unless told."""
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
    """The same bytes may stand twice only where they cannot come to stand on both sides of a split:
    within one lesion or one patient.
    """
    first: dict[bytes, Sample] = {}
    for sample in samples:
        other = first.setdefault(hashlib.sha256(sample.path.read_bytes()).digest(), sample)
        if not _belong_together(sample, other):
            raise BadDataset(
                f"The same picture is {other.image_id} in {other.source} and {sample.image_id} in "
                f"{sample.source}: keep one of them, or give both the same lesion_id or patient_id "
                "in one source."
            )


def _belong_together(one: Sample, other: Sample) -> bool:
    if one.source != other.source:
        return False
    same_patient = bool(one.patient_id) and one.patient_id == other.patient_id
    return same_patient or one.lesion_id == other.lesion_id
