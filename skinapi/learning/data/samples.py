"""One labelled picture, and the choice of some among many."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.vision.context import Modality
from skinapi.vision.picture import open_picture

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture. Where a table knows no lesions, each picture is its own.

    `source` names the data set, `modality` how the picture was taken. `patient_id` is empty where
    nobody knows it. Where `box` is set (left, top, right, bottom, in pixels as decoded), only that
    part of the file is the sample: open it with `open_sample`, never by its path.
    `facts["dx"]` is the label as the data set writes it.
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
        """Two sources may give the same id to different lesions."""
        return f"{self.source}:{self.lesion_id}"


def open_sample(sample: Sample) -> Image.Image:
    """Upright RGB, decoded as in serving, and only the sample's box of it."""
    picture = open_picture(sample.path.read_bytes())
    return picture if sample.box is None else picture.crop(sample.box)


def read_sample(sample: Sample) -> bytes:
    """The file as it would be uploaded; of a box, a PNG of exactly those pixels."""
    if sample.box is None:
        return sample.path.read_bytes()
    encoded = io.BytesIO()
    open_sample(sample).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def select_part(samples: Iterable[Sample], parts: Mapping[str, str], part: str) -> list[Sample]:
    return [sample for sample in samples if parts.get(sample.image_id) == part]


def subsample(samples: Sequence[Sample], *, most: int, by: Callable[[Sample], str]) -> list[Sample]:
    """Evenly chosen within every group, at most so many of each."""
    kept: list[Sample] = []
    for group in sorted({by(sample) for sample in samples}):
        members = [sample for sample in samples if by(sample) == group]
        rows = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)
        kept += [members[row] for row in rows]
    return kept


def one_per_lesion(samples: Iterable[Sample]) -> list[Sample]:
    """The first picture of each lesion by name."""
    first: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        first.setdefault(sample.lesion_key, sample)
    return list(first.values())


def first_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    """By name: this half may be looked at while choosing, the later half is for the figure."""
    return sorted(samples, key=lambda sample: sample.image_id)[: len(samples) // 2]


def second_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    return sorted(samples, key=lambda sample: sample.image_id)[len(samples) // 2 :]
