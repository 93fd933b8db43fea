"""A labelled picture, what its data set says of the patient, and how some of many are selected."""

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from skinapi.base.errors import Refused, UnreadablePicture
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import (
    AGE_BANDS,
    BODY_SITES,
    TONE_OF_TYPE,
    AgeBand,
    BodySite,
    Context,
    Fitzpatrick,
    Modality,
    SkinTone,
)
from skinapi.model.dataset_labels import SQUAMOUS, label_spellings, other_diseases
from skinapi.model.decoding.photo import Photo, read_photo

Box = tuple[int, int, int, int]
UNKNOWN = "unknown"
# By the words of the data sets.
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
TONE_OF_STEP = (
    SkinTone.DARK,
    SkinTone.DARK,
    SkinTone.MEDIUM,
    SkinTone.MEDIUM,
    SkinTone.LIGHT,
    SkinTone.LIGHT,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled picture, or a part of one.

    - `lesion_id`: the picture's own id where the data set knows no lesions
    - `facts`: what the table says of the patient; `facts["dx"]` is the label as written there
    - `source`: the name of the data set
    - `patient_id`: empty where it is not known
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
        """Whether it shows a disease that no model names: it may only teach the doubt."""
        return self.label in other_diseases().values()

    @property
    def is_squamous(self) -> bool:
        """Whether the data set labels it as squamous cell carcinoma, whatever it is trained as."""
        written = self.facts.get("dx", "").strip().lower()
        return SQUAMOUS in (self.label, label_spellings().get(written))


def label_for(samples: Iterable[Sample], outputs: Collection[str]) -> list[Sample]:
    """The samples with the labels that a network of these outputs learns: without an output for
    squamous cell carcinoma, that is actinic keratosis. Other labels stay, known or not.
    """
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
    """Decode as serving does. Raises UnreadablePicture for what serving would refuse to decode."""
    try:
        return read_photo(content)
    except Refused as refused:
        raise UnreadablePicture from refused


def open_sample(sample: Sample) -> Image.Image:
    """The picture in upright RGB, decoded as in serving and cropped to the sample's box."""
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
    """The samples in one part of a split."""
    return [sample for sample in samples if parts.get(sample.image_id) == part]


def select_fitting(samples: Iterable[Sample], parts: Mapping[str, str]) -> list[Sample]:
    """The samples in any part but the test part, which measures what was fitted."""
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
    """One picture of each lesion: the first by name."""
    first: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        first.setdefault(sample.lesion_key, sample)
    return list(first.values())


def fitting_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Every other sample by name, for fitting; `measuring_half` has the rest. Names often sort by
    what is shown, so the first of them would lack whole kinds of it.
    """
    return sorted(samples, key=lambda sample: sample.image_id)[::2]


def measuring_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    return sorted(samples, key=lambda sample: sample.image_id)[1::2]


def patient_context(sample: Sample) -> Context:
    """The patient's facts in the data set, as a client would send them."""
    sex = sample.facts.get("sex", "").lower()
    return Context(
        modality=sample.modality,
        age_band=_age_band(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=SITES.get(site_word(sample.facts.get("localization", ""))),
    )


def _age_band(age: str) -> AgeBand | None:
    try:
        years = float(age)
    except ValueError:
        return None
    return next((band for band in AGE_BANDS if years >= 0 and years < _end_of(band)), None)


def _end_of(band: str) -> float:
    return float("inf") if band.endswith("+") else int(band.split("-")[1]) + 1


def site_word(written: str) -> str:
    """A body site as SITES has it: some tables write `lower_extremity`."""
    return written.strip().lower().replace("_", " ")


def skin_tone(sample: Sample) -> SkinTone | None:
    """By the column skin_tone (our word, or a step of MILK10k), else by the Fitzpatrick type."""
    told = sample.facts.get("skin_tone", "").strip().lower()
    if told in list(SkinTone):
        return SkinTone(told)
    step, skin_type = _whole(told), _whole(sample.facts.get("fitzpatrick", ""))
    if step is not None and 0 <= step < len(TONE_OF_STEP):
        return TONE_OF_STEP[step]
    return next((TONE_OF_TYPE[one] for one in get_args(Fitzpatrick) if one == skin_type), None)


def _whole(text: str) -> int | None:
    """Some tables write 2.0."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None
