import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data import augmentation
from skinapi.learning.data.augmentation import (
    DEGRADATIONS,
    MARKINGS,
    RandomChange,
    augment_picture,
    degrade_picture,
    mark_picture,
    relight,
)
from tests.learning.pictures import draw_lesion

PICTURE = draw_lesion("mel", np.random.default_rng(0), (192, 192))
WIDE = draw_lesion("mel", np.random.default_rng(0), (341, 256))


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
    for seed in range(20):
        view = augment_picture(WIDE, seeded(seed))
        assert 256 * 0.5 / (4 / 3) <= min(view.size) <= 256
        assert np.percentile(pixels(view).mean(axis=2), 2) < 100
