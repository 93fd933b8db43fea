"""Heat maps are held against the lesion's outline, and against blanking what they mark."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.measure.saliency import blank_cells, score_heat_map
from skinapi.model.calibration.model_calibration import ModelCalibration
from skinapi.model.network.engine import Engine, EngineOutput, Head
from skinapi.model.network.model import Model, open_model
from skinapi.model.network.tensor import Tensor
from tests.learning.conftest import Small
from tests.learning.pictures import draw_lesion
from tests.support.cards import model_card

CELLS, SIDE = 8, 64


class SeesDarkness(Engine):
    """Its feature map is how dark each cell is, and darkness speaks for its first output."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign

    def infer(self, batch: Tensor) -> EngineOutput:
        cells = batch.reshape(-1, CELLS, SIDE // CELLS, CELLS, SIDE // CELLS, 3)
        dark = np.maximum(self.sign * (150 - cells.mean(axis=(2, 4, 5))), 0)[..., None] / 20
        pooled = dark.mean(axis=(1, 2))
        return EngineOutput(
            logits=np.concatenate([pooled, 0 * pooled], axis=1).astype(np.float32),
            feature_map=dark.astype(np.float32),
            pooled=pooled.astype(np.float32),
        )


def seeing(engine: SeesDarkness) -> Model:
    head = Head(np.array([[1.0, 0.0]], np.float32))
    labels = ("melanoma", "melanocytic_nevus")
    return Model(model_card(side=SIDE), labels, ModelCalibration(), head, engine)


def lesion() -> Image.Image:
    return draw_lesion("mel", np.random.default_rng(3), (341, 256))


def test_a_model_that_looks_at_the_lesion_is_told_from_one_that_looks_beside() -> None:
    random = np.random.default_rng(0)
    sight = score_heat_map(seeing(SeesDarkness()), lesion(), random)
    assert sight.inside is not None
    assert sight.area is not None
    assert sight.inside > 0.8 > 0.5 > sight.area
    beside = score_heat_map(seeing(SeesDarkness(sign=-1.0)), lesion(), random)
    assert beside.inside is not None
    assert beside.inside < 0.1


def test_blanking_what_is_marked_costs_more_than_blanking_anything() -> None:
    draws = [
        score_heat_map(seeing(SeesDarkness()), lesion(), np.random.default_rng(s)) for s in range(5)
    ]
    assert np.mean([s.fall_hottest for s in draws]) > np.mean([s.fall_random for s in draws])


def test_without_a_clear_outline_nothing_is_said_of_inside() -> None:
    plain = Image.new("RGB", (341, 256), (90, 90, 90))
    sight = score_heat_map(seeing(SeesDarkness()), plain, np.random.default_rng(0))
    assert sight.inside is None
    assert sight.area is None


@pytest.mark.parametrize("chosen", [[0], [9, 62]])
def test_chosen_cells_alone_become_the_colour_of_the_edge(chosen: Sequence[int]) -> None:
    tensor = np.full((SIDE, SIDE, 3), 7, np.float32)
    tensor[1:-1, 1:-1] = 100
    blanked = blank_cells(tensor, (CELLS, CELLS), np.array(chosen))
    changed = (blanked != tensor).any(axis=2)
    assert (blanked[changed] == 7).all()
    per_cell = changed.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS).any(axis=(1, 3))
    assert np.flatnonzero(per_cell).tolist() == list(chosen)


def test_the_card_says_what_its_heat_maps_are_worth(small: Small) -> None:
    figures = open_model(small.model).card.figures["validation"]
    sights = figures["saliency"]
    assert sights["n"] == 21
    assert 0 < sights["outlined"] <= sights["n"]
    assert 0 < sights["area_inside"] < 1
    assert "blanking the hottest tenth" in (small.model / "README.md").read_text()
