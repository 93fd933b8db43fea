import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from skinapi.base.errors import BadNetwork, WrongNetworkHead, WrongNetworkInput, WrongNetworkLabels
from skinapi.learning.train import user_networks
from skinapi.learning.train.openvino_export import make_servable
from skinapi.model.network.model import open_model
from skinapi.model.network.picture import Scaling, Tensor, scale_pixels
from skinapi.model.registry.prediction_pool import open_warm
from tests.learning.conftest import run_command
from tests.support.size import drill

layers = keras.layers
LABELS = "akiec,bcc,bkl"


def trunk() -> list[keras.Layer]:
    return [
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
    ]


def one_dense() -> keras.Model:
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *trunk(), *head])


def two_dense() -> keras.Model:
    head = [
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(3),
        layers.Softmax(),
    ]
    return keras.Sequential([keras.Input((32, 32, 3)), *trunk(), *head])


def nested_with_pooling() -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    inner = keras.Sequential(
        [keras.Input((32, 32, 3)), *trunk(), layers.GlobalAveragePooling2D()], name="inner"
    )
    pooled = inner(layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(pooled))


def nested_without_pooling() -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    inner = keras.Sequential([keras.Input((32, 32, 3)), *trunk()], name="inner")
    hidden = layers.GlobalAveragePooling2D()(inner(inputs))
    hidden = layers.Activation("relu")(layers.Dense(6)(hidden))
    return keras.Model(inputs, layers.Dense(3)(hidden))


def with_swish() -> keras.Model:
    layers_of = [layers.Conv2D(8, 3, activation="swish"), layers.Conv2D(12, 3, activation="swish")]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers_of, *head])


SERVABLE = [one_dense, two_dense, nested_with_pooling, nested_without_pooling, with_swish]


def pictures(count: int = 6) -> Tensor:
    noise = np.random.default_rng(4).integers(0, 256, (count, 32, 32, 3)).astype(np.float32)
    return scale_pixels(noise, Scaling.TF)


def with_random_weights(network: keras.Model) -> keras.Model:
    random = np.random.default_rng(2)
    values = [
        weight + random.uniform(0.0, 0.4, weight.shape).astype(np.float32)
        for weight in network.get_weights()
    ]
    network.set_weights(values)
    return network


@pytest.mark.parametrize(
    ("build", "suffix"),
    [
        *((build, ".keras") for build in (SERVABLE if drill else [two_dense, with_swish])),
        *((build, ".h5") for build in (SERVABLE if drill else [nested_with_pooling])),
    ],
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_serving_answers_what_keras_answers(
    build: Callable[[], keras.Model], suffix: str, tmp_path: Path
) -> None:
    network = with_random_weights(build())
    file = tmp_path / f"mine{suffix}"
    network.save(file)
    words = ["export", file, "--labels", LABELS, "--scaling", "tf", "--out", tmp_path / "model"]
    run_command(words, tmp_path)
    model = open_model(tmp_path / "model")
    batch = pictures()
    reading = model.engine.infer(batch)
    kept = network.predict_on_batch(batch)
    served = model.calibration.dermoscopic.probabilities(reading.logits)
    if not np.allclose(kept.sum(axis=1), 1):
        kept = np.asarray(keras.ops.softmax(kept))
    np.testing.assert_allclose(served, kept, atol=1e-4)
    assert model.labels == ("actinic_keratosis", "basal_cell_carcinoma", "benign_keratosis")


@pytest.mark.parametrize("build", SERVABLE)
def test_the_heat_map_is_that_of_the_gradient_tape(build: Callable[[], keras.Model]) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    servable = make_servable(with_random_weights(build()))
    batch = pictures(3)
    for output in range(3):
        with tensorflow.GradientTape() as tape:
            logits, feature_map, pooled = servable.network(batch, training=False)
            chosen = logits[:, output]
        gradient = tape.gradient(chosen, feature_map).numpy()
        weights = gradient.mean(axis=(1, 2), keepdims=True)
        taped = np.maximum((weights * feature_map.numpy()).sum(axis=-1), 0)
        for row in range(3):
            heat = servable.head.heat(feature_map[row].numpy(), pooled[row].numpy(), output)
            np.testing.assert_allclose(heat, taped[row], atol=1e-5 * max(1.0, taped.max()))


def refused(network: keras.Model | None, file: Path, *more: str) -> BadNetwork:
    if network is not None:
        network.save(file)
    out = file.parent / "out" / "model"
    words = ["export", file, "--labels", LABELS, "--scaling", "raw", "--out", out, *more]
    with pytest.raises(BadNetwork) as caught:
        run_command(words, file.parent)
    assert not (file.parent / "out").exists() or not list((file.parent / "out").iterdir())
    return caught.value


def refusal(network: keras.Model | None, file: Path, *more: str) -> str:
    return refused(network, file, *more).detail


def test_a_lambda_layer_is_refused(tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((32, 32, 3)), layers.Lambda(lambda x: x * 2)])
    assert "run code from the file" in refusal(network, tmp_path / "mine.keras")


