"""Markings on the skin: visible to the network, beside the lesion, alike for the same picture."""

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data import degradation
from skinapi.learning.data.degradation import MARKINGS, RANDOM_MARKINGS, Mark, Marking, mark_picture
from skinapi.model.network.tensor import view_box
from tests.learning.pictures import draw_lesion
from tests.support.size import size as count

STRENGTH = Marking()
SIZES = [(192, 192), (341, 256), (200, 300)]


def lesion(seed: int, size: tuple[int, int] = (341, 256)) -> Image.Image:
    return draw_lesion("nv", np.random.default_rng(seed), size)


def changed(before: Image.Image, after: Image.Image) -> np.ndarray:
    """Where a pixel differs clearly."""
    difference = np.abs(np.asarray(before, np.int16) - np.asarray(after, np.int16))
    places: np.ndarray = difference.max(axis=2) > 10
    return places


@pytest.mark.parametrize("mark", [*RANDOM_MARKINGS, mark_picture])
def test_the_same_seed_marks_alike_and_another_seed_differently(mark: Mark) -> None:
    picture = lesion(0)
    before = picture.tobytes()
    marked = [mark(picture, np.random.default_rng(seed), STRENGTH) for seed in (1, 2, 1)]
    assert picture.tobytes() == before
    assert {(one.mode, one.size) for one in marked} == {("RGB", picture.size)}
    assert marked[0].tobytes() == marked[2].tobytes()
    assert len({one.tobytes() for one in marked} | {before}) == 3


def test_training_paints_every_kind_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[int] = []

    def note(number: int) -> Mark:
        def paint(picture: Image.Image, *_: object) -> Image.Image:
            painted.append(number)
            return picture

        return paint

    kinds = range(len(RANDOM_MARKINGS))
    monkeypatch.setattr(degradation, "RANDOM_MARKINGS", [note(number) for number in kinds])
    picture = lesion(0)
    for seed in range(90):
        mark_picture(picture, np.random.default_rng(seed), STRENGTH)
    assert len(painted) == 90
    assert min(painted.count(number) for number in kinds) > 15


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MARKINGS)
def test_a_picture_always_bears_the_same_marking_and_another_picture_its_own(
    name: str, size: tuple[int, int]
) -> None:
    first, second = lesion(1, size), lesion(2, size)
    places = changed(first, MARKINGS[name](first))
    assert np.array_equal(places, changed(first, MARKINGS[name](first)))
    assert not np.array_equal(places, changed(second, MARKINGS[name](second)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MARKINGS)
def test_a_measured_marking_is_seen_by_the_network_and_leaves_the_middle(
    name: str, size: tuple[int, int]
) -> None:
    """Outside the square that serving shows, it would count as a marking that changed nothing."""
    for seed in range(count(8, 30)):
        picture = lesion(seed, size)
        places = changed(picture, MARKINGS[name](picture))
        left, top, right, bottom = (round(edge) for edge in view_box(picture.size))
        assert places[top:bottom, left:right].sum() > 20
        x, y = size[0] // 2, size[1] // 2
        reach = round(0.04 * min(size))
        assert not places[y - reach : y + reach, x - reach : x + reach].any()


def test_a_pen_ring_lies_around_the_middle_and_a_ruler_on_one_side_of_it() -> None:
    """By the angles, seen from the middle, at which something was painted."""
    size = (256, 256)
    skin = Image.new("RGB", size, (224, 178, 150))
    down, across = np.indices(size) - 127.5
    sectors = ((np.arctan2(down, across) + np.pi) / (np.pi / 6)).astype(int) % 12

    def touched(name: str) -> list[int]:
        spans = []
        for shade in range(20):
            picture = Image.new("RGB", size, (224 - shade, 178, 150))
            places = changed(picture, MARKINGS[name](picture))
            spans.append(len(np.unique(sectors[places])))
        return spans

    assert MARKINGS["pen ring"](skin).size == size
    assert max(touched("ruler")) <= 7
    assert min(touched("pen ring")) >= 4
    assert max(touched("pen ring")) == 12
