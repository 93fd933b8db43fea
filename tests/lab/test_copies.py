"""Copies of a picture are found however they are turned, and where little was cut off."""

import csv
import io
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.lab.trainings import reference
from skinapi.lab.trainings.reference import DuplicateSearch, Windows, describe_picture
from skinapi.model.decoding.photo import shrink_to_thumbnail
from tests.support.size import size

DATA = Path(__file__).parents[3] / "shared" / "data"
SOURCES = ("ham10000", "isic2017", "pad_ufes_20")
ORIGINALS, OTHERS = size(20, 100), size(150, 1500)
MOST_FALSE = 1e-4
LEAST_FOUND = 0.95
Change = Callable[[Image.Image, random.Random], Image.Image]


def described(picture: Image.Image) -> Windows:
    """By the thumbnail that a data set stores."""
    return describe_picture(shrink_to_thumbnail(picture))


def saved(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def crop(picture: Image.Image, cut: float, chance: random.Random) -> Image.Image:
    width, height = round(picture.width * (1 - cut)), round(picture.height * (1 - cut))
    left = chance.randint(0, picture.width - width)
    top = chance.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def turn(picture: Image.Image, chance: random.Random) -> Image.Image:
    return picture.transpose(chance.choice(list(Image.Transpose)))


CHANGES: dict[str, Change] = {
    "saved again": lambda picture, _: picture.reduce(2),
    "mirrored": lambda picture, _: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": turn,
    "crop of 5 %": lambda picture, chance: crop(picture, 0.05, chance),
    "crop of 10 %": lambda picture, chance: crop(picture, 0.1, chance),
    "square": lambda picture, _: square(picture),
    "turned and cropped": lambda picture, chance: crop(turn(picture, chance), 0.1, chance),
    "turned square": lambda picture, chance: square(turn(picture, chance)),
}


def blotches(seed: int) -> Image.Image:
    """A picture that looks like no other."""
    colours = np.random.default_rng(seed).integers(40, 220, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((320, 240), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("way", Image.Transpose)
def test_each_orientation_is_found_and_no_other_picture(way: Image.Transpose) -> None:
    found = DuplicateSearch([described(blotches(n)) for n in range(5)]).mark_copies(
        [described(blotches(3).transpose(way)), described(blotches(30))]
    )
    assert found.tolist() == [True, False]


def test_a_crop_is_found_whichever_of_both_is_the_crop() -> None:
    whole, cut = blotches(1), crop(blotches(1), 0.1, random.Random(0))
    for original, other in ((whole, cut), (cut, whole)):
        assert DuplicateSearch([described(original)]).mark_copies([described(other)]).tolist() == [
            True
        ]


def test_a_picture_of_one_colour_is_a_copy_of_nothing() -> None:
    plain = described(Image.new("RGB", (320, 240), "tan"))
    assert DuplicateSearch([plain]).mark_copies([plain, described(blotches(0))]).tolist() == [
        False,
        False,
    ]


def test_all_are_compared_beyond_the_pictures_that_are_compared_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reference, "AT_ONCE", 2)
    monkeypatch.setattr(reference, "ORIGINALS_AT_ONCE", 3)
    pictures = [described(blotches(n)) for n in range(7)]
    marked = DuplicateSearch(pictures).mark_copies([*pictures, described(blotches(50))])
    assert marked.tolist() == [True] * 7 + [False]


@pytest.mark.skipif(not DATA.is_dir(), reason="skipped: the pictures are not beside the project")
def test_of_real_pictures_nearly_all_copies_are_found_and_hardly_another_picture() -> None:
    """Of three sources, one picture of each patient or lesion."""
    pictures = [Image.open(path).convert("RGB") for path in one_of_each_lesion()]
    originals, others = pictures[:ORIGINALS], pictures[ORIGINALS:]
    known = DuplicateSearch([described(one) for one in originals])
    alike = {
        (one, other)
        for one, other, score in known.compare([described(picture) for picture in others])
        if score > reference.LEAST
    }
    assert len(alike) / (len(originals) * len(others)) <= MOST_FALSE
    chance = random.Random(1)
    for name, change in CHANGES.items():
        changed = [saved(change(one, chance), chance.choice((60, 85, 95))) for one in originals]
        hits = {
            one
            for one, other, score in known.compare([described(each) for each in changed])
            if one == other and score > reference.LEAST
        }
        share = len(hits) / len(originals)
        sys.stdout.write(f"{name}: {len(hits)} of {len(originals)} found\n")
        assert share >= LEAST_FOUND, name
    sys.stdout.write(f"{len(alike)} of {len(originals) * len(others)} other pairs\n")


def one_of_each_lesion() -> list[Path]:
    """In an order that mixes the sources."""
    chance = random.Random(11)
    first: dict[tuple[str, str], Path] = {}
    for source in SOURCES:
        with (DATA / source / "metadata.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                name = row.get("patient_id") or row["lesion_id"] or row["image_id"]
                first.setdefault((source, name), DATA / source / f"{row['image_id']}.jpg")
    paths = list(first.values())
    chance.shuffle(paths)
    return paths[: ORIGINALS + OTHERS]
