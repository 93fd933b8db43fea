"""From a Keras network to a model folder that the server can load: exported, measured, written whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import openvino as ov

from skinapi.errors import BadNetwork
from skinapi.learning.half import store_kernels_in_half
from skinapi.learning.heads import Servable
from skinapi.vision.calibration import Calibration, softmax
from skinapi.vision.model import (
    CALIBRATION,
    CARD,
    CHECKSUMS,
    HEAD,
    LABELS,
    NETWORK,
    write_checksums,
    write_head,
)
from skinapi.vision.openvino_engine import OUTPUTS, OpenVinoEngine, Precision
from skinapi.vision.tensor import Scaling, Tensor

LARGEST_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class Package:
    """What goes into the folder beside the network; `card` is completed with version, input and difference."""

    architecture: str
    labels: Sequence[str]
    scaling: Scaling
    calibration: Calibration
    card: Mapping[str, Any]
    half: bool = False


def write_model(*, servable: Servable, package: Package, destination: Path, probe: Tensor) -> float:
    """Writes the folder and answers the largest difference of a probability from Keras over the probe.

    The folder appears complete or not at all, on a full disk too.
    """
    if servable.outputs != len(package.labels):
        raise BadNetwork(
            f"The network has {servable.outputs} outputs; {len(package.labels)} labels were given: "
            + ", ".join(package.labels)
        )
    if destination.exists():
        raise BadNetwork(f"There is already something at {destination}; name another place")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".model-", dir=destination.parent) as workshop:
        folder = Path(workshop) / "model"
        folder.mkdir()
        export_network(servable.network, folder / NETWORK, half=package.half)
        difference = measure_difference(servable.network, folder / NETWORK, probe)
        if difference > LARGEST_DIFFERENCE:
            raise BadNetwork(f"The served network's probabilities differ from Keras's by {difference:.1e}")
        _write_papers(folder, servable, package, difference)
        folder.rename(destination)
    return difference


def export_network(network: keras.Model, path: Path, *, half: bool) -> None:
    """OpenVINO's graph with its three outputs named; float16 storage only on request."""
    with TemporaryDirectory() as workshop:
        exported = Path(workshop) / NETWORK
        network.export(str(exported), format="openvino", verbose=False)
        served = ov.Core().read_model(exported)
        for output, name in zip(served.outputs, OUTPUTS, strict=True):
            output.get_tensor().set_names({name})
        if half:
            store_kernels_in_half(served)
        ov.save_model(served, path, compress_to_fp16=False)


def measure_difference(network: keras.Model, exported: Path, probe: Tensor) -> float:
    """The largest difference of any probability between Keras and the engine at full precision."""
    engine = OpenVinoEngine(exported, precision=Precision.F32, streams=1)
    starts = range(0, len(probe), 16)
    kept = [network.predict_on_batch(probe[start : start + 16])[0] for start in starts]
    served = [engine.infer(probe[start : start + 16]).logits for start in starts]
    return float(np.abs(softmax(np.concatenate(kept)) - softmax(np.concatenate(served))).max())


def _write_papers(folder: Path, servable: Servable, package: Package, difference: float) -> None:
    write_head(servable.head, folder / HEAD)
    _write_json(folder / LABELS, list(package.labels))
    _write_json(folder / CALIBRATION, package.calibration.model_dump())
    write_checksums(folder)
    network_sum = json.loads((folder / CHECKSUMS).read_text())["network.bin"]
    card = {
        "version": f"{package.architecture.lower()}-{network_sum[:12]}",
        "architecture": package.architecture,
        "side": servable.side,
        "scaling": package.scaling.value,
        **package.card,
        "difference_from_keras": difference,
    }
    _write_json(folder / CARD, card)
    write_checksums(folder)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


