import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_type_hints

import keras
import numpy as np
import pytest
from PIL import Image

from skinapi.base.settings.settings import Settings
from skinapi.learning.commands import train as train_command
from skinapi.learning.commands.command_line import add_commands
from skinapi.learning.commands.options import TrainOptions
from skinapi.learning.measure import metrics, stress
from skinapi.learning.train import recipe, training
from skinapi.learning.train.networks import ARCHITECTURES, Architecture, build_network
from skinapi.learning.train.recipe import Fetch, make_sampler
from skinapi.learning.train.training import TrainingRun, TrainingStatus
from skinapi.model.decoding.photo import read_photo
from skinapi.model.network.picture import Scaling, make_tensor
from tests.learning import tiny
from tests.learning.pictures import write_ham_like, write_source
from tests.support.size import drill, size

SIDE = 64
HERE = Path(__file__).parent
# Each is a run over all pictures; what each does to a picture is tested by itself.
STRESSES_SEEN = {
    name: change
    for name, change in stress.STRESSES.items()
    if drill or name in ("blurred", "ruler")
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keras and TensorFlow warn about their own internals; everything else stays an error."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"))


def run_command(words: Sequence[object], instance: Path) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args([str(word) for word in words])
    done: int = options.run(Settings(instance_dir=instance, environment="development"), options)
    return done


def write_start(path: Path, data: Path) -> Path:
    """Write random weights with the batch statistics of the pictures, as after a long training."""
    keras.utils.set_random_seed(0)
    network = build_network(tiny.NAME, outputs=8, side=SIDE)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    pictures = [read_photo(shot.read_bytes()).pixels for shot in sorted(data.glob("*.png"))[::3]]
    batch = np.stack([make_tensor(p, side=SIDE, scaling=Scaling.TF) for p in pictures])
    network([batch], training=True)
    weights = {
        f"{layer.name}/{index}": value
        for layer in network.layers
        for index, value in enumerate(layer.get_weights())
    }
    np.savez(path, **weights)
    return path


@pytest.fixture(scope="session", autouse=True)
def _lean() -> Iterator[None]:
    """Add a small architecture. An interval needs a thousand draws to be exact, not to exist."""
    named = get_type_hints(TrainOptions, include_extras=True)["architecture"].__metadata__[0].more
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", size(20, 1000))
        patch.setitem(cast("dict[str, Architecture]", ARCHITECTURES), tiny.NAME, tiny.TINY)
        patch.setitem(named, "choices", (*named["choices"], tiny.NAME))
        yield


def look_at_batches(run: TrainingRun, _: object, fetch: Fetch, __: object) -> TrainingStatus:
    """Replace the epochs: the batches are drawn, but nothing is learned, because tracing the steps
    of a training takes longer than these steps.
    """
    random = np.random.default_rng(0)
    fetch(make_sampler(run.recipe, run.data).draw(random), random)
    return TrainingStatus(finished=True, best=1.0)


@pytest.fixture
def _nothing_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    if not drill:
        monkeypatch.setattr(training, "run_epochs", look_at_batches)


@dataclass(frozen=True)
class Small:
    data: Path
    work: Path
    model: Path
    words: tuple[str | Path, ...]

    def third(self, folder: Path) -> str:
        header, *lines = (self.data / "metadata.csv").read_text().splitlines()
        kept = [line for line in lines if int(line.partition(",")[0].rpartition("_")[2]) % 3 == 2]
        table = folder / "third.csv"
        table.write_text("\n".join([header, *kept]) + "\n")
        return f"{self.data},labels={table}"

    @property
    def watched(self) -> list[str]:
        names: list[str] = json.loads((self.model / "split.json").read_text())["validation"]
        return names


@pytest.fixture(scope="session")
def small(_lean: None, tmp_path_factory: pytest.TempPathFactory) -> Small:
    root = tmp_path_factory.mktemp("small")
    data = write_ham_like(root / "data", lesions_per_class=15)
    start = write_start(root / "start.npz", data)
    words = (
        *("train", "--data", data, "--architecture", tiny.NAME, "--init", start),
        *("--epochs", "2", "--side", str(SIDE)),
        # The optimizer whose steps are the quickest to trace.
        *("--optimizer", "SGD"),
        *("--work", root / "work", "--out", root / "model"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stress, "STRESSES", STRESSES_SEEN)
        assert run_command(words, root / "instance") == 0
    return Small(data, root / "work", root / "model", words)


@dataclass(frozen=True)
class Joined:
    """A finished training on two sources and on normal skin cut out of both. It starts from a model
    without the output for squamous cell carcinoma, of which the second source has enough.
    """

    phones: Path
    model: Path
    degraded: int  # pictures that were shown degraded


@pytest.fixture(scope="session")
def joined(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Joined:
    root = tmp_path_factory.mktemp("joined")
    labels = [*("nv", "sccka") * 20, *["inflammatory"] * 10]
    rows = [f"x{n},,P{n // 2},{label},clinical" for n, label in enumerate(labels)]
    phones = write_source(root / "phones", *rows, seed=5)
    words = [*small.words, "--data", small.third(root), f"{phones},licence=CC BY 4.0,share=0.3"]
    words += ["--split", small.model / "split.json", "--cut-normal-skin", "--batch", "8"]
    words += ["--init", small.model, "--epochs", "1"]
    degraded: list[Image.Image] = []

    def note(view: Image.Image, *_: object) -> Image.Image:
        degraded.append(view)
        return view

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "degrade_picture", note)
        patch.setattr(train_command, "FEWEST_SQUAMOUS", 10)
        # The first training is measured before all of them.
        patch.setattr(stress, "STRESSES", {})
        if not drill:
            patch.setattr(training, "run_epochs", look_at_batches)
        where = ["--work", root / "work", "--out", root / "model"]
        assert run_command([*words, *where], root / "instance") == 0
    return Joined(phones, root / "model", len(degraded))
