"""The light of two photos of the same skin is matched, whatever it was."""

import numpy as np
import pytest

from skinapi.model.comparison.alignment import Mask
from skinapi.model.comparison.changed_part import Numbers, match_light

SIZE = (48, 64)
SKIN = np.array([0.52, 0.31, 0.24])
# For red, green and blue: a factor at the middle, and by what power of e it changes from there to
# the lower and to the right border.
LIGHTS = [
    ([1.1, 1.0, 0.85], 0.15, -0.1),
]


def skin_with_lesion() -> tuple[Numbers, Mask]:
    """A picture with a dark middle, and where it shows skin."""
    noise = np.random.default_rng(3).normal(1, 0.02, (*SIZE, 1))
    picture = SKIN * noise
    lesion = np.zeros(SIZE, bool)
    lesion[16:32, 20:44] = True
    picture[lesion] *= 0.3
    return picture, ~lesion


def lit(picture: Numbers, factors: list[float], down: float, across: float) -> Numbers:
    rows, columns = np.mgrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j]
    return np.asarray(picture * factors * np.exp(down * rows + across * columns)[..., None])


@pytest.mark.parametrize(("factors", "down", "across"), LIGHTS)
def test_a_known_light_is_taken_out(factors: list[float], down: float, across: float) -> None:
    first, skin = skin_with_lesion()
    matched = match_light(lit(first, factors, down, across), first, skin)
    assert matched == pytest.approx(first, rel=1e-9)


def test_a_reflection_on_the_skin_does_not_change_the_light() -> None:
    first, skin = skin_with_lesion()
    second = lit(first, *LIGHTS[-1])
    second[2:6, 2:30] = 1.0
    matched = match_light(second, first, skin)
    dull = np.ones(SIZE, bool)
    dull[2:6, 2:30] = False
    assert matched[dull] == pytest.approx(first[dull], rel=0.01)
