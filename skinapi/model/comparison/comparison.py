"""Compares two photos of one spot and describes the changes with sentences of the table of
conditions.

A change counts only above `UNCERTAINTY`, the difference between two photos of a lesion taken in
succession, as measured by `python -m bench.comparisons`. Area, mean colour and asymmetry are those
of the whole spot. `changed_part` compares parts of it and the surrounding skin.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.base.languages import NUMBERS, LocalizedText
from skinapi.base.stored_record import StoredRecord
from skinapi.model.comparison.alignment import (
    LEAST_CORRELATION,
    SIDES,
    Fit,
    Mask,
    Similarity,
    blur,
    draw_in_first,
    find_fit,
    fit_skin,
    overlap,
    resized,
    small_copy,
)
from skinapi.model.comparison.changed_part import (
    ChangedPart,
    find_changed_part,
    match_light,
    to_lab,
    to_linear,
    to_pixels,
)
from skinapi.model.comparison.outline import (
    EDGES,
    Numbers,
    find_lesion,
    shape_within,
    shrink_smoothly,
)
from skinapi.model.conditions import ComparisonWords, conditions_table
from skinapi.model.decoding.photo import Photo
from skinapi.model.network.picture import measure_quality

LEAST_OVERLAP = 0.50
# Measurements use copies with the shorter side of the last refinement.
SIDE = SIDES[-1]
# The share of a lesion that may lie at the edge of what both photos show.
MOST_CUT_OFF = 0.02


class Measure(StrEnum):
    """What may change: the area by a share of what it was, the mean colour and the part that
    changed most by a distance in CIELAB (negative where it became darker), the asymmetry from 0 to
    1.
    """

    AREA = "area"
    COLOUR = "colour"
    ASYMMETRY = "asymmetry"
    PART = "part"


# Two pictures of one lesion of HAM10000 differ by less than this in 95 % of the cases (of 40), the
# mean colours in 98 % (of 66). What a part may differ by depends on the two photos.
UNCERTAINTY = {Measure.AREA: 0.22, Measure.COLOUR: 13.2, Measure.ASYMMETRY: 0.13}


class NotComparable(StrEnum):
    """Why two photos cannot be compared."""

    QUALITY = "quality"
    NO_FIT = "no_fit"
    LITTLE_OVERLAP = "little_overlap"
    # For stored photos of findings; `compare` always has both photos.
    NOT_KEPT = "not_kept"
    LOST = "lost"


class NotMeasured(StrEnum):
    """Why a change was not measured, though the photos fit."""

    NO_OUTLINE = "no_outline"
    CUT_OFF = "cut_off"
    # The area alone: without a pattern of the skin that both show, nothing tells a larger lesion
    # from a nearer camera.
    NO_SCALE = "no_scale"
    # Only for a part: its change could remain undetected.
    OTHER_COLOURS = "other_colours"
    TOO_DARK = "too_dark"


class Alignment(StoredRecord):
    scale: float
    degrees: float
    across: float
    down: float
    correlation: float
    overlap: float

    @classmethod
    def from_fit(cls, fit: Fit) -> Self:
        return cls(
            scale=round(fit.by.scale, 4),
            degrees=round(fit.by.degrees, 2),
            across=round(float(fit.by.across), 4),
            down=round(float(fit.by.down), 4),
            correlation=round(fit.correlation, 3),
            overlap=round(fit.overlap, 3),
        )

    @property
    def similarity(self) -> Similarity:
        return Similarity.from_parameters(
            scale=self.scale, degrees=self.degrees, across=self.across, down=self.down
        )


class Change(StoredRecord):
    measure: Measure
    value: float
    uncertainty: float
    measurable: bool

    @property
    def error(self) -> float:
        """The uncertainty in the direction of the change: 22 % larger is as large a change as 18 %
        smaller.
        """
        shrunk = self.measure is Measure.AREA and self.value < 0
        return self.uncertainty / (1 + self.uncertainty) if shrunk else self.uncertainty


class Comparison(StoredRecord):
    """Either an alignment or the reason why there is none, and each measured change.
    `part_not_measured` is why no part was compared, or why it cannot be called unchanged.
    """

    alignment: Alignment | None = None
    not_comparable: NotComparable | None = None
    changes: tuple[Change, ...] = ()
    not_measured: NotMeasured | None = None
    part_not_measured: NotMeasured | None = None

    @property
    def beyond_error(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.measurable)

    @property
    def has_changed(self) -> bool:
        return bool(self.beyond_error)


class _Pair(NamedTuple):
    first: Numbers
    second: Numbers
    common: Mask
    box: tuple[slice, slice]


class _Outlines(NamedTuple):
    masks: tuple[Mask, Mask]
    pixels: tuple[Numbers, Numbers]

    def at(self, shape: tuple[int, ...]) -> tuple[Mask, Mask]:
        return resized(self.masks[0], shape), resized(self.masks[1], shape)


class _Outlined(NamedTuple):
    pair: _Pair
    outlines: _Outlines | None
    not_measured: NotMeasured | None


def compare(first: Photo, second: Photo) -> Comparison:
    if any(measure_quality(photo).reasons for photo in (first, second)):
        return Comparison(not_comparable=NotComparable.QUALITY)
    fit = find_fit(first.pixels, second.pixels)
    if reason := refuse_fit(fit):
        return Comparison(not_comparable=reason)
    return _measure(first.pixels, second.pixels, fit)


def refuse_fit(fit: Fit) -> NotComparable | None:
    if fit.correlation < LEAST_CORRELATION:
        return NotComparable.NO_FIT
    return NotComparable.LITTLE_OVERLAP if fit.overlap < LEAST_OVERLAP else None


def _measure(first: Image.Image, second: Image.Image, fit: Fit) -> Comparison:
    outlined = _outlined(first, second, fit.by)
    by_skin = None
    if outlined.outlines and outlined.not_measured is None:
        where = _within_first(first, outlined.pair, outlined.outlines)
        by_skin = fit_skin(first, second, fit.by, *where)
    if by_skin is not None:
        fit = by_skin
        outlined = _outlined(first, second, fit.by)
    pair, outlines, not_measured = outlined
    masks = outlines.at(pair.common.shape) if outlines else None
    part = find_changed_part(pair.first, pair.second, pair.common, masks)
    changes: list[Change] = []
    if outlines and not_measured is None:
        shape = [] if by_skin is None else [_area(outlines)]
        shape.append(_asymmetry(outlines))
        not_measured = NotMeasured.NO_SCALE if by_skin is None else None
        if part and part.outlines_agree and any(change.measurable for change in shape):
            shape, not_measured = [], NotMeasured.NO_OUTLINE
        changes += [*shape, *_colour(pair, outlines)]
    part_not_measured = _why_unknown(part)
    if part and part_not_measured is None:
        distance = -part.distance if part.darker else part.distance
        changes.append(_change(Measure.PART, distance, size=part.distance, error=part.error))
    return Comparison(
        alignment=Alignment.from_fit(fit),
        changes=tuple(changes),
        not_measured=not_measured,
        part_not_measured=part_not_measured,
    )


def _outlined(first: Image.Image, second: Image.Image, by: Similarity) -> _Outlined:
    pair = _in_one_frame(first, second, by)
    outlines = _find_outlines(pair)
    if outlines is None:
        return _Outlined(pair, None, NotMeasured.NO_OUTLINE)
    item, other = outlines.at(pair.common.shape)
    if (skin := pair.common & ~item & ~other).any():
        pair = pair._replace(second=match_light(pair.second, pair.first, skin))
    edge = resized(blur((~pair.common).astype(np.float32), 1.5) > 0.05, outlines.masks[0].shape)
    cut_off = any((mask & edge).sum() > MOST_CUT_OFF * mask.sum() for mask in outlines.masks)
    return _Outlined(pair, outlines, NotMeasured.CUT_OFF if cut_off else None)


def _in_one_frame(first: Image.Image, second: Image.Image, by: Similarity) -> _Pair:
    fixed = small_copy(first, SIDE)
    # With about the same resolution of the skin as the first.
    moved = small_copy(second, round(np.clip(SIDE / by.scale, SIDE / 2, 2 * SIDE)))
    common = overlap(fixed.size, moved.size, by)
    rows, columns = np.nonzero(common)
    box = _bounds(rows), _bounds(columns)
    lights = [
        to_linear(np.asarray(item, np.float64)[box])
        for item in (fixed, draw_in_first(moved, by, fixed.size))
    ]
    matched = match_light(lights[1], lights[0], common[box])
    return _Pair(lights[0], matched, common[box], box)


def _bounds(places: NDArray[np.intp]) -> slice:
    return slice(int(places.min()), int(places.max()) + 1)


def _find_outlines(pair: _Pair) -> _Outlines | None:
    """Both are drawn with the same edges: an edge that suits one photo alone would look like a
    change.
    """
    smooth = tuple(shrink_smoothly(_filled(light, pair)) for light in (pair.first, pair.second))
    for edge in EDGES:
        masks = tuple(find_lesion(item, (edge,)) for item in smooth)
        if masks[0] is not None and masks[1] is not None:
            return _Outlines((masks[0], masks[1]), (smooth[0], smooth[1]))
    return None


def _filled(light: Numbers, pair: _Pair) -> Image.Image:
    inner = np.zeros_like(pair.common)
    margins = [max(1, side // 10) for side in inner.shape]
    inner[margins[0] : -margins[0], margins[1] : -margins[1]] = True
    outer = pair.common & ~inner
    skin = np.median(pair.first[outer if outer.any() else pair.common], axis=0)
    return Image.fromarray(to_pixels(np.where(pair.common[..., None], light, skin)))


def _within_first(first: Image.Image, pair: _Pair, outlines: _Outlines) -> tuple[Mask, Mask]:
    width, height = small_copy(first, SIDE).size
    lesion, shown = np.zeros((2, height, width), bool)
    lesion[pair.box] = resized(outlines.masks[0] | outlines.masks[1], pair.common.shape)
    shown[pair.box] = pair.common
    return lesion, shown


def _area(outlines: _Outlines) -> Change:
    before, after = (float(mask.sum()) for mask in outlines.masks)
    ratio = after / before
    return _change(Measure.AREA, ratio - 1, size=max(ratio, 1 / ratio) - 1)


def _colour(pair: _Pair, outlines: _Outlines) -> Iterator[Change]:
    item, other = outlines.at(pair.common.shape)
    if (item & other).any():
        lights = pair.first[item & other], pair.second[item & other]
        before, after = (to_lab(light).mean(axis=0) for light in lights)
        distance = float(np.linalg.norm(after - before))
        yield _change(Measure.COLOUR, distance, size=distance)


def _asymmetry(outlines: _Outlines) -> Change:
    shapes = [
        shape_within(mask, pixels).asymmetry
        for mask, pixels in zip(outlines.masks, outlines.pixels, strict=True)
    ]
    return _change(Measure.ASYMMETRY, shapes[1] - shapes[0], size=abs(shapes[1] - shapes[0]))


def _why_unknown(part: ChangedPart | None) -> NotMeasured | None:
    if part is None:
        return NotMeasured.CUT_OFF
    if part.has_changed:
        return None
    if part.hidden_by_noise:
        return NotMeasured.OTHER_COLOURS
    return NotMeasured.TOO_DARK if part.hidden_by_dark else None


def _change(measure: Measure, value: float, *, size: float, error: float | None = None) -> Change:
    error = UNCERTAINTY[measure] if error is None else error
    return Change(
        measure=measure,
        value=round(value, 3),
        uncertainty=round(error, 3),
        measurable=size > error,
    )


def summarise(comparison: Comparison) -> tuple[LocalizedText, ...]:
    """Describe what has changed, what has not changed beyond the error, and what could not be
    measured. It never says that the spot has not changed.
    """
    if reason := comparison.not_comparable:
        return (_words().not_comparable.fill(why=_words().why_not_comparable[reason]),)
    changed = comparison.beyond_error
    told = [say_change(change) for change in changed or comparison.changes]
    if not changed and len(told) == len(Measure):
        told = [_words().unchanged]
    return *told, *_all_not_measured(comparison)


def say_change(change: Change) -> LocalizedText:
    if not change.measurable:
        return _words().unchanged_in[change.measure]
    key, size = change.measure.value, abs(change.value)
    if change.measure is Measure.PART:
        return _words().changed_in["darker" if change.value < 0 else key]
    if change.measure is Measure.AREA:
        key = "larger" if change.value > 0 else "smaller"
        return (
            _words()
            .changed_in[key]
            .fill(
                change=_percent(math.ceil(round(100 * size, 1))),
                error=_percent(int(100 * change.error)),
            )
        )
    return _words().changed_in[key].fill(change=_number(size), error=_number(change.error))


def _all_not_measured(comparison: Comparison) -> Iterator[LocalizedText]:
    words, why = _words(), comparison.not_measured
    if why:
        sentence = words.area_not_measured if why is NotMeasured.NO_SCALE else words.not_measured
        yield sentence.fill(why=words.why_not_measured[why])
    if comparison.part_not_measured and why in {None, NotMeasured.NO_SCALE}:
        yield words.part_not_measured.fill(why=words.why_not_measured[comparison.part_not_measured])


def _percent(number: int) -> LocalizedText:
    """The change was rounded up and the error down, so it is never understated."""
    return LocalizedText.by(
        lambda language: NUMBERS[language].write_share(number / 100, decimals=0)
    )


def _number(number: float) -> LocalizedText:
    return LocalizedText.by(lambda language: NUMBERS[language].write(number, decimals=2))


def _words() -> ComparisonWords:
    return conditions_table().notices.comparison
