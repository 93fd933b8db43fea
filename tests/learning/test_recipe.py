"""What a recipe is and records, how a whole network is trained by it, and how often each picture is
drawn: by source, by class, and normal skin within its bound.
"""

import json
import shlex
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.commands import options
from skinapi.learning.commands.train import choose_recipe
from skinapi.learning.data.augmentation import Augmentation, AugmentationConfig
from skinapi.learning.data.dataset_folders import load_dataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.train import training
from skinapi.learning.train.inputs import Fetch, Views
from skinapi.learning.train.networks import ARCHITECTURES, build_network
from skinapi.learning.train.recipe import (
    RECIPES,
    RECORD,
    Optimizer,
    Recipe,
    Sampler,
    TrainingData,
    balance_samples,
    list_differences,
    refuse_other_settings,
    share_sources,
)
from skinapi.learning.train.training import TrainingRun, TrainingStatus, train_network
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.network.model import CARD, SHIPPED_MODEL
from tests.learning import tiny
from tests.learning.conftest import SIDE, Small
from tests.support.size import drill

WHOLE = replace(
    RECIPES["whole"],
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
    """Of every third lesion."""
    return tuple(load_dataset(data, labels=conditions_table().label_spellings()).samples[::3])


def teach(
    small: Small,
    folder: Path,
    recipe: Recipe = WHOLE,
    shares: Mapping[str, float | None] | None = None,
    **more: Any,
) -> tuple[keras.Model, TrainingStatus]:
    """From random weights."""
    samples = [replace(sample, source="clinic") for sample in samples_in(small.data)]
    data = TrainingData(lesion_classes(), samples[::2], samples[1::2], shares=shares or {})
    run = TrainingRun(recipe, data, folder, lambda _: None, **more)
    return train_network(run, lambda _: None)


@pytest.mark.parametrize("still", [True, False])
def test_a_network_learns_its_statistics_or_keeps_them_still(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still: bool
) -> None:
    """Outside the drill by one look at a batch, which moves the statistics, and a small change."""

    def look(_: TrainingRun, model: keras.Model, fetch: Fetch, __: object) -> TrainingStatus:
        model([fetch(np.arange(16), np.random.default_rng(0))[0]], training=True)
        for variable in model.trainable_variables:
            variable.assign_add(keras.ops.full_like(variable, 0.01))
        return TrainingStatus(finished=True, best=1.0)

    if not drill:
        monkeypatch.setattr(training, "run_epochs", look)
    network, _ = teach(small, tmp_path, replace(WHOLE, still=still))
    keras.utils.set_random_seed(0)
    fresh = build_network(tiny.NAME, outputs=7, side=SIDE, dropout=0.3)
    before, after = (weights_of(model, "early_bn") for model in (fresh, network))
    assert not np.allclose(before["beta"], after["beta"])
    for name in ("moving_mean", "moving_variance"):
        assert np.allclose(before[name], after[name]) is still


def weights_of(network: keras.Model, layer: str) -> dict[str, NDArray[np.float32]]:
    return {weight.name: np.asarray(weight) for weight in network.get_layer(layer).weights}


@pytest.mark.drill
@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_a_training_ends_with_the_same_weights(
    small: Small, tmp_path: Path, name: str
) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(row: dict[str, float], _last: bool) -> None:
        if row["epoch"] == 1:
            raise Interrupted

    own = {field.name: getattr(WHOLE, field.name) for field in fields(WHOLE)}
    changed = {key: own[key] for key in ("architecture", "side", "compute", "batch")}
    changed |= {"epochs": 2, "marked": 0.5, "spoiled": 0.5, "relit": 0.5, "widened": 0.5}
    recipe = replace(RECIPES[name], **changed)
    unharmed, _ = teach(small, tmp_path / "unharmed", recipe)
    with pytest.raises(Interrupted):
        teach(small, tmp_path / "harmed", recipe, on_epoch=interrupt)
    harmed, _ = teach(small, tmp_path / "harmed", recipe)
    for left, right in zip(unharmed.get_weights(), harmed.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_the_views_are_changed_as_often_and_as_strongly_as_the_recipe_says(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strengths = AugmentationConfig(augmentation=Augmentation(colour=0.9))
    recipe = replace(WHOLE, strengths=strengths, marked=0.1, spoiled=0.2, relit=0.3, widened=0.4)

    def look(_: object, __: object, fetch: Any, ___: object) -> TrainingStatus:
        views: Views = fetch.__self__
        assert views.strengths is strengths
        assert (views.marked, views.degraded, views.relit, views.widened) == (0.1, 0.2, 0.3, 0.4)
        return TrainingStatus(finished=True)

    monkeypatch.setattr(training, "run_epochs", look)
    teach(small, tmp_path, recipe)


@pytest.fixture(scope="module")
def begun(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that was resumed as it had begun."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "run_epochs", lambda *_: TrainingStatus(finished=True))
        teach(small, folder)
        teach(small, folder)
    return folder


def test_a_training_is_not_resumed_with_another_recipe_share_or_record(
    small: Small, begun: Path
) -> None:
    with pytest.raises(BadDataset, match=r"another training, which differs in recipe.mixup \(0.0"):
        teach(small, begun, replace(WHOLE, mixup=0.1))
    with pytest.raises(BadDataset, match=r"which differs in shares.clinic \(not recorded, now 0.5"):
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


def change(value: Any) -> Any:
    """The same kind of value, and another one."""
    if isinstance(value, tuple):
        return (*value[:-1], change(value[-1]))
    return f"{value}2" if isinstance(value, str) else value + 1


def each_field(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every field in turn: its name, and the value with this field changed alone."""
    for field in fields(value):
        now, called = getattr(value, field.name), f"{name}.{field.name}"
        inner = each_field(now, called) if is_dataclass(now) else [(called, change(now))]
        for place, other in inner:
            yield place, replace(value, **{field.name: other})


EVERY_FIELD = dict(each_field(WHOLE))


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_no_field_of_a_recipe_changes_within_a_training(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        refuse_other_settings(tmp_path, {"recipe": asdict(WHOLE)})
    with pytest.raises(BadDataset) as caught:
        refuse_other_settings(tmp_path, {"recipe": asdict(EVERY_FIELD[name])})
    assert f"differs in recipe{name} (" in caught.value.detail


def test_what_differs_between_two_trainings_is_named_once_each() -> None:
    before = {"seed": 1, "recipe": {"name": "whole", "mixup": 0.2, "views": 1}, "old": []}
    now = {"seed": 1, "recipe": {"name": "whole", "mixup": 0.1, "views": 1}, "new": {"a": None}}
    assert list_differences(before, now) == [
        "recipe.mixup (0.2, now 0.1)",
        "new.a (not recorded, now None)",
        "old ([], now not recorded)",
    ]
    assert list_differences(before, before) == []


def test_the_recipe_of_the_shipped_model_is_still_the_one_that_trains() -> None:
    """By its card: the command is taken, and gives the recipe that is recorded beside it."""
    recorded = json.loads((SHIPPED_MODEL / CARD).read_text())["training"]
    parser = ArgumentParser()
    options.add_commands(parser.add_subparsers())
    given = parser.parse_args(shlex.split(recorded["command"])[3:])
    recipe = choose_recipe(options.TrainOptions(**{
        field.name: getattr(given, field.name) for field in fields(options.TrainOptions)
    }))  # fmt: skip
    assert json.loads(json.dumps(recipe.for_card())) == recorded["recipe"]


def test_the_options_offer_what_there_is() -> None:
    """They are spelled out, so that asking for help loads no training framework."""
    assert set(ARCHITECTURES) - {tiny.NAME} == {*options.ARCHITECTURES}
    assert tuple(RECIPES) == get_args(options.RecipeName)
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
    samples: list[Sample], shares: Mapping[str, float | None] | None = None, skin: float = 0.08
) -> Sampler:
    return balance_samples(samples, shares=shares or {}, most_normal_skin=skin)


def drawn(sampler: Sampler, seed: int = 0) -> Counter[tuple[str, str]]:
    rows = sampler.draw(np.random.default_rng(seed), len(sampler))
    return Counter((SAMPLES[row].source, SAMPLES[row].label) for row in rows)


def test_unbalanced_classes_are_drawn_as_often_as_they_occur() -> None:
    lesions = [sample for sample in SAMPLES if sample.source == "archive" and sample.label != SKIN]
    weights = {
        balanced: balance_samples(
            lesions, shares={}, most_normal_skin=0.0, balanced=balanced
        ).weights
        for balanced in (True, False)
    }
    assert weights[False] == pytest.approx(1.0)
    assert weights[True].max() > 2 * weights[True].min()


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


def test_shares_given_to_every_source_need_not_sum_to_one() -> None:
    assert share_sources({"a": 5, "b": 90}, {"a": 0.2, "b": 0.6}) == pytest.approx(
        {"a": 0.25, "b": 0.75}
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


def test_little_normal_skin_is_drawn_no_more_often_than_another_class() -> None:
    few = [s for s in SAMPLES if s.source == "phones"]
    few += [s for s in SAMPLES if s.source == "videos"][:1]
    weights = sampler_of(few).weights
    assert weights[-1] / len(few) == pytest.approx(1 / (1 + 5 + 10))


def test_one_source_is_drawn_by_class_alone() -> None:
    only = [s for s in SAMPLES if s.source == "phones"]
    weights = sampler_of(only).weights
    assert weights.mean() == pytest.approx(1)
    assert weights[0] / weights[-1] == pytest.approx(2)


@pytest.mark.parametrize("share", [0.1, 1, 2.5])
def test_each_picture_and_each_class_is_drawn_within_one_of_its_weight(share: float) -> None:
    sampler = sampler_of(SAMPLES, {"phones": 0.4})
    many = round(share * len(SAMPLES))
    expected = sampler.weights * many / len(SAMPLES)
    for seed in range(20):
        rows = sampler.draw(np.random.default_rng(seed), many)
        assert len(rows) == many
        times = np.bincount(rows, minlength=len(SAMPLES))
        assert (np.abs(times - expected) < 1).all()
        for group in np.unique(sampler.groups):
            mine = sampler.groups == group
            assert abs(times[mine].sum() - expected[mine].sum()) < 1 + 1e-6


def test_the_same_seed_draws_alike_and_another_seed_differently() -> None:
    sampler = sampler_of(SAMPLES)
    first, again, other = (sampler.draw(np.random.default_rng(seed), 500) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.sort(first))


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
