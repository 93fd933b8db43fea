"""What learns in a phase, and what stands still."""

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from skinapi.errors import BadNetwork
from skinapi.learning import commands
from skinapi.learning.answers import lesion_classes
from skinapi.learning.augment import DIHEDRAL
from skinapi.learning.datasets import load_dataset
from skinapi.learning.networks import ARCHITECTURES, build_network
from skinapi.learning.recipe import PHASES, Lessons, Recipe, train_network
from skinapi.learning.training import Phase
from skinapi.vision.conditions import conditions_table
from tests.learning import tiny
from tests.learning.conftest import SIDE, Small, run_command

WHOLE = Phase("whole", "whole", epochs=1, learning_rate=1e-3, mixup=0.0)


@pytest.mark.parametrize("still", [True, False])
def test_a_network_that_begins_from_nothing_learns_its_statistics_too(
    small: Small, tmp_path: Path, still: bool
) -> None:
    samples = load_dataset(small.data, labels=conditions_table().label_spellings()).samples
    network, _ = train_network(
        recipe=Recipe(tiny.NAME, phases=(WHOLE,), side=SIDE, still=still, compute="float32"),
        lessons=Lessons(lesion_classes(), train=samples[::2], validation=samples[1::2]),
        initialise=lambda _: None,
        folder=tmp_path,
        report=lambda _: None,
    )
    keras.utils.set_random_seed(0)
    fresh = build_network(tiny.NAME, outputs=7, side=SIDE, dropout=0.3)
    before, after = (weights_of(model, "early_bn") for model in (fresh, network))
    assert not np.allclose(before["beta"], after["beta"])
    for name in ("moving_mean", "moving_variance"):
        assert np.allclose(before[name], after[name]) is still


def test_what_is_kept_of_the_start_is_in_every_weight(small: Small, tmp_path: Path) -> None:
    samples = load_dataset(small.data, labels=conditions_table().label_spellings()).samples
    starts: list[list[NDArray[np.float32]]] = []

    def end(keep: float) -> list[NDArray[np.float32]]:
        network, _ = train_network(
            recipe=Recipe(tiny.NAME, phases=(WHOLE,), side=SIDE, compute="float32", keep=keep),
            lessons=Lessons(lesion_classes(), train=samples[::2], validation=samples[1::2]),
            initialise=lambda fresh: starts.append(fresh.get_weights()),
            folder=tmp_path / str(keep),
            report=lambda _: None,
        )
        weights: list[NDArray[np.float32]] = network.get_weights()
        return weights

    learned, mean = end(0.0), end(0.25)
    assert any(not np.allclose(a, b) for a, b in zip(starts[0], learned, strict=True))
    for old, new, both in zip(starts[0], learned, mean, strict=True):
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


def test_the_options_offer_what_there_is() -> None:
    """They are spelled out, so that asking for help loads no training framework."""
    assert set(ARCHITECTURES) == {*commands.ARCHITECTURES}
    assert tuple(PHASES) == commands.PHASES
    assert commands.TURNS[-1] == len(DIHEDRAL)


def weights_of(network: keras.Model, layer: str) -> dict[str, NDArray[np.float32]]:
    return {weight.name: np.asarray(weight) for weight in network.get_layer(layer).weights}
