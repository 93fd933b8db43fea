import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest

from skinapi.base.errors import BadNetwork
from skinapi.learning.train.networks import ARCHITECTURES, build_network, round_to_float16
from skinapi.learning.train.openvino_export import export_servable, make_servable
from skinapi.learning.train.weights import initialise, load_model_weights, load_weights, save_norms
from skinapi.model.network.engine import Precision
from skinapi.model.network.model import NETWORK, NORMS, open_model, read_labels
from tests.learning import tiny
from tests.learning.conftest import SIDE, Small, run_command
from tests.support.size import in_drill

OUTPUTS = ("melanoma", "melanocytic_nevus", "normal_skin")
# Slow to export; of these ResNet50 is in the box.
SLOW = ("MobileNetV2", "ResNet50", "DenseNet169", "EfficientNetB3")
EXPORTED = (tiny.NAME, *in_drill(*SLOW))


def trained(architecture: str) -> keras.Model:
    """Statistics of no fresh network: negative scales, a zero, and a thousand."""
    keras.utils.set_random_seed(3)
    random = np.random.default_rng(3)
    network = build_network(architecture, outputs=len(OUTPUTS), side=SIDE)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (
                random.uniform(0.5, 1.5, weight.shape).astype(np.float32)
                for weight in layer.get_weights()
            )
            gamma[:3] = -gamma[0], 0.0, -0.0
            variance[3] = 1e-6
            layer.set_weights([gamma, beta - 1, mean - 1, variance])
    round_to_float16(network)
    return network


def write(network: keras.Model, folder: Path) -> Path:
    folder.mkdir()
    probe = np.zeros((1, SIDE, SIDE, 3), np.float32)
    export_servable(make_servable(network), folder, labels=OUTPUTS, probe=probe, float16=True)
    save_norms(network, folder)
    return folder


def assert_same_bits(one: keras.Model, other: keras.Model) -> None:
    for mine, yours in zip(one.get_weights(), other.get_weights(), strict=True):
        assert mine.shape == yours.shape
        assert mine.tobytes() == yours.tobytes()


@pytest.mark.parametrize("architecture", EXPORTED)
def test_keras_gets_back_every_bit_and_no_kernel_is_stored_twice(
    architecture: str, tmp_path: Path
) -> None:
    network = trained(architecture)
    folder = write(network, tmp_path / "model")
    with np.load(folder / NORMS, allow_pickle=False) as stored:
        assert all(stored[key].ndim <= 1 for key in stored)
    again = build_network(architecture, outputs=len(OUTPUTS), side=SIDE)
    load_model_weights(again, folder)
    assert_same_bits(again, network)


def test_a_kernel_that_the_export_has_changed_is_kept_beside_it(tmp_path: Path) -> None:
    def build() -> keras.Model:
        inputs = keras.Input((SIDE, SIDE, 3))
        pixels = keras.layers.Rescaling(1 / 127.5, name="pixels")(inputs)
        features = keras.layers.Conv2D(8, 3, name="stem", activation="relu")(pixels)
        pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
        return keras.Model(inputs, keras.layers.Dense(len(OUTPUTS), name="logits")(pooled))

    network = build()
    round_to_float16(network)
    folder = write(network, tmp_path / "model")
    with np.load(folder / NORMS, allow_pickle=False) as stored:
        assert stored["stem/0"].dtype == np.float16
    again = build()
    load_model_weights(again, folder)
    assert_same_bits(again, network)


def test_a_training_starts_from_the_weights_that_a_model_serves(small: Small) -> None:
    network = build_network(tiny.NAME, outputs=8, side=SIDE)
    said: list[str] = []
    fresh = initialise(
        network,
        outputs=read_labels(small.model),
        architecture=tiny.NAME,
        init=str(small.model),
        imagenet=None,
        report=said.append,
    )
    assert fresh == []
    assert said == ["init: model; fresh: nothing"]
    batch = np.random.default_rng(5).uniform(-1, 1, (4, SIDE, SIDE, 3)).astype(np.float32)
    served = open_model(small.model, precision=Precision.F32).engine.infer(batch).logits
    np.testing.assert_allclose(network.predict_on_batch(batch), served, atol=1e-4)


