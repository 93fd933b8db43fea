"""Which layers a phase trains, how it is resumed, and what a recipe records."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from skinapi.errors import BadDataset, BadNetwork
from skinapi.learning.commands import evaluate_options, train_options
from skinapi.learning.data.augmentation import DIHEDRAL, Augmentation
from skinapi.learning.data.dataset_folders import load_dataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.data.strengths import Strengths
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.train import phase_training, training
from skinapi.learning.train.inputs.batches import Batches
from skinapi.learning.train.inputs.network_inputs import NetworkInputs
from skinapi.learning.train.networks import ARCHITECTURES, build_network
from skinapi.learning.train.phase_training import PhaseStatus
from skinapi.learning.train.phases import PHASES, Optimizer, Phase, default_phases
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.resuming import RECORD, list_differences
from skinapi.learning.train.training import train_network
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Modality
from skinapi.vision.network.tensor import Tensor
from tests.learning import tiny
from tests.learning.conftest import SIDE, Small, run_command
from tests.support.size import drill, in_drill

WHOLE = Phase("whole", "whole", epochs=1, learning_rate=1e-3, mixup=0.0, batch=16)
GROWING = Phase(
    "growing", "whole", epochs=2, learning_rate=1e-3, batch=8, shrink=0.5, shrink_until=0.75
)


@cache
def samples_in(data: Path) -> tuple[Sample, ...]:
    """Of every third lesion."""
    return tuple(load_dataset(data, labels=conditions_table().label_spellings()).samples[::3])


def teach(
    small: Small, folder: Path, phase: Phase = GROWING, **fields: Any
) -> tuple[keras.Model, dict[str, PhaseStatus]]:
    """One phase from random weights, which `start` then holds; the other `fields` are those of the
    recipe or the lessons.
    """
    samples = samples_in(small.data)
    start: list[NDArray[np.float32]] = fields.pop("start", [])
    shares = fields.pop("shares", {})
    fields = {"side": SIDE, "compute": "float32", **fields}
    return train_network(
        recipe=Recipe(fields.pop("architecture", tiny.NAME), phases=(phase,), **fields),
        data=TrainingData(
            lesion_classes(),
            train=[replace(sample, source="clinic") for sample in samples[::2]],
            validation=[replace(sample, source="clinic") for sample in samples[1::2]],
            shares=shares,
        ),
        initialise=lambda fresh: start.extend(fresh.get_weights()),
        folder=folder,
        report=lambda _: None,
    )


@dataclass(frozen=True)
class Grown:
    """What the phase GROWING made of random weights, and the sides of the pictures it saw."""

    start: list[NDArray[np.float32]]
    network: keras.Model
    status: PhaseStatus
    folder: Path
    shown: list[int]
    watched: list[int]


@pytest.fixture(scope="module")
def grown(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """As by default, with the statistics that the network began with."""
    folder, start = tmp_path_factory.mktemp("grown"), list[NDArray[np.float32]]()
    shown: list[int] = []
    watched: list[int] = []
    take_in, look = NetworkInputs.to_tensor, NetworkInputs.load

    def note_shown(pictures: NetworkInputs, view: Image.Image) -> Tensor:
        shown.append(pictures.side)
        return take_in(pictures, view)

    def note_watched(pictures: NetworkInputs, row: int) -> Tensor:
        watched.append(pictures.side)
        return look(pictures, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NetworkInputs, "to_tensor", note_shown)
        patch.setattr(NetworkInputs, "load", note_watched)
        network, courses = teach(small, folder, still=True, start=start)
    return Grown(start, network, courses["growing"], folder, shown, watched)


def assert_learned(network: keras.Model, *, statistics: bool) -> None:
    keras.utils.set_random_seed(0)
    fresh = build_network(tiny.NAME, outputs=7, side=SIDE, dropout=0.3)
    before, after = (weights_of(model, "early_bn") for model in (fresh, network))
    assert not np.allclose(before["beta"], after["beta"])
    for name in ("moving_mean", "moving_variance"):
        assert np.allclose(before[name], after[name]) is not statistics


def test_a_network_whose_statistics_stay_still_keeps_them(grown: Grown) -> None:
    assert_learned(grown.network, statistics=False)


def test_what_is_kept_of_the_start_is_in_every_weight(
    small: Small, grown: Grown, tmp_path: Path
) -> None:
    finished = shutil.copytree(grown.folder, tmp_path / "finished")
    (finished / RECORD).unlink()  # another recipe
    mean, _ = teach(small, finished, still=True, keep=0.25)
    start, learned = grown.start, grown.network.get_weights()
    assert any(not np.allclose(a, b) for a, b in zip(start, learned, strict=True))
    for old, new, both in zip(start, learned, mean.get_weights(), strict=True):
        np.testing.assert_allclose(both, 0.25 * old + 0.75 * new, atol=1e-6)


def test_of_a_start_that_knew_other_classes_nothing_can_be_kept(
    small: Small, tmp_path: Path
) -> None:
    network = build_network(tiny.NAME, outputs=7, side=SIDE)
    headless = {
        f"{layer.name}/{index}": value
        for layer in network.layers[:-1]
        for index, value in enumerate(layer.get_weights())
    }
    np.savez(tmp_path / "headless.npz", **headless)
    words = [*small.words[: small.words.index("--init")], "--keep", "0.5", "--side", SIDE]
    for start in ("none", tmp_path / "headless.npz"):
        where = ["--init", start, "--work", tmp_path / "w", "--out", tmp_path / "m"]
        with pytest.raises(BadNetwork, match="lacks logits"):
            run_command([*words, *where], tmp_path)
    assert not (tmp_path / "w").exists()


def test_pictures_grow_within_a_phase_and_are_watched_as_they_are_served(grown: Grown) -> None:
    assert grown.network.input_shape == (None, SIDE, SIDE, 3)
    assert grown.status.epoch == 2
    small_ones, shown = grown.shown.count(SIDE // 2), len(grown.shown)
    assert grown.shown == [SIDE // 2] * small_ones + [SIDE] * (shown - small_ones)
    assert small_ones / shown == pytest.approx(0.75, abs=0.1)
    assert set(grown.watched) == {SIDE}


def test_a_network_that_begins_from_nothing_learns_its_statistics_too(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside the drill by one look at a batch: what trains is what `grown` was trained by."""

    def look(*, model: keras.Model, batches: Batches, **_: object) -> PhaseStatus:
        model([batches.load(0, 0)[0]], training=True)
        for variable in model.trainable_variables:
            variable.assign_add(keras.ops.full_like(variable, 0.01))
        return PhaseStatus(finished=True, best=1.0)

    if not drill:
        monkeypatch.setattr(training, "run_phase", look)
    network, _ = teach(small, tmp_path, WHOLE, still=False)
    assert_learned(network, statistics=True)


