"""Opens a user's Keras network without running code from the file.

Keras rebuilds a network from a description in the file: objects with a class, and texts that name a
function. Its own safe mode refuses only a few. Here everything is refused that is not on the list.
"""

import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import keras

from skinapi.base.errors import BadNetwork, NetworkRunsCode, UnreadableNetwork
from skinapi.base.size_limits import holds_more_values

EXPECTED_FILE = "a whole network saved by Keras, as .keras or .h5"
# A file of 200 KB can unpack to a thousand times as much. These are far above any real network.
MOST_UNPACKED = 4 * 1024**3
MOST_ARCHITECTURE = 16 * 1024**2
MOST_VALUES = 500_000
DEEPEST = 100
LONGEST_QUOTE = 60


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAYERS = _names(
    """
    Activation ActivityRegularization Add AlphaDropout Average AveragePooling2D BatchNormalization
    CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dropout
    EinsumDense ELU Embedding Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalMaxPooling2D GroupNormalization Identity InputLayer
    LayerNormalization LeakyReLU Maximum MaxPooling2D Minimum MultiHeadAttention Multiply
    Normalization Permute PReLU RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing RMSNormalization
    SeparableConv2D Softmax SpatialDropout2D Subtract UnitNormalization UpSampling2D ZeroPadding2D
    """
)
MODELS = frozenset(("Functional", "Model", "Sequential"))
INITIALIZERS = _names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones Orthogonal
    OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
)
REGULARIZERS = frozenset(("L1", "L1L2", "L2", "OrthogonalRegularizer"))
CONSTRAINTS = frozenset(("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"))
POLICIES = frozenset(("DTypePolicy", "DTypePolicyMap"))

# By the module that Keras writes. What it does not export has the module of its source.
OBJECTS = {
    "keras": MODELS | POLICIES,
    "keras.models": MODELS,
    "keras.src.models.functional": frozenset(("Functional",)),
    "keras.src.models.sequential": frozenset(("Sequential",)),
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras.dtype_policies": POLICIES,
    "keras.random": frozenset(("SeedGenerator",)),
    "keras.src.applications.convnext": frozenset(("LayerScale",)),
    "keras.src.applications.inception_resnet_v2": frozenset(("CustomScaleLayer",)),
    "keras.src.ops.nn": _names(
        "Elu Gelu HardSigmoid HardSilu LeakyRelu Relu Relu6 Sigmoid Silu Softmax"
    ),
    "keras.src.ops.numpy": _names(
        "Add Divide Maximum Mean Minimum Multiply Negative Subtract TrueDivide"
    ),
}
# The older format (.h5) often names no module.
WITHOUT_MODULE = LAYERS | MODELS | INITIALIZERS | REGULARIZERS | CONSTRAINTS | POLICIES
ACTIVATIONS = _names(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)
# In the older format Keras replaces a text by the function of this name in its layers, whatever the
# field; `name` alone it leaves.
FUNCTIONS = _names(
    """
    Input add average concatenate deserialize dot maximum minimum multiply serialize subtract
    """
)
TENSOR = "__keras_tensor__"
SEQUENCES = ("__tuple__", "TensorShape")  # as the older format writes them
KINDS = ("module", "class_name", "registered_name")
PLACE = re.compile(r"[/~\\]|[A-Za-z]:[/\\]|.*(://|\.\.[/\\])", re.DOTALL)


def allowed_architecture(value: Any) -> Any:
    if isinstance(value, list):
        return [allowed_architecture(part) for part in value]
    if isinstance(value, str):
        return _allowed_text(value)
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in SEQUENCES and isinstance(value.get("items"), list):
        return allowed_architecture(value["items"])
    if "class_name" in value:
        _require_allowed_object(value)
    return {
        key: _allowed_field(key, part) for key, part in value.items() if key != "compile_config"
    }


def _allowed_field(key: str, value: Any) -> Any:
    if key == "inbound_nodes":
        return _allowed_calls(value)
    if isinstance(value, str):
        if key.endswith("activation") and value not in ACTIVATIONS:
            raise NetworkRunsCode(
                f"The network has the activation {_quote(value)}, which is not known"
            )
        if key != "name" and value in FUNCTIONS:
            raise NetworkRunsCode(f"The network names the function {value} as {_quote(key)}")
    return allowed_architecture(value)


def _require_allowed_object(value: dict[str, Any]) -> None:
    module, name, registered = (value.get(key) for key in KINDS)
    if name == "function":
        raise NetworkRunsCode(
            f"The network holds the function {_quote(value.get('config'))}; functions are not "
            "loaded from a file: name an activation of Keras instead"
        )
    if not all(isinstance(text, str) or text is None for text in (module, name, registered)):
        raise NetworkRunsCode("The network holds an object whose class is not a name")
    if name == TENSOR:
        return
    allowed = WITHOUT_MODULE if module is None else OBJECTS.get(module, frozenset())
    if name not in allowed or registered not in (None, name):
        whole = f"{module}.{name}" if module else f"{name}"
        raise NetworkRunsCode(
            f"The network holds {_quote(whole)}. Only Keras's plain layers are loaded, because "
            "others can run code from the file; rebuild it without"
        )