def test_an_output_that_the_start_lacks_begins_as_the_one_that_it_counts_within(
    small: Small,
) -> None:
    stored = read_labels(small.model)
    outputs = ("squamous_cell_carcinoma", *reversed(stored))
    network = build_network(tiny.NAME, outputs=9, side=SIDE)
    load_weights(network, small.model, outputs=outputs)
    batch = np.random.default_rng(5).uniform(-1, 1, (4, SIDE, SIDE, 3)).astype(np.float32)
    served = open_model(small.model, precision=Precision.F32).engine.infer(batch).logits
    columns = [stored.index("actinic_keratosis"), *reversed(range(8))]
    np.testing.assert_allclose(network.predict_on_batch(batch), served[:, columns], atol=1e-4)


def test_a_start_without_an_output_for_a_class_is_refused(small: Small) -> None:
    network = build_network(tiny.NAME, outputs=2, side=SIDE)
    with pytest.raises(BadNetwork, match="no output for other_malignant"):
        load_weights(network, small.model, outputs=("melanoma", "other_malignant"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(trained(tiny.NAME), tmp_path_factory.mktemp("kernels") / "model")


def refusal(folder: Path, outputs: int = len(OUTPUTS)) -> str:
    return refusal_by(build_network(tiny.NAME, outputs=outputs, side=SIDE), folder)


def refusal_by(network: keras.Model, folder: Path) -> str:
    before = [weight.copy() for weight in network.get_weights()]
    with pytest.raises(BadNetwork) as caught:
        load_weights(network, folder)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    return caught.value.detail


def test_another_architecture_is_refused(model: Path) -> None:
    layers = [keras.layers.Conv2D(8, 3, name="Conv1"), keras.layers.GlobalAveragePooling2D()]
    head = keras.layers.Dense(len(OUTPUTS), name="logits")
    other = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers, head])
    assert "no layer Conv1: it is of another architecture" in refusal_by(other, model)


def test_other_outputs_are_refused(model: Path) -> None:
    said = refusal(model, outputs=5)
    assert "The layer logits" in said
    assert "(64, 3); expected is (64, 5)" in said


def test_a_file_of_one_model_beside_the_network_of_another_is_refused(
    model: Path, small: Small, tmp_path: Path
) -> None:
    shutil.copytree(small.model, tmp_path / "mixed")
    shutil.copy(model / NORMS, tmp_path / "mixed" / NORMS)
    said = refusal(tmp_path / "mixed")
    assert "the kernel of first" in said
    assert "not of one model" in said


@pytest.mark.parametrize("name", [NORMS, NETWORK, "network.bin"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_whose_files_are_missing_or_cut_short_is_refused(
    model: Path, tmp_path: Path, name: str, missing: bool
) -> None:
    folder = shutil.copytree(model, tmp_path / "broken")
    content = (folder / name).read_bytes()
    (folder / name).unlink() if missing else (folder / name).write_bytes(content[:1000])
    said = refusal(folder)
    assert str(folder) in said
    if missing and name == NORMS:
        assert "only a model that `train` has made can be a start" in said


def test_the_file_without_its_network_is_no_start(
    small: Small, model: Path, tmp_path: Path
) -> None:
    (tmp_path / NORMS).write_bytes((model / NORMS).read_bytes())
    assert "Of a model, name the folder" in refusal(tmp_path / NORMS)
    words = [*small.words, "--init", tmp_path / NORMS]
    with pytest.raises(BadNetwork, match="name the folder"):
        run_command([*words, "--work", tmp_path / "w", "--out", tmp_path / "m"], tmp_path)
    assert not (tmp_path / "w").exists()
    assert not (tmp_path / "m").exists()


def build_normalised(*, input_shape: tuple[int, ...], **_: Any) -> keras.Model:
    inputs = keras.Input(input_shape)
    scaled = keras.layers.Normalization()(inputs)
    return keras.Model(inputs, keras.layers.Conv2D(4, 3, name="last_out")(scaled))


@pytest.mark.parametrize("architecture", ["Normalised", *in_drill("EfficientNetB3")])
def test_two_networks_of_one_process_name_their_layers_alike(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    normalised = replace(tiny.TINY, build=build_normalised)
    monkeypatch.setitem(cast("dict[str, Any]", ARCHITECTURES), "Normalised", normalised)
    first, second = (build_network(architecture, outputs=3, side=32) for _ in range(2))
    named = [[layer.name for layer in item.layers if layer.weights] for item in (first, second)]
    assert named[0] == named[1]