def test_a_pickle_is_refused_unopened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    for name in ("mine.pkl", "mine.keras", "mine.h5"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        assert "expected is" in refusal(None, tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_weights_without_a_network_are_refused(tmp_path: Path) -> None:
    one_dense().save_weights(tmp_path / "mine.weights.h5")
    assert "expected is" in refusal(None, tmp_path / "mine.weights.h5")


HOSTILE: dict[str, bytes] = {
    "large": b" " * (17 * 1024 * 1024) + b"{}",
    "of many values": b"[" + b"[]," * 2_000_000 + b"[]]",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "of deep pieces": b'{"a":' * 900 + b"1" + b"}" * 900,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_an_architecture_that_would_fill_memory_or_stack_is_refused(
    tmp_path: Path, shape: str
) -> None:
    tracemalloc.start()
    with zipfile.ZipFile(tmp_path / "mine.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", HOSTILE[shape])
    tracemalloc.reset_peak()
    refusal(None, tmp_path / "mine.keras")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 1024 * 1024


def test_an_archive_that_unpacks_to_more_than_a_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_dense().save(tmp_path / "whole.keras")
    monkeypatch.setattr(user_networks, "MOST_UNPACKED", 10_000)
    assert "unpacks to more than" in refusal(None, tmp_path / "whole.keras")


@pytest.mark.parametrize(
    ("channels", "pooling", "says", "error"),
    [
        (3, layers.Flatten, "Flatten", WrongNetworkHead),
        (1, layers.GlobalAveragePooling2D, "height x width x 3", WrongNetworkInput),
    ],
)
def test_a_flattened_head_and_grey_pictures_are_refused(
    tmp_path: Path, channels: int, pooling: type[keras.Layer], says: str, error: type[BadNetwork]
) -> None:
    head = [pooling(), layers.Dense(3)]
    network = keras.Sequential([keras.Input((32, 32, channels)), *trunk(), *head])
    found = refused(network, tmp_path / "mine.keras")
    assert (says in found.detail, type(found)) == (True, error)


def test_an_open_size_must_be_told(tmp_path: Path) -> None:
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    network = keras.Sequential([keras.Input((None, None, 3)), *trunk(), *head])
    assert "expected is one square" in refusal(network, tmp_path / "mine.keras")
    words = ["export", tmp_path / "mine.keras", "--labels", LABELS, "--scaling", "raw"]
    run_command([*words, "--side", "32", "--out", tmp_path / "model"], tmp_path)
    assert open_model(tmp_path / "model").card.side == 32


@pytest.mark.parametrize("value", [1e38, np.nan], ids=["overflow", "nan"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_weights_without_probabilities_are_refused(tmp_path: Path, value: float) -> None:
    network = one_dense()
    network.set_weights([np.full_like(weight, value) for weight in network.get_weights()])
    said = refusal(network, tmp_path / "mine.keras")
    assert "differ from Keras's by nan" in said or "cannot be served" in said


@pytest.mark.parametrize(
    ("labels", "says"),
    [("mel,nv", "3 outputs"), ("mel,nv,melanoma", "mel, melanoma name a condition twice")],
)
def test_labels_of_another_number_or_without_an_answer_are_refused(
    labels: str, says: str, tmp_path: Path
) -> None:
    error = refused(one_dense(), tmp_path / "mine.keras", "--labels", labels)
    assert (says in error.detail, type(error)) == (True, WrongNetworkLabels)


def test_the_card_says_which_malignant_lesions_a_network_cannot_name(tmp_path: Path) -> None:
    one_dense().save(tmp_path / "mine.keras")
    words = ["export", tmp_path / "mine.keras", "--labels", "mel,nv,bkl", "--scaling", "raw"]
    run_command([*words, "--out", tmp_path / "model"], tmp_path)
    limits = open_warm(tmp_path / "model").card.limits
    assert "no output for: Basal cell carcinoma, Actinic keratosis" in limits[1]
