"""How often a comparison misses a part that was painted into the second of two photos, and how
often it sees a change where there is none, for `python -m tests.bench.comparisons alarms`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from skinapi.vision.comparison.comparison import Comparison, Measure, compare
from skinapi.vision.comparison.similarity import Mask, Similarity, overlap
from skinapi.vision.decoding.photo import Photo
from skinapi.vision.measures.outline import find_lesion, shrink_smoothly
from tests.bench.known_changes import SHARE, Alarm, paint, random_view, take_view
from tests.vision.photos import as_photo

UNCHANGED, UNKNOWN, CHANGED = "told as unchanged", "cannot be compared or measured", "changed"


def alarms(lesions: Sequence[Sequence[Photo]], seed: int) -> Iterator[str]:
    """Of each lesion two photos. `view`: the first one and a view of it that was moved, turned,
    lit, blurred and compressed; `pair`: both photos. It is painted where both photos show it.
    """
    told: dict[str, list[Comparison]] = defaultdict(list)
    for place, (first, second) in enumerate(lesions):
        random = np.random.default_rng([seed, place])
        by, taken = random_view(random), int(random.integers(2**31))
        size = tuple(round(SHARE * side) for side in first.pixels.size)
        pair = compare(first, second)
        told["nothing, pair"].append(pair)
        view = take_view(first.pixels, by, np.random.default_rng(taken))
        told["nothing, view"].append(compare(first, as_photo(view)))
        for alarm in Alarm:
            painted = _painted(first.pixels, (size[0], size[1]), by, alarm, random)
            if painted:
                view = take_view(painted, by, np.random.default_rng(taken))
                told[f"{alarm}, view"].append(compare(first, as_photo(view)))
            if pair.alignment:
                to_first = pair.alignment.similarity
                painted = _painted(second.pixels, first.pixels.size, to_first, alarm, random)
                if painted:
                    told[f"{alarm}, pair"].append(compare(first, as_photo(painted)))
    for name in sorted(told, key=lambda name: name.split(", ")[::-1]):
        yield from _shown(name, told[name])


def _painted(
    picture: Image.Image,
    other: tuple[int, int],
    by: Similarity,
    alarm: Alarm,
    random: np.random.Generator,
) -> Image.Image | None:
    """None where no outline is clear enough to say what a share of the area is, or no place is.
    `by` says where a point of the other photo lies in this picture.
    """
    found = find_lesion(shrink_smoothly(picture))
    if found is None:
        return None
    drawn = Image.fromarray(found).resize(picture.size, Image.Resampling.NEAREST)
    lesion: Mask = np.asarray(drawn, bool)
    return paint(picture, lesion, overlap(picture.size, other, by.inverse()), alarm, random)


def _shown(name: str, each: list[Comparison]) -> Iterator[str]:
    """`before`: by area, mean colour and asymmetry alone."""
    whole = [measure for measure in Measure if measure is not Measure.PART]
    for which, measures in (("", list(Measure)), ("before: ", whole)):
        counts = Counter(_answer(one, measures) for one in each)
        answers = ", ".join(
            f"{answer} {counts[answer]}" for answer in (UNCHANGED, UNKNOWN, CHANGED)
        )
        yield f"{name if not which else '':44} {which:8} of {len(each)}: {answers}"


def _answer(comparison: Comparison, measures: Sequence[Measure]) -> str:
    found = [change for change in comparison.changes if change.measure in measures]
    if any(change.measurable for change in found):
        return CHANGED
    part_unknown = Measure.PART in measures and comparison.part_not_measured
    return UNKNOWN if part_unknown or not found else UNCHANGED
