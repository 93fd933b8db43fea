from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from skinapi.base.errors import BadDataset
from skinapi.learning.commands import options
from skinapi.learning.commands.options import TrainOptions
from skinapi.learning.commands.train import choose_recipe
from skinapi.learning.data.datasets import load_dataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.train import recipe as recipe_module
from skinapi.learning.train import training
from skinapi.learning.train.networks import ARCHITECTURES, build_network
from skinapi.learning.train.recipe import (
    Fetch,
    Optimizer,
    Recipe,
    Sampler,
    TrainingData,
    Views,
    make_sampler,
    share_sources,
)
from skinapi.learning.train.training import RECORD, TrainingRun, TrainingStatus, train_network
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from tests.learning import tiny
from tests.learning.conftest import SIDE, Small
from tests.learning.pictures import draw_lesion
from tests.support.size import drill

SMALL = Recipe(
    architecture=tiny.NAME,
    side=SIDE,
    compute="float32",
    epochs=1,
    learning_rate=1e-3,
    batch=16,
    optimizer="SGD",
)


@cache
def samples_in(data: Path) -> tuple[Sample, ...]:
    return tuple(load_dataset(data, labels=conditions_table().label_spellings()).samples[::3])


def teach(
    small: Small,
    folder: Path,
    recipe: Recipe = SMALL,
    shares: Mapping[str, float | None] | None = None,
    **more: Any,
) -> tuple[keras.Model, TrainingStatus]:
    samples = [replace(sample, source="clinic") for sample in samples_in(small.data)]
    data = TrainingData(lesion_classes(), samples[::2], samples[1::2], shares=shares or {})
    run = TrainingRun(recipe, data, folder, lambda _: None, **more)
    return train_network(run, lambda _: None)


@pytest.mark.parametrize("still", [True, False])
def test_a_network_learns_its_statistics_or_keeps_them_still(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still: bool
) -> None:
    def look(_: TrainingRun, model: keras.Model, fetch: Fetch, __: object) -> TrainingStatus:
        model([fetch(np.arange(16), np.random.default_rng(0))[0]], training=True)
        for variable in model.trainable_variables:
            variable.assign_add(keras.ops.full_like(variable, 0.01))
        return TrainingStatus(finished=True, best=1.0)

    if not drill:
        monkeypatch.setattr(training, "run_epochs", look)
    network, _ = teach(small, tmp_path, replace(SMALL, still=still))
    keras.utils.set_random_seed(0)
    fresh = build_network(tiny.NAME, outputs=7, side=SIDE, dropout=0.3)
    before, after = (weights_of(model, "early_bn") for model in (fresh, network))
    for name in ("beta", "moving_mean", "moving_variance"):
        assert np.allclose(before[name], after[name]) is still


def weights_of(network: keras.Model, layer: str) -> dict[str, NDArray[np.float32]]:
    return {weight.name: np.asarray(weight) for weight in network.get_layer(layer).weights}


@pytest.fixture(scope="module")
def begun(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "run_epochs", lambda *_: TrainingStatus(finished=True))
        teach(small, folder)
        teach(small, folder)
    return folder


def test_a_training_is_not_resumed_with_another_recipe_share_or_record(
    small: Small, begun: Path
) -> None:
    with pytest.raises(BadDataset, match="another training, which differs in recipe"):
        teach(small, begun, replace(SMALL, batch=8))
    with pytest.raises(BadDataset, match="which differs in shares"):
        teach(small, begun, shares={"clinic": 0.5})
    (begun / RECORD).write_bytes((begun / RECORD).read_bytes()[:100])
    with pytest.raises(BadDataset, match="cannot be read"):
        teach(small, begun)


def test_a_share_that_cannot_be_met_is_refused_before_anything_is_written(
    small: Small, tmp_path: Path
) -> None:
    with pytest.raises(BadDataset, match="clinics was given a share"):
        teach(small, tmp_path / "work", shares={"clinics": 0.5})
    assert not (tmp_path / "work").exists()


def test_the_options_offer_what_there_is() -> None:
    assert set(ARCHITECTURES) - {tiny.NAME} == {*options.ARCHITECTURES}
    assert get_args(Optimizer) == get_args(options.Optimizer)
    assert tuple(Modality) == get_args(options.Modality)


SKIN = "normal_skin"
COUNTS = {
    ("archive", "nevus"): 640,
    ("archive", "melanoma"): 40,
    ("archive", SKIN): 300,
    ("phones", "nevus"): 25,
    ("phones", "carcinoma"): 100,
    ("videos", SKIN): 12,
}
SAMPLES = [
    Sample(f"{source}{label}{row}", Path("x"), label, f"{row}", source=source)
    for (source, label), count in COUNTS.items()
    for row in range(count)
]


def sampler_of(
    samples: list[Sample],
    shares: Mapping[str, float | None] | None = None,
    *,
    balanced: bool = True,
) -> Sampler:
    recipe = Recipe(balanced=balanced)
    return make_sampler(recipe, TrainingData((), samples, (), shares=shares or {}))


