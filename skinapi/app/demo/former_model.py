"""The model that shipped before the one in service, by its card: the lab compares the two.

A server that was upgraded keeps the card of the model that it served before, without its files. The
card here is the real one of an earlier release, with the figures that were measured then.
"""

import lzma
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from skinapi.model.network.model import CALIBRATION, CARD, LABELS, SHIPPED_MODEL, SPLIT, read_card
from skinapi.model.registry.version_records import ModelVersions

FORMER_CARD = Path(__file__).parent / "former_model.json.xz"


def record_former_model(versions: ModelVersions) -> None:
    """Store a version that served before the shipped model, with the labels and test pictures of
    the shipped one.
    """
    with TemporaryDirectory() as folder:
        former = Path(folder)
        for name in (CALIBRATION, LABELS, SPLIT):
            shutil.copy(SHIPPED_MODEL / name, former)
        (former / CARD).write_bytes(lzma.decompress(FORMER_CARD.read_bytes()))
        versions.record_built_in(former, read_card(former))
