"""Changed pictures: by the seed alone, worse, moved or marked, and still of that lesion."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from skinapi.learning.data import augmentation
from skinapi.learning.data.augmentation import (
    DEGRADATIONS,
    MARKINGS,
    RandomChange,
    augment_picture,
    degrade_picture,
    mark_picture,
    relight,
    widen,
)
from skinapi.learning.measure.stress import STRESSES
from skinapi.model.network.picture import view_box
from tests.learning.pictures import draw_lesion
from tests.support.size import size as count

PICTURE = draw_lesion("mel", np.random.default_rng(0), (192, 192))
WIDE = draw_lesion("mel", np.random.default_rng(0), (341, 256))
BRIGHT = Image.new("RGB", (341, 256), (220, 180, 150))
PAINTED = ("pen ring", "ruler", "dark rim")


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def pixels(picture: Image.Image) -> np.ndarray:
    numbers: np.ndarray = np.asarray(picture, np.float64)
    return numbers


@pytest.mark.parametrize(
    "change", [*DEGRADATIONS, *MARKINGS, augment_picture, degrade_picture, mark_picture, relight]
)
def test_the_same_seed_changes_alike_and_another_seed_differently(change: RandomChange) -> None:
    before = PICTURE.tobytes()
    changed = [change(PICTURE, seeded(seed)) for seed in (1, 2, 1)]
    assert PICTURE.tobytes() == before
    assert {picture.mode for picture in changed} == {"RGB"}
    assert changed[0].tobytes() == changed[2].tobytes()
    assert len({picture.tobytes() for picture in changed} | {before}) == 3


@pytest.mark.parametrize("degrade", [*DEGRADATIONS, degrade_picture])
def test_what_is_dark_in_the_middle_stays_dark_in_a_worse_picture(degrade: RandomChange) -> None:
    def middle(picture: Image.Image) -> np.ndarray:
        seen: np.ndarray = pixels(picture.filter(ImageFilter.GaussianBlur(4)).convert("L"))
        return seen[56:136, 56:136].ravel()

    alike = [
        np.corrcoef(middle(PICTURE), middle(degrade(PICTURE, seeded(seed))))[0, 1]
        for seed in range(20)
    ]
    assert min(alike) > 0.5


@pytest.mark.parametrize(
    ("draw", "kinds", "at_once"),
    [(degrade_picture, "DEGRADATIONS", {1, 2}), (mark_picture, "MARKINGS", {1})],
)
def test_every_kind_is_drawn_and_no_more_at_once_than_wanted(
    draw: RandomChange, kinds: str, at_once: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def note(number: int) -> RandomChange:
        def change(picture: Image.Image, _: np.random.Generator) -> Image.Image:
            drawn.append(number)
            return picture

        return change

    wanted = range(len(getattr(augmentation, kinds)))
    monkeypatch.setattr(augmentation, kinds, [note(number) for number in wanted])
    seen = []
    for seed in range(80):
        drawn.clear()
        draw(PICTURE, seeded(seed))
        seen.append(frozenset(drawn))
        assert len(drawn) == len(seen[-1])
    assert {len(each) for each in seen} == at_once
    assert frozenset.union(*seen) == set(wanted)


def test_every_view_shows_the_lesion_and_most_of_the_shorter_side() -> None:
    for seed in range(60):
        view = augment_picture(WIDE, seeded(seed))
        assert 256 * 0.5 / (4 / 3) <= min(view.size) <= 256
        assert np.percentile(pixels(view).mean(axis=2), 2) < 100


@pytest.mark.parametrize("angle", [0, 45, 200])
def test_spinning_uncovers_no_black_corner(angle: float) -> None:
    spun = augmentation.rotate_picture(BRIGHT, angle)
    assert spun.size == BRIGHT.size
    assert np.asarray(spun).min() >= 149


def test_relit_pictures_have_many_colours_darker_ones_too_and_show_what_they_showed() -> None:
    relit = [relight(WIDE, seeded(seed)) for seed in range(80)]
    means = np.array([pixels(picture).mean(axis=(0, 1)) for picture in relit])
    assert (means.std(axis=0) > 10).all()
    grey = pixels(WIDE.convert("L")).ravel()
    for picture in relit:
        assert np.corrcoef(pixels(picture.convert("L")).ravel(), grey)[0, 1] > 0.9
    light = Image.new("RGB", (64, 64), (205, 165, 150))
    assert min(pixels(relight(light, seeded(seed))).mean() for seed in range(400)) < 110


def test_a_widened_picture_holds_the_whole_picture_and_no_black_border() -> None:
    edges = set()
    for seed in range(30):
        wide = widen(WIDE, seeded(seed))
        edge = (wide.width - WIDE.width) // 2
        inner = wide.crop((edge, edge, edge + WIDE.width, edge + WIDE.height))
        assert inner.tobytes() == WIDE.tobytes()
        assert np.asarray(widen(BRIGHT, seeded(seed))).min() >= 149
        edges.add(edge)
    assert len(edges) > 10
    assert max(edges) <= 0.2 * 256 + 1


def test_a_dermoscope_rim_keeps_the_middle_and_blackens_the_corners() -> None:
    framed = pixels(augmentation.add_vignette(BRIGHT, radius=0.4, edge=0.04))
    assert framed[0, 0].max() == framed[-1, -1].max() == 0
    assert (framed[128, 170] == (220, 180, 150)).all()
    lit = (framed.max(axis=2) > 110).sum()
    assert lit == pytest.approx(np.pi * (0.4 * 256) ** 2, rel=0.02)


def marked_places(change: Callable[[Image.Image], Image.Image], before: Image.Image) -> np.ndarray:
    """Where a pixel differs clearly."""
    difference = np.abs(np.asarray(before, np.int16) - np.asarray(change(before), np.int16))
    places: np.ndarray = difference.max(axis=2) > 10
    return places


@pytest.mark.parametrize("size", [(192, 192), (341, 256), (200, 300)])
@pytest.mark.parametrize("name", PAINTED)
def test_a_measured_marking_is_seen_by_the_network_and_leaves_the_middle(
    name: str, size: tuple[int, int]
) -> None:
    """Outside the square that serving shows, it would count as a marking that changed nothing."""
    for seed in range(count(4, 30)):
        picture = draw_lesion("nv", seeded(seed), size)
        places = marked_places(STRESSES[name], picture)
        left, top, right, bottom = (round(edge) for edge in view_box(picture.size))
        assert places[top:bottom, left:right].sum() > 20
        x, y, reach = size[0] // 2, size[1] // 2, round(0.04 * min(size))
        assert not places[y - reach : y + reach, x - reach : x + reach].any()


def test_a_pen_ring_lies_around_the_middle_and_a_ruler_on_one_side_of_it() -> None:
    """By the angles, seen from the middle, at which something was painted."""
    down, across = np.indices((256, 256)) - 127.5
    sectors = ((np.arctan2(down, across) + np.pi) / (np.pi / 6)).astype(int) % 12

    def touched(name: str) -> list[int]:
        pictures = [Image.new("RGB", (256, 256), (224 - shade, 178, 150)) for shade in range(20)]
        places = [marked_places(STRESSES[name], picture) for picture in pictures]
        return [len(np.unique(sectors[each])) for each in places]

    assert max(touched("ruler")) <= 7
    assert min(touched("pen ring")) >= 4
    assert max(touched("pen ring")) == 12
