"""Exports a Keras network to a model folder that the server can load."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import openvino as ov

from skinapi.errors import BadNetwork, WrongNetworkLabels
from skinapi.learning.package.servable import Servable
from skinapi.learning.train.weights.float16 import store_as_float16
from skinapi.vision.calibration.model_calibration import ModelCalibration, softmax
from skinapi.vision.network.model import (
    CALIBRATION,
    CARD,
    HEAD,
    LABELS,
    NETWORK,
    write_checksums,
    write_head,
)
from skinapi.vision.network.model_files import sum_file
from skinapi.vision.network.openvino_engine import (
    OUTPUTS,
    BadGraph,
    OpenVinoEngine,
    Precision,
    shared_core,
)
from skinapi.vision.network.tensor import Tensor

# Keras calls the converter by this name, and skinapi/__init__.py keeps OpenVINO from loading it.
del sys.modules["openvino.tools.ovc"]
ov.convert_model = import_module("openvino.tools.ovc").convert_model

LARGEST_DIFFERENCE = 1e-3
BATCH = 16


@contextmanager
def new_model_folder(destination: Path) -> Iterator[Path]:
    """A folder to fill, moved to its destination at the end and removed after an error: an
    incomplete model is never seen.
    """
    if destination.exists():
        raise BadNetwork(f"There is already something at {destination}; name another place")
    destination.parent.mkdir(parents=True, exist_ok=True)
    # In the same parent folder, so that the rename at the end stays on one file system.
    with TemporaryDirectory(prefix=".model-", dir=destination.parent) as workshop:
        folder = Path(workshop) / destination.name
        folder.mkdir()
        yield folder
        folder.rename(destination)


def export_servable(
    servable: Servable, folder: Path, *, labels: Sequence[str], probe: Tensor, float16: bool
) -> float:
    """Writes network, head and labels. Returns the largest difference to Keras's probabilities.

    Raises BadNetwork where the probabilities for the `probe` inputs differ too much, and
    WrongNetworkLabels for more or fewer labels than outputs.
    """
    if servable.outputs != len(labels):
        raise WrongNetworkLabels(
            f"The network has {servable.outputs} outputs; expected are {len(labels)}, "
            f"one for each label: {', '.join(labels)}"
        )
    _export(servable.network, folder / NETWORK, float16=float16)
    write_head(servable.head, folder / HEAD)
    _write_json(folder / LABELS, list(labels))
    try:
        difference = measure_difference(servable.network, folder / NETWORK, probe)
    except BadGraph as bad:
        raise BadNetwork(f"The network cannot be served: {bad}") from bad
    # `not <=`, because weights that overflow make it NaN, and a comparison with NaN is false.
    if not difference <= LARGEST_DIFFERENCE:
        raise BadNetwork(f"Served probabilities would differ from Keras's by {difference:.1e}")
    return difference


def _export(network: keras.Model, path: Path, *, float16: bool) -> None:
    """Writes OpenVINO's graph with its three outputs named."""
    with TemporaryDirectory() as workshop:
        exported = Path(workshop) / NETWORK
        network.export(str(exported), format="openvino", verbose=False)
        served = shared_core().read_model(exported)
        # Activations with a custom gradient (swish) add outputs after these three.
        for further in served.outputs[len(OUTPUTS) :]:
            served.remove_result(further.get_node())
        for output, name in zip(served.outputs, OUTPUTS, strict=True):
            output.get_tensor().set_names({name})
        if float16:
            store_as_float16(served)
        ov.save_model(served, path, compress_to_fp16=False)


def measure_difference(network: keras.Model, exported: Path, probe: Tensor) -> float:
    """The largest difference of any probability between Keras and the engine at full precision."""
    engine = OpenVinoEngine(exported, precision=Precision.F32, streams=1)
    batches = [probe[start : start + BATCH] for start in range(0, len(probe), BATCH)]
    kept = np.concatenate([network.predict_on_batch(batch)[0] for batch in batches])
    served = np.concatenate([engine.infer(batch).logits for batch in batches])
    return float(np.abs(softmax(kept) - softmax(served)).max())


def write_model_files(
    folder: Path, *, card: Mapping[str, Any], calibration: ModelCalibration
) -> str:
    """Writes card, calibration and checksums beside the network, and returns the model's version.

    The version is made of the weights' checksum, so equal versions mean equal weights.
    """
    version = (
        f"{card['architecture'].lower()}-{sum_file((folder / NETWORK).with_suffix('.bin'))[:12]}"
    )
    _write_json(folder / CALIBRATION, calibration.model_dump())
    _write_json(folder / CARD, {"version": version, **card})
    write_checksums(folder)
    return version


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
