"""Degraded pictures: worse in one way or two, by the seed alone, and still of that lesion."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from skinapi.learning.data import degradation
from skinapi.learning.data.degradation import (
    DEGRADATIONS,
    Degradation,
    Degrade,
    add_vignette,
    compress_jpeg,
    degrade_picture,
)
from tests.learning.pictures import draw_lesion

PICTURE = draw_lesion("mel", np.random.default_rng(0), (192, 192))
STRENGTH = Degradation()


def pixels(picture: Image.Image) -> np.ndarray:
    numbers: np.ndarray = np.asarray(picture, np.float64)
    return numbers


@pytest.mark.parametrize("degrade", [*DEGRADATIONS, degrade_picture])
def test_the_same_seed_degrades_alike_and_another_seed_differently(degrade: Degrade) -> None:
    before = PICTURE.tobytes()
    degraded = [degrade(PICTURE, np.random.default_rng(seed), STRENGTH) for seed in (1, 2, 1)]
    assert PICTURE.tobytes() == before
    assert {(one.mode, one.size) for one in degraded} == {("RGB", PICTURE.size)}
    assert degraded[0].tobytes() == degraded[2].tobytes()
    assert len({one.tobytes() for one in degraded} | {before}) == 3


@pytest.mark.parametrize("degrade", [*DEGRADATIONS, degrade_picture])
def test_the_lesion_is_there_all_the_same(degrade: Degrade) -> None:
    """What is dark in the middle stays dark, whatever befalls the picture."""

    def middle(picture: Image.Image) -> np.ndarray:
        seen: np.ndarray = pixels(picture.filter(ImageFilter.GaussianBlur(4)).convert("L"))
        return seen[56:136, 56:136].ravel()

    alike = [
        np.corrcoef(
            middle(PICTURE), middle(degrade(PICTURE, np.random.default_rng(seed), STRENGTH))
        )[0, 1]
        for seed in range(20)
    ]
    assert min(alike) > 0.5


def test_one_or_two_degradations_each_of_them_at_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    befell: list[int] = []

    def note(number: int) -> Degrade:
        def degrade(picture: Image.Image, *_: object) -> Image.Image:
            befell.append(number)
            return picture

        return degrade

    monkeypatch.setattr(
        degradation, "DEGRADATIONS", [note(number) for number in range(len(DEGRADATIONS))]
    )
    seen = []
    for seed in range(80):
        befell.clear()
        degrade_picture(PICTURE, np.random.default_rng(seed), STRENGTH)
        seen.append(frozenset(befell))
        assert len(befell) == len(seen[-1])
    assert {len(each) for each in seen} == {1, 2}
    assert frozenset.union(*seen) == set(range(len(DEGRADATIONS)))


@pytest.mark.parametrize("size", [(192, 192), (341, 256), (100, 300)])
def test_a_dermoscope_rim_keeps_the_middle_and_blackens_the_corners(
    size: tuple[int, int],
) -> None:
    skin = Image.new("RGB", size, (200, 150, 120))
    framed = pixels(add_vignette(skin, radius=0.4, edge=0.04))
    assert framed[0, 0].max() == framed[-1, -1].max() == 0
    down, across = size[1] // 2, size[0] // 2
    assert (framed[down, across] == (200, 150, 120)).all()
    lit = (framed.max(axis=2) > 100).sum()
    assert lit == pytest.approx(np.pi * (0.4 * min(size)) ** 2, rel=0.02)
    moved = pixels(add_vignette(skin, radius=0.4, edge=0.04, away=(0.1, 0.0)))
    assert moved[down, : across // 2].sum() < framed[down, : across // 2].sum()


def test_a_lower_jpeg_quality_loses_more() -> None:
    lost = [
        np.abs(pixels(compress_jpeg(PICTURE, q)) - pixels(PICTURE)).mean() for q in (90, 40, 10)
    ]
    assert 0 < lost[0] < lost[1] < lost[2]