def drawn(sampler: Sampler, seed: int = 0) -> Counter[tuple[str, str]]:
    rows = sampler.draw(np.random.default_rng(seed))
    return Counter((SAMPLES[row].source, SAMPLES[row].label) for row in rows)


def test_given_shares_are_met_in_every_epoch() -> None:
    sampler = sampler_of(SAMPLES, {"phones": 0.4, "archive": None})
    for seed in range(20):
        times = drawn(sampler, seed)
        assert times.total() == len(SAMPLES)
        lesions = {
            source: sum(n for (s, label), n in times.items() if s == source and label != SKIN)
            for source in ("archive", "phones")
        }
        share = lesions["phones"] / sum(lesions.values())
        assert share == pytest.approx(0.4, abs=4 / len(SAMPLES))


def test_without_a_given_share_a_source_is_drawn_by_the_root_of_its_lesions() -> None:
    shares = share_sources({"archive": 900, "phones": 100, "clinic": 25}, {"clinic": 0.2})
    assert shares == pytest.approx({"archive": 0.6, "phones": 0.2, "clinic": 0.2})
    assert share_sources({"archive": 900, "phones": 100}, {}) == pytest.approx(
        {"archive": 0.75, "phones": 0.25}
    )


def test_within_a_source_a_class_is_drawn_by_the_root_of_its_number() -> None:
    times = drawn(sampler_of(SAMPLES))
    assert times["archive", "nevus"] / times["archive", "melanoma"] == pytest.approx(4, rel=0.03)
    assert times["phones", "carcinoma"] / times["phones", "nevus"] == pytest.approx(2, rel=0.03)


def test_normal_skin_is_one_class_over_all_sources_and_has_a_bound() -> None:
    times = drawn(sampler_of(SAMPLES))
    skin = {source: times[source, SKIN] for source in ("archive", "videos")}
    assert sum(skin.values()) / times.total() == pytest.approx(0.08, abs=2 / len(SAMPLES))
    assert skin["archive"] / skin["videos"] == pytest.approx(5, rel=0.1)


def test_each_picture_and_each_class_is_drawn_within_one_of_its_weight() -> None:
    sampler = sampler_of(SAMPLES, {"phones": 0.4})
    for seed in range(20):
        rows = sampler.draw(np.random.default_rng(seed))
        assert len(rows) == len(SAMPLES)
        times = np.bincount(rows, minlength=len(SAMPLES))
        assert (np.abs(times - sampler.weights) < 1).all()
        for group in np.unique(sampler.groups):
            mine = sampler.groups == group
            assert abs(times[mine].sum() - sampler.weights[mine].sum()) < 1 + 1e-6


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"phone": 0.4}, "phone was given a share, but no lesion"),
        ({"videos": 0.1}, "videos was given a share, but no lesion"),
        ({"phones": 0.0}, "share of phones is 0;"),
        ({"phones": 1.5}, "share of phones is 1.5;"),
        ({"phones": 1.0}, "leave nothing to draw of archive"),
    ],
)
def test_shares_that_cannot_be_met_are_refused_by_name(
    shares: Mapping[str, float], said: str
) -> None:
    with pytest.raises(BadDataset, match=said):
        sampler_of(SAMPLES, shares)


CHANGES = {"relit": "relight", "widened": "widen", "marked": "mark_picture"}


@pytest.mark.parametrize("share", [*CHANGES, "spoiled"])
def test_the_wanted_share_of_the_views_is_changed(
    share: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_lesion("mel", np.random.default_rng(3)).save(tmp_path / "a.png")
    data = TrainingData(("nevus",), [Sample("a", tmp_path / "a.png", "nevus", "a")] * 24, ())
    changed: list[str] = []

    def note(picture: Image.Image, _: np.random.Generator) -> Image.Image:
        changed.append(share)
        return picture

    monkeypatch.setattr(recipe_module, CHANGES.get(share, "degrade_picture"), note)

    def count(wanted: float) -> int:
        changed.clear()
        none: dict[str, Any] = dict.fromkeys((*CHANGES, "spoiled"), 0.0)
        views = Views(data, replace(SMALL, **{**none, share: wanted}))
        shown, labels = views.fetch(np.arange(24), np.random.default_rng(1))
        assert (shown.shape, labels.shape) == ((24, SIDE, SIDE, 3), (24, 1))
        return len(changed)

    assert (count(0.0), count(1.0)) == (0, 24)
    assert 6 < count(0.5) < 18


def test_as_many_epochs_are_trained_as_were_asked_for() -> None:
    usual, asked = (choose_recipe(TrainOptions(data=[], epochs=epochs)) for epochs in (None, 30))
    assert usual.patience < usual.epochs
    assert (asked.epochs, asked.patience) == (30, 30)
