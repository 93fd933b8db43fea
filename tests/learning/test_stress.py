"""What each stress test does to a picture, and what the table says of it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data.datasets import load_dataset
from skinapi.learning.measure import stress
from skinapi.learning.measure.predictions import ModelOutputs, ServedResult, serve_outputs
from skinapi.learning.measure.stress import STRESSES, measure_stress
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.network.model import Model, open_model
from tests.learning.conftest import STRESSES_SEEN, Small
from tests.learning.pictures import draw_lesion

LESION = draw_lesion("bcc", np.random.default_rng(0), (341, 256))


def mean(picture: Image.Image) -> np.ndarray:
    colours: np.ndarray = np.asarray(picture, np.float64).mean(axis=(0, 1))
    return colours


@pytest.mark.parametrize("name", STRESSES)
def test_every_stress_changes_the_picture_and_always_alike(name: str) -> None:
    before = LESION.copy()
    changed = STRESSES[name](LESION)
    assert changed.mode == "RGB"
    assert changed.tobytes() != LESION.tobytes()
    assert changed.tobytes() == STRESSES[name](LESION).tobytes()
    assert LESION.tobytes() == before.tobytes()


def test_brightness_and_skin_go_the_way_they_say() -> None:
    plain = mean(LESION)
    assert (mean(STRESSES["darker by 40 %"](LESION)) < plain).all()
    assert (mean(STRESSES["brighter by 40 %"](LESION)) > plain).all()
    darker = mean(STRESSES["darker skin (colour transform)"](LESION)) / plain
    assert darker[2] < darker[1] < darker[0] < 1
    assert (mean(STRESSES["lighter skin (colour transform)"](LESION)) > plain).all()
    red, _, blue = mean(STRESSES["in bluish light"](LESION)) / plain
    assert red < 1 < blue


def test_the_card_tells_how_the_model_bears_it(small: Small) -> None:
    figures = open_model(small.model).card.figures["validation"]
    assert set(figures["stress"]) == {"untouched", *STRESSES_SEEN}
    row = figures["stress"]["blurred"]
    assert row["n"] == 21  # so few are not thinned out
    low, high = row["macro_auc_change_interval"]
    assert low <= row["macro_auc_change"] <= high
    page = (small.model / "README.md").read_text()
    for name in STRESSES_SEEN:
        assert f"\n| {name} | " in page


def test_a_change_that_hides_the_lesion_and_moves_the_band_is_told(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[list[ServedResult]] = []

    def serve(model: Model, outputs: ModelOutputs) -> list[ServedResult]:
        """Every picture is a referral, and of the changed ones the first is urgent."""
        bands = [Band.URGENT_REFERRAL if served and not row else Band.REFERRAL for row in range(99)]
        results = [
            ServedResult(replace(result.assessment, band=band), refused=None)
            for result, band in zip(serve_outputs(model, outputs), bands, strict=False)
        ]
        served.append(results)
        return results

    samples = load_dataset(small.data, labels=conditions_table().label_spellings()).samples[::9]
    monkeypatch.setattr(stress, "serve_outputs", serve)
    night = {"night": lambda picture: Image.new("RGB", picture.size)}
    monkeypatch.setattr(stress, "STRESSES", night)
    rows = measure_stress(open_model(small.model), samples, report=lambda _: None)
    assert rows["night"]["macro_auc"] == 0.5
    assert rows["night"]["band_raised"] == pytest.approx(1 / rows["night"]["n"])
    assert (rows["night"]["band_lowered"], rows["untouched"]["band_raised"]) == (0, 0)
