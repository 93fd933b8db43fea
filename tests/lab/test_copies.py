import random

import numpy as np
import pytest
from PIL import Image

from skinapi.lab.datasets import reference
from skinapi.lab.datasets.reference import DuplicateSearch, Windows, describe_picture
from skinapi.model.decoding.photo import shrink_to_thumbnail


def described(picture: Image.Image) -> Windows:
    return describe_picture(shrink_to_thumbnail(picture))


def crop(picture: Image.Image, cut: float, chance: random.Random) -> Image.Image:
    width, height = round(picture.width * (1 - cut)), round(picture.height * (1 - cut))
    left = chance.randint(0, picture.width - width)
    top = chance.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def blotches(seed: int) -> Image.Image:
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
