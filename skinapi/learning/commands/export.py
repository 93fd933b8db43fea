"""`export`: makes a model folder of your own Keras network, to be served with MODEL_PATH."""

import numpy as np

from skinapi.errors import BadNetwork
from skinapi.learning.commands.console import print_line, raise_disk_full
from skinapi.learning.commands.train_options import ExportOptions
from skinapi.learning.data.datasets import load_pictures
from skinapi.learning.data.samples import Sample
from skinapi.learning.package.export import export_servable, new_model_folder, write_model_files
from skinapi.learning.package.limits import describe_missing_labels
from skinapi.learning.package.servable import Servable, make_servable
from skinapi.learning.package.user_files import load_user_network
from skinapi.learning.train.inputs import NetworkInputs
from skinapi.settings import Settings
from skinapi.vision.calibration import ModelCalibration
from skinapi.vision.conditions import conditions_table
from skinapi.vision.model_faults import find_label_fault
from skinapi.vision.openvino_engine import Precision
from skinapi.vision.tensor import Scaling, Tensor, scale_pixels

COMPARED = 32
UNKNOWN_TRAINING = (
    "Supplied by its operator: its training data is not known, and it is not calibrated."
)


def run(settings: Settings, options: ExportOptions) -> int:
    scaling = Scaling(options.scaling)
    labels = _known_labels(options.labels)
    limits = [UNKNOWN_TRAINING, *describe_missing_labels(labels)]
    network = load_user_network(options.network)
    servable = make_servable(network, side=options.side)
    out = options.out or settings.instance_dir / "models" / options.network.stem
    with raise_disk_full(), new_model_folder(out) as folder:
        difference = export_servable(
            servable, folder, labels=labels, probe=_probe(options, servable, scaling), float16=False
        )
        card = {
            "architecture": network.name,
            "side": servable.side,
            "scaling": scaling.value,
            "precision": Precision.F32.value,
            "difference_from_keras": difference,
            "licence": options.licence,
            "limits": limits,
        }
        version = write_model_files(folder, card=card, calibration=ModelCalibration())
    print_line(f"{version}: probabilities within {difference:.1e} of Keras's")
    for limit in limits:
        print_line(limit)
    print_line(f"serve it with MODEL_PATH={out}")
    return 0


def _known_labels(words: tuple[str, ...]) -> tuple[str, ...]:
    """The outputs in order, as keys of our conditions table. Raises BadNetwork for other labels:
    each output needs a name, an urgency, and to be known as malignant or benign.
    """
    spellings = conditions_table().label_spellings()
    labels = tuple(spellings.get(word.lower(), word) for word in words)
    if fault := find_label_fault(labels, written_as=words):
        raise BadNetwork(fault)
    return labels


def _probe(options: ExportOptions, servable: Servable, scaling: Scaling) -> Tensor:
    """Inputs for comparing Keras with the export: the user's pictures, else noise."""
    if options.images:
        samples: list[Sample] = load_pictures(options.images, label="any")[:COMPARED]
        pictures = NetworkInputs(samples, servable.side, scaling)
        return np.stack([pictures.load(row) for row in range(len(pictures))])
    random = np.random.default_rng(0)
    shape = (COMPARED, servable.side, servable.side, 3)
    return scale_pixels(random.integers(0, 256, shape).astype(np.float32), scaling)
