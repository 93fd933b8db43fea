"""A model on disk: a folder with network, labels, calibration, card and a checksum of each."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from skinapi.errors import ModelDamaged
from skinapi.vision.calibration import ModelCalibration
from skinapi.vision.engine import Engine, Reading
from skinapi.vision.heatmap import Head, draw_heat
from skinapi.vision.model_faults import (
    find_calibration_fault,
    find_label_fault,
    find_network_fault,
)
from skinapi.vision.openvino_engine import OpenVinoEngine, Precision
from skinapi.vision.tensor import Scaling, Tensor, make_tensor

NETWORK = "network.xml"
HEAD = "head.npz"
LABELS = "labels.json"
CALIBRATION = "calibration.json"
CARD = "card.json"
CHECKSUMS = "checksums.json"
NORMS = "norms.npz"  # read where a training starts from this model, never to serve it
SHIPPED_MODEL = Path(__file__).parents[1] / "models" / "resnet50"
SERVED_FILES = (NETWORK, "network.bin", HEAD, LABELS, CALIBRATION, CARD)
_LABELS = TypeAdapter(tuple[str, ...])


class ModelCard(BaseModel):
    """What the software must know of a model; whatever else the card tells is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: str
    architecture: str
    side: int
    scaling: Scaling
    precision: Precision
    licence: str
    limits: tuple[str, ...]
    figures: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that turns a picture into probabilities and a heat map, loaded and checked."""

    card: ModelCard
    labels: tuple[str, ...]
    calibration: ModelCalibration
    head: Head
    engine: Engine

    @property
    def version(self) -> str:
        return self.card.version

    def with_calibration(self, calibration: ModelCalibration) -> "Model":
        return replace(self, calibration=calibration)

    def read(self, pictures: Sequence[Image.Image]) -> Reading:
        """One pass of the network over the pictures."""
        tensors = [make_tensor(p, side=self.card.side, scaling=self.card.scaling) for p in pictures]
        return self.engine.infer(np.stack(tensors))

    def draw_heat(self, reading: Reading, *, row: int, output: int) -> Tensor:
        return draw_heat(
            feature_map=reading.feature_map[row],
            pooled=reading.pooled[row],
            head=self.head,
            output=output,
        )

    def warm(self) -> None:
        """The first pass of a compiled network is slow; a patient should not be the one to wait for
        it. Raises ModelDamaged where labels or head do not fit what the network answers.
        """
        reading = self.read([Image.new("RGB", (self.card.side, self.card.side))])
        fault = find_network_fault(reading, labels=self.labels, head=self.head)
        if fault:
            raise ModelDamaged(f"The network of {self.version} cannot be served: {fault}")


def open_model(
    folder: Path,
    *,
    precision: Precision | None = None,
    streams: int = 1,
    calibrated: bool = True,
) -> Model:
    """Checks every file against its checksum, then compiles; the card says the precision unless
    told. Raises ModelDamaged for labels, or a calibration, that no photo can be judged by; with
    `calibrated` False the calibration in the folder is left unread.
    """
    verify_checksums(folder)
    try:
        card = ModelCard.model_validate_json((folder / CARD).read_bytes())
        calibration = _read_calibration(folder) if calibrated else ModelCalibration()
        labels = _LABELS.validate_json((folder / LABELS).read_bytes())
        head = _read_head(folder / HEAD)
    except (OSError, ValueError, KeyError, ValidationError) as broken:
        raise ModelDamaged(f"The model in {folder} cannot be read: {broken}") from broken
    if head.weights.shape[1] != len(labels):
        raise ModelDamaged(
            f"The model in {folder} has {head.weights.shape[1]} outputs but {len(labels)} labels"
        )
    if fault := find_label_fault(labels):
        raise ModelDamaged(f"The model in {folder} cannot judge a photo. {fault}")
    if fault := find_calibration_fault(calibration, labels=labels, features=head.features):
        raise ModelDamaged(
            f"The model in {folder} has a {CALIBRATION} that was not fitted to it: {fault}. "
            "Fit it anew with: python -m skinapi calibrate"
        )
    engine = OpenVinoEngine(
        folder / NETWORK, precision=precision or card.precision, streams=streams
    )
    return Model(card=card, labels=labels, calibration=calibration, head=head, engine=engine)


def _read_calibration(folder: Path) -> ModelCalibration:
    return ModelCalibration.model_validate_json((folder / CALIBRATION).read_bytes())


def _read_head(path: Path) -> Head:
    with np.load(path, allow_pickle=False) as stored:
        return Head(stored["weights"], stored.get("hidden_weights"), stored.get("hidden_bias"))


def write_head(head: Head, path: Path) -> None:
    arrays = {"weights": head.weights}
    if head.hidden_weights is not None and head.hidden_bias is not None:
        arrays |= {"hidden_weights": head.hidden_weights, "hidden_bias": head.hidden_bias}
    np.savez(path, allow_pickle=False, **arrays)


def write_checksums(folder: Path) -> None:
    sums = {
        path.name: sum_file(path) for path in sorted(folder.iterdir()) if path.name != CHECKSUMS
    }
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def verify_checksums(folder: Path) -> None:
    """Every file that serving reads must be there and be the one that was written."""
    try:
        sums: dict[str, str] = json.loads((folder / CHECKSUMS).read_bytes())
        damaged = [name for name in SERVED_FILES if sums.get(name) != sum_file(folder / name)]
    except (OSError, ValueError) as missing:
        raise ModelDamaged(f"There is no complete model in {folder}: {missing}") from missing
    if damaged:
        raise ModelDamaged(f"The model in {folder} is damaged: {', '.join(damaged)}")


def sum_file(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
