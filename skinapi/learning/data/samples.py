import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from skinapi.base.errors import BadDataset, Refused, UnreadablePicture
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import (
    BODY_SITES,
    TONE_OF_TYPE,
    BodySite,
    Context,
    Fitzpatrick,
    Modality,
    SkinTone,
    age_band_of,
)
from skinapi.model.dataset_labels import SIGNS, SQUAMOUS, label_spellings, other_diseases
from skinapi.model.decoding.photo import Photo, read_photo
from skinapi.model.network.model import PARTS, SPLIT, Part

Box = tuple[int, int, int, int]
UNKNOWN = "unknown"
# Keyed by the data sets' words.
SITES: Mapping[str, BodySite] = {
    **{site.replace("_", " "): site for site in BODY_SITES},
    "acral nos": "acral",
    "acral palms or soles": "acral",
    "anterior torso": "trunk",
    "arm": "upper_extremity",
    "forearm": "upper_extremity",
    "head neck face": "face",
    "head/neck": "face",
    "lateral torso": "trunk",
    "lip": "face",
    "nose": "face",
    "palms/soles": "acral",
    "posterior torso": "back",
    "thigh": "lower_extremity",
}
# MILK10k's steps, from 0 (very dark) to 5 (very light). docs/training.md says why pairs.
TONE_OF_STEP = [tone for tone in (SkinTone.DARK, SkinTone.MEDIUM, SkinTone.LIGHT) for _ in "12"]

SHARES: Mapping[Part, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}
# A tenth of a small source has too few malignant pictures to fit thresholds.
SMALL_SOURCE = 1000
SMALL_SHARES: Mapping[Part, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled picture, or a part of one.

    - `lesion_id`: the picture's own id if the data set does not identify lesions
    - `facts`: the patient's data in the table; `facts["dx"]` is the label as written there
    - `source`: the name of the data set
    - `patient_id`: empty if unknown
    - `box`: left, top, right, bottom in pixels. If set, only this part of the file is the sample,
      so open it with `open_sample`, never by its path
    """

    image_id: str
    path: Path
    label: str
    lesion_id: str
    facts: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    modality: Modality = Modality.UNKNOWN
    patient_id: str = ""
    box: Box | None = None

    @property
    def lesion_key(self) -> str:
        """The lesion's id with its source: two sources may use one id for different lesions."""
        return f"{self.source}:{self.lesion_id}"

    @property
    def is_lesion(self) -> bool:
        return self.label != NORMAL_SKIN

    @property
    def is_other_disease(self) -> bool:
        """A disease that no model names: it is only used to fit the doubt."""
        return self.label in other_diseases().values()

    @property
    def is_squamous(self) -> bool:
        written = self.facts.get("dx", "").strip().lower()
        return SQUAMOUS in (self.label, label_spellings().get(written))


def label_for(samples: Iterable[Sample], outputs: Collection[str]) -> list[Sample]:
    """Without an output for squamous cell carcinoma, its label is actinic keratosis."""
    table = conditions_table()
    return [
        sample
        if sample.label in outputs or sample.label not in table.keys
        else replace(sample, label=table.counted_as(sample.label, outputs) or sample.label)
        for sample in samples
    ]


def source_of(sample: Sample) -> str:
    return sample.source or UNKNOWN


def read_training_photo(content: bytes) -> Photo:
    try:
        return read_photo(content)
    except Refused as refused:
        raise UnreadablePicture from refused


def open_sample(sample: Sample) -> Image.Image:
    picture = read_training_photo(sample.path.read_bytes()).pixels
    return picture if sample.box is None else picture.crop(sample.box)


def read_sample(sample: Sample) -> bytes:
    """The bytes as a user would upload them; for a box a PNG, which keeps its exact pixels."""
    if sample.box is None:
        return sample.path.read_bytes()
    encoded = io.BytesIO()
    open_sample(sample).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def select_part(samples: Iterable[Sample], parts: Mapping[str, str], part: str) -> list[Sample]:
    return [sample for sample in samples if parts.get(sample.image_id) == part]


def select_fitting(samples: Iterable[Sample], parts: Mapping[str, str]) -> list[Sample]:
    return [sample for sample in samples if parts.get(sample.image_id) in ("train", "validation")]


def subsample(samples: Sequence[Sample], *, most: int, by: Callable[[Sample], str]) -> list[Sample]:
    """At most `most` samples of each group, evenly spaced: the same ones in every run."""
    kept: list[Sample] = []
    for group in sorted({by(sample) for sample in samples}):
        members = [sample for sample in samples if by(sample) == group]
        rows = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)
        kept += [members[row] for row in rows]
    return kept


