"""How well the outline that is found agrees with outlines that experts drew.

    python -m tests.bench.outlines --images DIR --masks DIR [--count 200]

A mask is a PNG with the name and size of its picture, white within the lesion. The pictures are
spread evenly over the names. All figures are at the scale at which the outline is searched
(128 pixels on the shorter side); the shape within both outlines is measured by the same code.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from skinapi.vision.decoding.photo import read_photo
from skinapi.vision.measures.connected_components import Mask
from skinapi.vision.measures.outline import (
    Numbers,
    Shape,
    find_lesion,
    shape_within,
    shrink_smoothly,
)

Item = TypeVar("Item")
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Agreement:
    """Of one picture. `area_error` is relative to the expert's area, `found` and `drawn` are the
    shapes within the two outlines.
    """

    dice: float
    jaccard: float
    area_error: float
    found: Shape
    drawn: Shape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    masks = spread(sorted(options.masks.glob("*.png")), options.count)
    pairs = [(options.images / f"{mask.stem}.jpg", mask) for mask in masks]
    each = [compare_outlines(*pair) for pair in pairs if pair[0].exists()]
    sys.stdout.write("\n".join(table(each)) + "\n")


def spread(all_of_them: list[Item], count: int) -> list[Item]:
    """So many of them, at equal distances."""
    places = np.linspace(0, len(all_of_them), min(count, len(all_of_them)), endpoint=False)
    return [all_of_them[int(place)] for place in places]


def compare_outlines(picture: Path, drawn: Path) -> Agreement | None:
    """None if no outline is clear enough to measure."""
    pixels = shrink_smoothly(read_photo(picture.read_bytes()).pixels)
    found = find_lesion(pixels)
    if found is None:
        return None
    height, width = found.shape
    with Image.open(drawn) as mask:
        expert = np.asarray(mask.convert("L").resize((width, height), Image.Resampling.BOX)) > 127
    return agreement(found, expert, pixels)


def agreement(found: Mask, drawn: Mask, pixels: Numbers) -> Agreement:
    both, either = (found & drawn).sum(), (found | drawn).sum()
    return Agreement(
        dice=float(2 * both / (found.sum() + drawn.sum())),
        jaccard=float(both / either),
        area_error=float(found.sum() / drawn.sum() - 1),
        found=shape_within(found, pixels),
        drawn=shape_within(drawn, pixels),
    )


def table(each: list[Agreement | None]) -> Iterator[str]:
    found = [one for one in each if one]
    yield f"{len(each)} pictures, an outline found in {len(found)} ({len(found) / len(each):.1%})"
    yield f"{'':24}" + "".join(f"{share:>9.0%}" for share in SHARES)
    for name in ("dice", "jaccard", "area_error"):
        yield row(name, [getattr(one, name) for one in found])
    for name in asdict(found[0].found):
        differences = [getattr(one.found, name) - getattr(one.drawn, name) for one in found]
        yield row(f"{name}, found - drawn", differences)


def row(name: str, values: list[float]) -> str:
    return f"{name:24}" + "".join(f"{level:9.3f}" for level in np.quantile(values, SHARES))


if __name__ == "__main__":
    main()