def _allowed_calls(nodes: Any) -> Any:
    """A layer may be called with tensors of other layers and numbers, but no text, which would
    become the argument of any function in the layer's place.
    """
    if not isinstance(nodes, list):
        raise NetworkRunsCode("The network has a layer whose calls are not a list")
    return [_allowed_call(node) for node in nodes]


def _allowed_call(node: Any) -> Any:
    if not isinstance(node, list):
        return _allowed_argument(node)
    references = []
    for reference in node:  # the older format: the layer's name, two numbers, keyword arguments
        if not isinstance(reference, list) or not reference or not isinstance(reference[0], str):
            raise NetworkRunsCode("The network has a layer whose call cannot be read")
        layer, *said = reference
        references.append([_allowed_text(layer), *_allowed_argument(said)])
    return references


def _allowed_argument(value: Any) -> Any:
    if isinstance(value, str):
        raise NetworkRunsCode(f"The network calls a layer with the text {_quote(value)}")
    if isinstance(value, list):
        return [_allowed_argument(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in SEQUENCES and isinstance(value.get("items"), list):
        return _allowed_argument(value["items"])
    if value.get("class_name") == TENSOR:
        return allowed_architecture(value)
    if "class_name" in value:
        _require_allowed_object(value)
        raise NetworkRunsCode(
            f"The network calls a layer with {_quote(value['class_name'])}; expected are tensors "
            "and numbers"
        )
    return {key: _allowed_argument(part) for key, part in value.items()}


def _allowed_text(text: str) -> str:
    if PLACE.match(text):
        raise NetworkRunsCode(f"The network names the file or address {_quote(text)}")
    return text


def _quote(foreign: object) -> str:
    return ascii(foreign)[:LONGEST_QUOTE]


def load_user_network(path: Path) -> keras.Model:
    """Nothing is built if the file has anything that is not allowed. Optimizer, loss and metrics
    are not loaded.
    """
    config = allowed_architecture(_config_of(path))
    try:
        network = _build(config, path.suffix)
        if isinstance(network, keras.Model):
            network.load_weights(path)
    except BadNetwork:
        raise
    except Exception as broken:
        first_line = str(broken).strip().partition("\n")[0]
        raise UnreadableNetwork(f"Keras cannot load {path.name}: {first_line}") from broken
    if not isinstance(network, keras.Model):
        raise UnreadableNetwork(
            f"{path.name} holds a {type(network).__name__}; expected is {EXPECTED_FILE}"
        )
    return network


def _build(config: Any, suffix: str) -> Any:
    """Build the network without weights from the checked description: Keras's load_model would read
    the file again, and load the optimizers of nested networks.
    """
    if suffix == ".keras":
        return keras.saving.deserialize_keras_object(config, safe_mode=True)
    kind, inner = config.get("class_name"), config.get("config")
    if kind not in MODELS or not isinstance(inner, dict):
        raise UnreadableNetwork(f"The file holds no network; expected is {EXPECTED_FILE}")
    return (keras.Sequential if kind == "Sequential" else keras.Model).from_config(inner)


def _config_of(path: Path) -> Any:
    if not path.is_file():
        raise UnreadableNetwork(f"There is no file {path}")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                _refuse_bomb(archive, path.name)
                with archive.open("config.json") as stored:
                    return _bounded(stored.read(MOST_ARCHITECTURE + 1), path.name)
        if path.suffix == ".h5":
            with h5py.File(path, "r") as stored:
                text = stored.attrs["model_config"]
                return _bounded(text if isinstance(text, bytes) else str(text).encode(), path.name)
    # RuntimeError: an encrypted file, an unknown compression, or JSON that is nested too deeply.
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as broken:
        raise UnreadableNetwork(
            f"{path.name} holds no architecture to rebuild; expected is {EXPECTED_FILE}"
        ) from broken
    raise UnreadableNetwork(
        f"{path.name} is not served, pickles least of all; expected is {EXPECTED_FILE}"
    )


def _refuse_bomb(archive: zipfile.ZipFile, name: str) -> None:
    # No more is ever unpacked of a file than the archive says.
    if sum(packed.file_size for packed in archive.infolist()) > MOST_UNPACKED:
        raise UnreadableNetwork(f"{name} unpacks to more than {MOST_UNPACKED} bytes")


def _bounded(text: bytes, name: str) -> Any:
    if len(text) > MOST_ARCHITECTURE or holds_more_values(text, MOST_VALUES):
        raise UnreadableNetwork(f"The architecture in {name} is larger than that of any network")
    config = json.loads(text)
    layer = [config]
    for _ in range(DEEPEST):
        layer = [part for whole in layer for part in _parts(whole)]
    if layer:
        raise UnreadableNetwork(f"The architecture in {name} is nested more than {DEEPEST} deep")
    return config


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return list(whole.values())
    return whole if isinstance(whole, list) else []
