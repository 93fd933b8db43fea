import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skinapi.base.settings.settings import Settings
from skinapi.learning.commands.command_line import print_line, raise_disk_full
from skinapi.learning.commands.options import ExportOptions
from skinapi.learning.train.card import describe_missing_labels
from skinapi.learning.train.openvino_export import (
    Servable,
    export_servable,
    make_servable,
    new_model_folder,
    write_model_files,
)
from skinapi.learning.train.user_networks import load_user_network
from skinapi.model.calibration import ModelCalibration
from skinapi.model.dataset_labels import name_outputs
from skinapi.model.network.engine import Precision
from skinapi.model.network.picture import SEEN, Scaling, Tensor, scale_pixels

COMPARED = 32
LONGEST_NAME = 60
UNKNOWN_TRAINING = (
    "Supplied by its operator: its training data is not known, and it is not calibrated."
)


@dataclass(frozen=True, slots=True)
class Exported:
    version: str
    difference: float
    limits: list[str]


def export(settings: Settings, options: ExportOptions) -> int:
    out = options.out or settings.instance_dir / "models" / options.network.stem
    exported = export_network(options, out)
    print_line(f"{exported.version}: probabilities within {exported.difference:.1e} of Keras's")
    for limit in exported.limits:
        print_line(limit)
    print_line(f"serve it with MODEL_PATH={out}")
    return 0


def export_network(options: ExportOptions, out: Path) -> Exported:
    scaling = Scaling(options.scaling)
    labels = name_outputs(options.labels)
    limits = [UNKNOWN_TRAINING, *describe_missing_labels(labels)]
    network = load_user_network(options.network)
    servable = make_servable(network, side=options.side)
    with raise_disk_full(), new_model_folder(out) as folder:
        difference = export_servable(
            servable, folder, labels=labels, probe=_probe(servable, scaling), float16=False
        )
        card = {
            "architecture": _architecture(network.name),
            "side": servable.side,
            "scaling": scaling.value,
            "seen": SEEN,
            "precision": Precision.F32.value,
            "difference_from_keras": difference,
            "licence": options.licence,
            "limits": limits,
        }
        version = write_model_files(folder, card=card, calibration=ModelCalibration())
    return Exported(version, difference, limits)


def _architecture(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:LONGEST_NAME] or "network"


def _probe(servable: Servable, scaling: Scaling) -> Tensor:
    random = np.random.default_rng(0)
    shape = (COMPARED, servable.side, servable.side, 3)
    return scale_pixels(random.integers(0, 256, shape).astype(np.float32), scaling)