@pytest.mark.drill
def test_interrupted_before_its_pictures_grow_a_phase_ends_with_the_same_weights(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    checkpoint = phase_training._checkpoint

    def interrupt(*state: Any) -> None:
        checkpoint(*state)
        raise Interrupted

    phase = replace(GROWING, marked=0.5, spoiled=0.5, relit=0.5, widened=0.5)
    unharmed, _ = teach(small, tmp_path / "unharmed", phase)
    with monkeypatch.context() as patched:
        patched.setattr(phase_training, "_checkpoint", interrupt)
        with pytest.raises(Interrupted):
            teach(small, tmp_path / "harmed", phase)
    harmed, _ = teach(small, tmp_path / "harmed", phase)
    for left, right in zip(unharmed.get_weights(), harmed.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


@pytest.fixture(scope="module")
def begun(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that was resumed as it had begun."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_run", lambda *_: PhaseStatus(finished=True))
        teach(small, folder)
        teach(small, folder)
    return folder


@pytest.mark.parametrize(
    "other",
    [
        *({"marked": 0.1}, {"spoiled": 0.1}, {"mixup": 0.1}, {"shrink_until": 0.5}),
        *({"relit": 0.1}, {"widened": 0.1}, {"steps": 2}),
        *({"ema_reach": 0.5}, {"lowest_rate": 0.5}, {"clip_norm": 0.5}),
        *({"shares": {"clinic": 0.5}}, {"most_normal_skin": 0.1}),
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_training_is_not_resumed_with_another_strength_or_share(
    small: Small, begun: Path, other: dict[str, Any]
) -> None:
    strengths = {name for name in other if name in Phase.__dataclass_fields__}
    phase = replace(GROWING, **{name: other[name] for name in strengths})
    rest = {name: value for name, value in other.items() if name not in strengths}
    with pytest.raises(
        BadDataset, match=f"another training, which differs in .*{next(iter(other))}"
    ):
        teach(small, begun, phase, **rest)


def change(value: Any) -> Any:
    """The same kind of value, and another one."""
    if isinstance(value, tuple):
        return (*value[:-1], change(value[-1]))
    return value + 1


def each_strength(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every field in turn: its name, and the value with this field changed alone."""
    for field in fields(value):
        now, called = getattr(value, field.name), f"{name}.{field.name}"
        inner = each_strength(now, called) if is_dataclass(now) else [(called, change(now))]
        for place, other in inner:
            yield place, replace(value, **{field.name: other})


STRENGTHS = dict(each_strength(Strengths()))


@pytest.mark.parametrize("name", STRENGTHS)
def test_no_strength_of_augmentation_changes_within_a_training(tmp_path: Path, name: str) -> None:
    data = TrainingData(lesion_classes(), train=[], validation=[])
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    for _ in range(2):
        training._refuse_other_training(tmp_path, Recipe(), data, network)
    with pytest.raises(BadDataset) as caught:
        training._refuse_other_training(tmp_path, Recipe(strengths=STRENGTHS[name]), data, network)
    assert f"differs in recipe.strengths{name} (" in caught.value.detail


def test_the_pictures_of_a_phase_are_changed_as_strongly_as_the_recipe_says() -> None:
    data = TrainingData(lesion_classes(), train=[], validation=[])
    strengths = Strengths(augmentation=Augmentation(colour=0.9))
    recipe = Recipe(strengths=strengths)
    assert training._make_views(GROWING, recipe, data, side=SIDE).strengths is strengths


def test_what_differs_between_two_trainings_is_named_once_each() -> None:
    before = {"seed": 1, "phases": [{"name": "whole", "mixup": 0.2, "views": 1}], "old": []}
    now = {"seed": 1, "phases": [{"name": "whole", "mixup": 0.1, "views": 1}], "new": {"a": None}}
    assert list_differences(before, now) == [
        "phases.0.mixup (0.2, now 0.1)",
        "new.a (not recorded, now None)",
        "old ([], now not recorded)",
    ]
    assert list_differences(before, before) == []
    swapped = {"phases": [{"name": "b"}, {"name": "a"}]}
    assert list_differences({"phases": [{"name": "a"}, {"name": "b"}]}, swapped) == [
        "phases.0.name (a, now b)",
        "phases.1.name (b, now a)",
    ]


def test_a_training_whose_record_is_cut_short_is_not_resumed(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_run", lambda *_: PhaseStatus(finished=True))
    teach(small, tmp_path)
    written = tmp_path / "training.json"
    written.write_bytes(written.read_bytes()[:100])
    with pytest.raises(BadDataset, match="cannot be read"):
        teach(small, tmp_path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"side": 72}, "growing pictures grow, so the side must be a multiple of 32; it is 72"),
        ({"shares": {"clinics": 0.5}}, "clinics was given a share"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    small: Small, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises((BadNetwork, BadDataset), match=said):
        teach(small, tmp_path / "work", **fields)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("architecture", [tiny.NAME, *in_drill(*ARCHITECTURES)])
def test_a_network_for_squares_of_any_size_answers_as_one_for_this_size(
    architecture: str,
) -> None:
    keras.utils.set_random_seed(0)
    of_one_side, of_any = (
        build_network(architecture, outputs=3, side=side) for side in (SIDE, None)
    )
    of_any.set_weights(of_one_side.get_weights())
    pictures = np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 3)).astype(np.float32)
    expected = answer(of_one_side, pictures)
    # Fresh weights let the signal of some architectures fade: compare by its own size.
    largest = np.abs(expected).max()
    np.testing.assert_allclose(answer(of_any, pictures) / largest, expected / largest, atol=1e-4)
    assert answer(of_any, pictures[:, : SIDE // 2, : SIDE // 2]).shape == expected.shape


def answer(network: keras.Model, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = keras.ops.convert_to_numpy(network([pictures]))
    return logits


def test_several_sources_are_learned_in_one_phase_unless_told_otherwise() -> None:
    assert default_phases(1) == ("last-blocks", "whole")
    (name,) = default_phases(3)
    assert PHASES[name].grows
    assert PHASES[name].marked > 0


def test_the_options_offer_what_there_is() -> None:
    """They are spelled out, so that asking for help loads no training framework."""
    assert set(ARCHITECTURES) == {*train_options.ARCHITECTURES}
    assert tuple(PHASES) == train_options.PHASES
    assert get_args(Optimizer) == train_options.OPTIMIZERS
    assert evaluate_options.TURNS[-1] == len(DIHEDRAL)
    assert tuple(Modality) == evaluate_options.MODALITIES


def weights_of(network: keras.Model, layer: str) -> dict[str, NDArray[np.float32]]:
    return {weight.name: np.asarray(weight) for weight in network.get_layer(layer).weights}