def one_per_lesion(samples: Iterable[Sample]) -> list[Sample]:
    first: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        first.setdefault(sample.lesion_key, sample)
    return list(first.values())


def fitting_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Every other sample by name, because names are often sorted by content."""
    return sorted(samples, key=lambda sample: sample.image_id)[::2]


def measuring_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    return sorted(samples, key=lambda sample: sample.image_id)[1::2]


def patient_context(sample: Sample) -> Context:
    sex = sample.facts.get("sex", "").lower()
    signs = {item: sample.facts[item] for item in SIGNS if item in sample.facts}
    return Context(
        modality=sample.modality,
        age=_read_age(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=SITES.get(site_word(sample.facts.get("localization", ""))),
        checklist=tuple(item for item, told in signs.items() if told == "yes") if signs else None,
    )


def _read_age(written: str) -> int | None:
    try:
        years = float(written)
    except ValueError:
        return None
    return int(years) if age_band_of(years) else None


def site_word(written: str) -> str:
    return written.strip().lower().replace("_", " ")


def skin_tone(sample: Sample) -> SkinTone | None:
    told = sample.facts.get("skin_tone", "").strip().lower()
    if told in list(SkinTone):
        return SkinTone(told)
    step, skin_type = _whole(told), _whole(sample.facts.get("fitzpatrick", ""))
    if step is not None and 0 <= step < len(TONE_OF_STEP):
        return TONE_OF_STEP[step]
    return next((TONE_OF_TYPE[arg] for arg in get_args(Fitzpatrick) if arg == skin_type), None)


def _whole(text: str) -> int | None:
    """Some tables write 2.0."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None


def split_samples(
    samples: Iterable[Sample], *, given: Mapping[str, Part] | None = None, seed: int = 0
) -> dict[str, Part]:
    """Image id -> part. Within each class of each source the parts have their SHARES.

    Pictures in `given` keep their part, and other pictures of the same lesions and patients join
    them.
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
    """Image id -> group: all pictures connected by a lesion or a patient (union-find)."""
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
            # The smaller name wins, so that a group's name is independent of the order.
            parents[high] = low
    return {sample.image_id: find_root(_lesion_and_patient(sample)[0]) for sample in samples}


def _lesion_and_patient(sample: Sample) -> list[str]:
    lesion = f"l:{sample.lesion_key}"
    return [lesion, f"p:{sample.source}:{sample.patient_id}"] if sample.patient_id else [lesion]


def _split_source(
    samples: Sequence[Sample], groups: Mapping[str, str], *, assigned_before: set[str], seed: int
) -> dict[str, Part]:
    """Group -> part, for the groups without a part, stratified by their rarest written label."""
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
    """Shuffle by a hash: a random generator may differ between platforms and library versions."""
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
    lesion, *patient = _lesion_and_patient(sample)
    yield lesion, f"The lesion {sample.lesion_id} in {sample.source}"
    for key in patient:
        yield key, f"The patient {sample.patient_id} in {sample.source}"
    group = f"g:{groups[sample.image_id]}"
    yield group, f"What belongs to {sample.image_id} in {sample.source} by lesions and patients"


def refuse_leakage(parts: Mapping[str, Part], model: Path) -> None:
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
    """Write the image ids of each part, without pictures or personal data."""
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
