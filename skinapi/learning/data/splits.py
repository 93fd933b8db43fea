"""Splits samples into training, validation and test: stratified, grouped by patient and lesion, and
the same on every machine.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.model.network.model import PARTS, SPLIT, Part

SHARES: Mapping[Part, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}
# Of a small source a tenth holds too few malignant pictures to fit its modality's thresholds.
SMALL_SOURCE = 1000
SMALL_SHARES: Mapping[Part, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}


def split_samples(
    samples: Iterable[Sample], *, given: Mapping[str, Part] | None = None, seed: int = 0
) -> dict[str, Part]:
    """Image id -> part. Pictures of one patient or lesion are in the same part; within each class
    of each source the parts have their SHARES.

    Pictures that `given` names keep their part, and other pictures of the same lesions and patients
    join them. Raises BadDataset where `given` separates a lesion or a patient.
    """
    samples = list(samples)
    groups = group_samples(samples)
    parts = require_one_part_per_group(samples, given or {})
    by_source: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(sample)
    for of_source in by_source.values():
        parts |= _split_source(of_source, groups, assigned_before=set(parts), seed=seed)
    return {sample.image_id: parts[groups[sample.image_id]] for sample in samples}


def group_samples(samples: Iterable[Sample]) -> dict[str, str]:
    """Image id -> group: all pictures connected by a lesion or a patient (union-find). A group is
    named after its smallest member, lesions before patients.
    """
    parents: dict[str, str] = {}

    def find_root(member: str) -> str:
        while (parent := parents.setdefault(member, member)) != member:
            member = parent
        return member

    samples = list(samples)
    for sample in samples:
        lesion, *patient = _lesion_and_patient(sample)
        for other in patient:
            low, high = sorted((find_root(lesion), find_root(other)))
            # The smaller name wins, so a group's name does not depend on the order of the samples.
            parents[high] = low
    return {sample.image_id: find_root(_lesion_and_patient(sample)[0]) for sample in samples}


def _lesion_and_patient(sample: Sample) -> list[str]:
    """The lesion's key, and the patient's where one is known."""
    lesion = f"l:{sample.lesion_key}"
    return [lesion, f"p:{sample.source}:{sample.patient_id}"] if sample.patient_id else [lesion]


def _split_source(
    samples: Sequence[Sample], groups: Mapping[str, str], *, assigned_before: set[str], seed: int
) -> dict[str, Part]:
    """Group -> part, for the groups without a part. A group is stratified by its rarest label, as
    its source writes it.
    """
    # By the written label, not the trained one: each part gets its share of squamous cell
    # carcinomas too.
    counts = Counter(_written_label(sample) for sample in samples)
    rarest: dict[str, str] = {}
    for sample in samples:
        group, label = groups[sample.image_id], _written_label(sample)
        rarest[group] = min(label, rarest.get(group, label), key=lambda name: (counts[name], name))
    shares = SHARES if len(samples) >= SMALL_SOURCE else SMALL_SHARES
    assigned: dict[str, Part] = {}
    for label in counts:
        candidates = [
            group for group in rarest if rarest[group] == label and group not in assigned_before
        ]
        assigned.update(_split_groups(candidates, shares, seed))
    return assigned


def _written_label(sample: Sample) -> str:
    return sample.facts.get("dx", sample.label).lower()


def _split_groups(
    groups: Iterable[str], shares: Mapping[Part, float], seed: int
) -> dict[str, Part]:
    """Shuffles by a hash: a random generator may differ between platforms and library versions."""
    shuffled = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    for_test = round(shares["test"] * len(shuffled))
    for_validation = round(shares["validation"] * len(shuffled))
    assigned: dict[str, Part] = dict.fromkeys(shuffled, "train")
    assigned.update(dict.fromkeys(shuffled[: for_test + for_validation], "validation"))
    assigned.update(dict.fromkeys(shuffled[:for_test], "test"))
    return assigned


def require_one_part_per_group(
    samples: Iterable[Sample], parts: Mapping[str, Part]
) -> dict[str, Part]:
    """Group -> part, for the groups that the split names a picture of.

    Raises BadDataset where a lesion or a patient is in two parts.
    """
    samples = list(samples)
    groups = group_samples(samples)
    part_of: dict[str, Part] = {}
    for sample in samples:
        part = parts.get(sample.image_id)
        if part is None:
            continue
        for key, name in _keys_kept_together(sample, groups):
            first = part_of.setdefault(key, part)
            if first != part:
                raise BadDataset(f"{name} is on both sides of the split: {first} and {part}.")
    return {group: part_of[f"g:{group}"] for group in groups.values() if f"g:{group}" in part_of}


def _keys_kept_together(sample: Sample, groups: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys that must be in the sample's part, each with its name for an error message."""
    lesion, *patient = _lesion_and_patient(sample)
    yield lesion, f"The lesion {sample.lesion_id} in {sample.source}"
    for key in patient:
        yield key, f"The patient {sample.patient_id} in {sample.source}"
    group = f"g:{groups[sample.image_id]}"
    yield group, f"What belongs to {sample.image_id} in {sample.source} by lesions and patients"


def refuse_leakage(parts: Mapping[str, Part], model: Path) -> None:
    """Raises BadDataset where training pictures of a model are now in validation or test.

    A model that came without its split cannot be checked.
    """
    if not (model / SPLIT).is_file():
        return
    before = read_split(model / SPLIT)
    leaked = [i for i, part in parts.items() if part != "train" and before.get(i) == "train"]
    if leaked:
        raise BadDataset(
            f"The model in {model} was trained on {len(leaked)} pictures that are now in "
            f"validation or test, {leaked[0]} among them: train on its split (--split)."
        )


def write_split(parts: Mapping[str, Part], path: Path) -> None:
    """Writes the image ids of each part, and nothing else: no picture, nothing about a person."""
    by_part = {
        part: sorted(image for image, where in parts.items() if where == part) for part in PARTS
    }
    path.write_text(json.dumps(by_part, indent=0) + "\n", encoding="utf-8")


def read_split(path: Path) -> dict[str, Part]:
    try:
        by_part = json.loads(path.read_text(encoding="utf-8"))
        return {image: part for part in PARTS for image in by_part[part]}
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise BadDataset(
            f"{path} is not a split file: it needs the lists train, validation and test."
        ) from broken
