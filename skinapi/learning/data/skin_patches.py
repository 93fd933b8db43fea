"""Cuts samples of normal skin out of pictures of lesions, so that healthy skin also occurs with
each source's camera and light.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from skinapi.learning.data.samples import Box, Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.model.comparison.outline import (
    Mask,
    Numbers,
    find_lesion,
    search_scale,
    shrink_smoothly,
)
from skinapi.model.conditions import NORMAL_SKIN

# The skin around these is sun-damaged, so it is not normal skin.
NEVER_CUT_FROM = ("actinic_keratosis", "squamous_cell_carcinoma", NORMAL_SKIN)
# From a source as large as HAM10000 one lesion in three is enough.
LARGE_SOURCE = 5000
THINNED_TO_ONE_IN = 3
# In pixels of the shrunk picture, whose shorter side is 128.
PATCH_SIDES = (72, 64, 56, 50, 44, 40)
STEP = 4
MARGIN = 13
DARK = 60
MOST_OFF_COLOUR = 45
MOST_UNCLEAN = 0.002
SKIN_FACTS = ("age", "sex", "localization", "fitzpatrick", "skin_tone")


def cut_normal_skin(
    samples: Sequence[Sample], *, source_sizes: Mapping[str, int], report: Report
) -> list[Sample]:
    """At most one patch for each patient, or for each lesion if the patient is unknown.

    A patch inherits lesion, patient, source and modality of its picture, so cut it after the split.
    `source_sizes` are the numbers of pictures of the whole sources.
    """
    chosen = [sample for sample in samples if _may_be_cut(sample, source_sizes)]
    progress = Progress("normal skin", len(chosen), report)
    patches: dict[tuple[str, str], Sample] = {}
    for sample in sorted(chosen, key=lambda sample: sample.image_id):
        person = (sample.source, sample.patient_id or sample.lesion_key)
        if person not in patches and (box := find_skin(open_sample(sample))) is not None:
            patches[person] = _cut(sample, box)
        progress.advance()
    return list(patches.values())


def _may_be_cut(sample: Sample, source_sizes: Mapping[str, int]) -> bool:
    if sample.label in NEVER_CUT_FROM or sample.box is not None:
        return False
    if source_sizes[sample.source] < LARGE_SOURCE:
        return True
    # By a hash of the lesion, so that they are the same everywhere.
    hashed = hashlib.sha256(sample.lesion_id.encode()).hexdigest()
    return int(hashed, 16) % THINNED_TO_ONE_IN == 0


def _cut(sample: Sample, box: Box) -> Sample:
    facts = {name: sample.facts[name] for name in SKIN_FACTS if name in sample.facts}
    return replace(
        sample,
        image_id=f"{sample.image_id}#skin",
        label=NORMAL_SKIN,
        facts={**facts, "dx": NORMAL_SKIN},
        box=box,
    )


def find_skin(picture: Image.Image) -> Box | None:
    pixels = shrink_smoothly(picture)
    lesion = find_lesion(pixels)
    if lesion is None:
        return None
    unclean = _find_unclean(pixels, lesion)
    for side in PATCH_SIDES:
        corner = _find_farthest(unclean, lesion, side)
        if corner is not None:
            return _scale_box(corner, side, picture)
    return None


def _find_unclean(pixels: Numbers, lesion: Mask) -> Mask:
    mask = Image.fromarray(lesion.astype(np.uint8) * 255)
    margin = np.asarray(mask.filter(ImageFilter.MaxFilter(MARGIN))) > 0
    if margin.all():
        return margin
    # The median, because hairs and vessels are few but far from the skin's colour.
    skin = np.median(pixels[~margin], axis=0)
    off_colour = np.sqrt(np.square(pixels - skin).sum(axis=-1))
    unclean: Mask = margin | (pixels.mean(axis=-1) < DARK) | (off_colour > MOST_OFF_COLOUR)
    return unclean


def _find_farthest(unclean: Mask, lesion: Mask, side: int) -> tuple[int, int] | None:
    if min(unclean.shape) < side:
        return None
    # A summed-area table counts the unclean pixels of all squares at once.
    sums = np.pad(unclean.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    counts = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    clean = counts[::STEP, ::STEP] <= MOST_UNCLEAN * side**2
    if not clean.any():
        return None
    rows, columns = np.nonzero(lesion)
    down, across = np.ogrid[: clean.shape[0], : clean.shape[1]]
    distance = np.hypot(
        down * STEP + side / 2 - rows.mean(), across * STEP + side / 2 - columns.mean()
    )
    top, left = np.unravel_index(int(np.where(clean, distance, -1.0).argmax()), clean.shape)
    return int(left) * STEP, int(top) * STEP


def _scale_box(corner: tuple[int, int], side: int, picture: Image.Image) -> Box:
    scale = 1 / search_scale(picture.size)
    left, top = corner
    return (
        round(left * scale),
        round(top * scale),
        min(round((left + side) * scale), picture.width),
        min(round((top + side) * scale), picture.height),
    )
