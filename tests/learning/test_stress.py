"""What each stress test does to a picture, and what the table says of it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data.dataset_folders import load_dataset
from skinapi.learning.data.samples import Sample, subsample
from skinapi.learning.measure import stress
from skinapi.learning.measure.stress import STRESSES
from skinapi.model.conditions import conditions_table
from skinapi.model.network.model import open_model
from tests.learning.conftest import STRESSES_SEEN, Small
from tests.learning.pictures import draw_lesion


def lesion(seed: int = 0) -> Image.Image:
    return draw_lesion("bcc", np.random.default_rng(seed), (341, 256))


def mean(picture: Image.Image) -> np.ndarray:
    colours: np.ndarray = np.asarray(picture, np.float64).mean(axis=(0, 1))
    return colours


@pytest.mark.parametrize("name", STRESSES)
def test_every_stress_changes_the_picture_and_always_alike(name: str) -> None:
    picture = lesion()
    before = picture.copy()
    changed = STRESSES[name](picture)
    assert changed.mode == "RGB"
    assert changed.tobytes() != picture.tobytes()
    assert changed.tobytes() == STRESSES[name](picture).tobytes()
    assert picture.tobytes() == before.tobytes()


def test_brightness_and_skin_go_the_way_they_say() -> None:
    plain, picture = mean(lesion()), lesion()
    assert (mean(STRESSES["darker by 40 %"](picture)) < plain).all()
    assert (mean(STRESSES["brighter by 40 %"](picture)) > plain).all()
    darker = mean(STRESSES["darker skin (colour transform)"](picture)) / plain
    assert darker[2] < darker[1] < darker[0] < 1
    assert (mean(STRESSES["lighter skin (colour transform)"](picture)) > plain).all()
    red, _, blue = mean(STRESSES["in bluish light"](picture)) / plain
    assert red < 1 < blue


def test_noise_has_the_stated_strength_and_no_colour() -> None:
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    noise = np.asarray(STRESSES["grainy"](grey), np.float64) - 128
    assert noise.std(axis=(0, 1)) == pytest.approx(stress.GRAIN, rel=0.05)
    assert noise.mean(axis=(0, 1)) == pytest.approx(0, abs=0.3)


def test_blur_takes_the_edges_away() -> None:
    picture = lesion()
    sharp, slight, blurred = (
        np.abs(np.diff(np.asarray(p, np.float64), axis=0)).mean()
        for p in (picture, STRESSES["slightly blurred"](picture), STRESSES["blurred"](picture))
    )
    assert blurred < slight < sharp


def test_a_crop_is_smaller_and_a_step_back_larger_with_the_lesion_in_the_middle() -> None:
    picture = lesion()
    assert STRESSES["cropped to 80 %"](picture).size == pytest.approx((273, 205), abs=1)
    assert STRESSES["from farther away"](picture).size == pytest.approx((427, 320), abs=2)
    assert STRESSES["turned by 45 degrees"](picture).size == picture.size


def test_every_picture_grows_its_own_hairs() -> None:
    grown = [
        np.argwhere(np.asarray(stress.add_hairs(p)) != np.asarray(p))
        for p in (lesion(0), lesion(1))
    ]
    assert not np.array_equal(grown[0], grown[1])
    share = len(grown[0]) / np.asarray(lesion()).size
    assert 0.005 < share < 0.2


def test_common_classes_are_subsampled_evenly_and_rare_ones_kept() -> None:
    counts = {"melanocytic_nevus": 90, "melanoma": 7}
    samples = [
        Sample(f"{label}{row:02}", Path("x"), label, f"{label}{row}")
        for label, count in counts.items()
        for row in range(count)
    ]
    kept = subsample(samples, most=10, by=lambda sample: sample.label)
    assert [s.label for s in kept] == ["melanocytic_nevus"] * 10 + ["melanoma"] * 7
    assert kept[0].image_id.endswith("00")
    assert kept[9].image_id.endswith("89")


def test_the_card_tells_how_the_model_bears_it(small: Small) -> None:
    figures = open_model(small.model).card.figures["validation"]
    assert set(figures["stress"]) == {"untouched", *STRESSES_SEEN}
    row = figures["stress"]["blurred"]
    assert row["n"] == 21  # so few are not thinned out
    low, high = row["macro_auc_change_interval"]
    assert low <= row["macro_auc_change"] <= high
    said = (small.model / "README.md").read_text()
    for name in STRESSES_SEEN:
        assert f"\n| {name} | " in said


def test_a_picture_too_dark_to_see_tells_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_model(small.model)
    labels = conditions_table().label_spellings()
    samples: list[Sample] = [*load_dataset(small.data, labels=labels).samples][::9]
    monkeypatch.setattr(
        stress, "STRESSES", {"night": lambda picture: Image.new("RGB", picture.size)}
    )
    rows = stress.measure_stress(model, samples, report=lambda _: None)
    assert rows["night"]["macro_auc"] == 0.5
