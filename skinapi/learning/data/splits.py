"""Who is learned from, who is watched, who is read once: by patient and lesion, stratified, the
same on every machine.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import Sample

Part = Literal["train", "validation", "test"]
SPLIT = "split.json"
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHARES: Mapping[Part, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}
# Of a small source a tenth holds too few malignant pictures to fit its modality's thresholds.
SMALL_SOURCE = 1000
SMALL_SHARES: Mapping[Part, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}


def split_samples(
    samples: Iterable[Sample], *, given: Mapping[str, Part] | None = None, seed: int = 0
) -> dict[str, Part]:
    """Image id -> part. All pictures of one patient and of one lesion land together; every class of
    every source is dealt out by the shares.

    What `given` names stays where it was, and the other pictures of its lesions and patients follow
    it; it may name only some pictures. Raises BadDataset where it splits a lesion or a patient.
    """
    samples = list(samples)
    groups = group_samples(samples)
    parts = check_split(samples, given or {})
    by_source: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(sample)
    for members in by_source.values():
        parts |= _split_source(members, groups, settled=set(parts), seed=seed)
    return {sample.image_id: parts[groups[sample.image_id]] for sample in samples}


def group_samples(samples: Iterable[Sample]) -> dict[str, str]:
    """Image id -> group: everything joined by a lesion or a patient, named by its smallest member
    (lesions first).
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
            parents[high] = low
    return {sample.image_id: find_root(_lesion_and_patient(sample)[0]) for sample in samples}


def _lesion_and_patient(sample: Sample) -> list[str]:
    """The lesion, and the patient where one is known."""
    lesion = f"l:{sample.lesion_key}"
    return [lesion, f"p:{sample.source}:{sample.patient_id}"] if sample.patient_id else [lesion]


def _split_source(
    samples: Sequence[Sample], groups: Mapping[str, str], *, settled: set[str], seed: int
) -> dict[str, Part]:
    """Group -> part, of the groups that are not settled yet. A group counts as its rarest label, as
    the source writes it.
    """
    counts = Counter(_written_label(sample) for sample in samples)
    rarest: dict[str, str] = {}
    for sample in samples:
        group, label = groups[sample.image_id], _written_label(sample)
        rarest[group] = min(label, rarest.get(group, label), key=lambda one: (counts[one], one))
    shares = SHARES if len(samples) >= SMALL_SOURCE else SMALL_SHARES
    dealt: dict[str, Part] = {}
    for label in counts:
        alike = [group for group in rarest if rarest[group] == label and group not in settled]
        dealt.update(_split_groups(alike, shares, seed))
    return dealt


def _written_label(sample: Sample) -> str:
    return sample.facts.get("dx", sample.label).lower()


def _split_groups(
    groups: Iterable[str], shares: Mapping[Part, float], seed: int
) -> dict[str, Part]:
    """Shuffled by a hash: no platform and no library's random generator has a say."""
    shuffled = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    for_test = round(shares["test"] * len(shuffled))
    for_validation = round(shares["validation"] * len(shuffled))
    dealt: dict[str, Part] = {}
    for position, group in enumerate(shuffled):
        if position < for_test:
            dealt[group] = "test"
        elif position < for_test + for_validation:
            dealt[group] = "validation"
        else:
            dealt[group] = "train"
    return dealt


def check_split(samples: Iterable[Sample], parts: Mapping[str, Part]) -> dict[str, Part]:
    """Group -> part, of the groups that the split names a picture of. Refuses a split that lets one
    lesion or one patient stand on both sides.
    """
    samples = list(samples)
    groups = group_samples(samples)
    sides: dict[str, Part] = {}
    for sample in samples:
        part = parts.get(sample.image_id)
        if part is None:
            continue
        for key, name in _keys_kept_together(sample, groups):
            first = sides.setdefault(key, part)
            if first != part:
                raise BadDataset(f"{name} is on both sides of the split: {first} and {part}.")
    return {group: sides[f"g:{group}"] for group in groups.values() if f"g:{group}" in sides}


def _keys_kept_together(sample: Sample, groups: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Everything that must stay together with the sample: its key, and what people call it."""
    lesion, *patient = _lesion_and_patient(sample)
    yield lesion, f"The lesion {sample.lesion_id} in {sample.source}"
    for key in patient:
        yield key, f"The patient {sample.patient_id} in {sample.source}"
    group = f"g:{groups[sample.image_id]}"
    yield group, f"What belongs to {sample.image_id} in {sample.source} by lesions and patients"


def check_leakage(parts: Mapping[str, Part], model: Path) -> None:
    """What a model once learned from may be learned again, but neither watched nor measured. One
    that came without its split cannot be asked.
    """
    if not (model / SPLIT).is_file():
        return
    before = read_split(model / SPLIT)
    leaked = [i for i, part in parts.items() if part != "train" and before.get(i) == "train"]
    if leaked:
        raise BadDataset(
            f"The model in {model} has learned from {len(leaked)} pictures that are now to be "
            f"watched or measured, {leaked[0]} among them: train on its split (--split)."
        )


def write_split(parts: Mapping[str, Part], path: Path) -> None:
    """Ids only: a split file carries no picture and nothing about a person."""
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
