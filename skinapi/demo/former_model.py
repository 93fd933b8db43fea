"""The model that shipped before the one in service, by its card: the lab compares the two.

A server that was upgraded keeps the card of the model that it served before, without its files. The
card here is the real one of an earlier release, with the figures that were measured then.
"""

import json
import lzma
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from skinapi.registry.version_records import ModelVersions
from skinapi.vision.network.model import CALIBRATION, CARD, LABELS, SHIPPED_MODEL, read_card

FORMER_CARD = Path(__file__).parent / "former_model.json.xz"
FORMER_LABELS = (
    "actinic_keratosis",
    "basal_cell_carcinoma",
    "benign_keratosis",
    "dermatofibroma",
    "melanoma",
    "melanocytic_nevus",
    "vascular_lesion",
    "normal_skin",
)


def record_former_model(versions: ModelVersions) -> None:
    """As a server did that served it. Its calibration is that of the shipped model here: the record
    says of it only that it refuses other pictures, which both do.
    """
    with TemporaryDirectory() as folder:
        former = Path(folder)
        (former / CARD).write_bytes(lzma.decompress(FORMER_CARD.read_bytes()))
        (former / LABELS).write_text(json.dumps(FORMER_LABELS))
        shutil.copy(SHIPPED_MODEL / CALIBRATION, former)
        versions.record_built_in(former, read_card(former))
