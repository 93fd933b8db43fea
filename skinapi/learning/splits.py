"""Who is learned from, who is watched, who is read once: by lesion, stratified, the same on every
machine.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from skinapi.errors import BadDataset
from skinapi.learning.datasets import Sample

Part = Literal["train", "validation", "test"]
SPLIT = "split.json"
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHARES: Mapping[Part, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}


def split_by_lesion(samples: Iterable[Sample], *, seed: int = 0) -> dict[str, Part]:
    """Image id -> part. All pictures of one lesion land together; every class is dealt out by the
    shares.
    """
    samples = list(samples)
    label_of: dict[str, str] = {}
    for sample in samples:
        label_of[sample.lesion_id] = min(sample.label, label_of.get(sample.lesion_id, sample.label))
    strata: dict[str, list[str]] = defaultdict(list)
    for lesion_id in sorted(label_of):
        strata[label_of[lesion_id]].append(lesion_id)
    dealt: dict[str, Part] = {}
    for label in sorted(strata):
        dealt.update(_deal(strata[label], seed))
    return {sample.image_id: dealt[sample.lesion_id] for sample in samples}


def _deal(lesion_ids: list[str], seed: int) -> dict[str, Part]:
    """Shuffled by a hash: no platform and no library's random generator has a say."""
    shuffled = sorted(
        lesion_ids, key=lambda lesion: hashlib.sha256(f"{seed}:{lesion}".encode()).digest()
    )
    for_test = round(SHARES["test"] * len(shuffled))
    for_validation = round(SHARES["validation"] * len(shuffled))
    dealt: dict[str, Part] = {}
    for position, lesion_id in enumerate(shuffled):
        if position < for_test:
            dealt[lesion_id] = "test"
        elif position < for_test + for_validation:
            dealt[lesion_id] = "validation"
        else:
            dealt[lesion_id] = "train"
    return dealt


def check_split(samples: Iterable[Sample], parts: Mapping[str, Part]) -> None:
    """Refuses a given split that forgets a picture or lets one lesion stand on both sides."""
    side: dict[str, Part] = {}
    for sample in samples:
        part = parts.get(sample.image_id)
        if part is None:
            raise BadDataset(f"The split does not say where the picture {sample.image_id} belongs.")
        first = side.setdefault(sample.lesion_id, part)
        if first != part:
            raise BadDataset(
                f"The lesion {sample.lesion_id} is on both sides of the split: {first} and {part}."
            )


def check_unseen(parts: Mapping[str, Part], model: Path) -> None:
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
