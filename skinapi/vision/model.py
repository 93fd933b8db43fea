"""A model on disk: a folder with network, labels, calibration, card and a checksum of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from skinapi.errors import ModelDamaged
from skinapi.vision.calibration import ModelCalibration
from skinapi.vision.engine import Engine, EngineOutput
from skinapi.vision.heatmap import Head, draw_heat
from skinapi.vision.model_faults import (
    find_calibration_fault,
    find_head_fault,
    find_label_fault,
    find_network_fault,
    find_number_fault,
)
from skinapi.vision.model_files import (
    BadFile,
    naming_folder,
    private_copy,
    read_arrays,
    read_json,
    sum_file,
)
from skinapi.vision.model_graph import LARGEST_SIDE, BadGraph
from skinapi.vision.openvino_engine import OpenVinoEngine, Precision
from skinapi.vision.tensor import Scaling, Tensor, make_tensor

NETWORK = "network.xml"
WEIGHTS = "network.bin"
HEAD = "head.npz"
LABELS = "labels.json"
CALIBRATION = "calibration.json"
CARD = "card.json"
CHECKSUMS = "checksums.json"
NORMS = "norms.npz"  # read where a training starts from this model, never to serve it
SHIPPED_MODEL = Path(__file__).parents[1] / "models" / "resnet50"
MB = 1024 * 1024
# Of the networks that can be exported, EfficientNetB7 is the largest: 266 MB in float32.
LARGEST: Mapping[str, int] = {
    NETWORK: 8 * MB,
    WEIGHTS: 320 * MB,
    HEAD: 64 * MB,
    LABELS: 64 * 1024,
    CALIBRATION: 4 * MB,
    CARD: 4 * MB,
}
SERVED_FILES = tuple(LARGEST)
# The shipped card has 4,000.
MOST_VALUES = 100_000
V = TypeVar("V")


class ModelCard(BaseModel):
    """What the software must know of a model; whatever else the card tells is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    architecture: str
    # Of a network that leaves its size open, this alone says how much memory a picture takes.
    side: int = Field(ge=1, le=LARGEST_SIDE)
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

    def read(self, pictures: Sequence[Image.Image]) -> EngineOutput:
        """One pass of the network over the pictures."""
        tensors = [make_tensor(p, side=self.card.side, scaling=self.card.scaling) for p in pictures]
        return self.engine.infer(np.stack(tensors))

    def draw_heat(self, reading: EngineOutput, *, row: int, output: int) -> Tensor:
        return draw_heat(
            feature_map=reading.feature_map[row],
            pooled=reading.pooled[row],
            head=self.head,
            output=output,
        )

    def warm(self) -> None:
        """The first pass of a compiled network is slow; a patient should not be the one to wait for
        it. Raises ModelDamaged where network, head, labels and card do not fit together, or where
        an answer is no finite number.
        """
        for picture in _probes(self.card.side):
            reading = self._read_probe(picture)
            fault = find_network_fault(reading, labels=self.labels, head=self.head)
            if fault:
                raise ModelDamaged(
                    f"The {NETWORK} of {self.version} cannot be served with its {WEIGHTS}, "
                    f"{HEAD} and {LABELS}: {fault}",
                    file=NETWORK,
                )

    def _read_probe(self, picture: Image.Image) -> EngineOutput:
        try:
            return self.read([picture])
        except Exception as error:
            side = self.card.side
            raise ModelDamaged(
                f"The {NETWORK} of {self.version} cannot be run on {side} x {side} pixels, the "
                f"size that its {CARD} names",
                file=NETWORK,
            ) from error


def _probes(side: int) -> list[Image.Image]:
    """Numbers too large for a network show on the brightest picture, and hide on a black one."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    plain = [Image.new("RGB", (side, side), (grey, grey, grey)) for grey in (0, 255)]
    return [*plain, Image.fromarray(noise)]


def open_model(
    folder: Path,
    *,
    precision: Precision | None = None,
    streams: int = 1,
    calibrated: bool = True,
) -> Model:
    """Checks every file against its checksum, then compiles; the card says the precision unless
    told. Nothing is read of the folder afterwards. Raises ModelDamaged, which names the file, for
    labels, or a calibration, that no photo can be judged by; with `calibrated` False the
    calibration in the folder is left unread.
    """
    with (
        naming_folder(folder),
        private_copy(folder, _read_checksums(folder), LARGEST) as (copy, private),
    ):
        card = _read_card(copy)
        calibration = (
            _read(copy, CALIBRATION, TypeAdapter(ModelCalibration))
            if calibrated
            else ModelCalibration()
        )
        labels = _read(copy, LABELS, TypeAdapter(tuple[str, ...]))
        head = _read_head(copy)
        _refuse_unfit(folder, calibration, labels, head)
        engine = _open_engine(copy, precision or card.precision, streams, private=private)
    return Model(card=card, labels=labels, calibration=calibration, head=head, engine=engine)


def _refuse_unfit(
    folder: Path, calibration: ModelCalibration, labels: tuple[str, ...], head: Head
) -> None:
    if head.outputs != len(labels):
        raise BadFile(
            HEAD, f"it has {head.outputs} outputs but {len(labels)} labels are in {LABELS}"
        )
    if fault := find_label_fault(labels):
        raise ModelDamaged(
            f"The model in {folder} cannot judge a photo by its {LABELS}. {fault}", file=LABELS
        )
    if fault := find_calibration_fault(calibration, labels=labels, features=head.features):
        raise ModelDamaged(
            f"The model in {folder} has a {CALIBRATION} that was not fitted to it: {fault}. "
            "Fit it anew with: python -m skinapi calibrate",
            file=CALIBRATION,
        )


def _open_engine(folder: Path, precision: Precision, streams: int, *, private: bool) -> Engine:
    both = f"{NETWORK} with {WEIGHTS}"
    # What begins otherwise would be tried as one of the other formats that OpenVINO knows.
    with (folder / NETWORK).open("rb") as network:
        if b"<net" not in network.read(1000):
            raise BadFile(NETWORK, "it is no OpenVINO network")
    try:
        return OpenVinoEngine(
            folder / NETWORK, precision=precision, streams=streams, private=private
        )
    except BadGraph as bad:
        raise BadFile(both, str(bad)) from bad
    except Exception as error:
        raise BadFile(both, "this network cannot be run") from error


def read_card(folder: Path) -> ModelCard:
    """Of a folder that may be another's or none. Raises ModelDamaged."""
    with naming_folder(folder):
        return _read_card(folder)


def _read_card(folder: Path) -> ModelCard:
    card = _read(folder, CARD, TypeAdapter(ModelCard))
    if fault := find_number_fault(card.model_dump()):
        raise BadFile(CARD, fault)
    return card


def _read_checksums(folder: Path) -> dict[str, str]:
    schema = TypeAdapter(dict[str, str])
    return read_json(folder, CHECKSUMS, schema, most_bytes=64 * 1024, most_values=MOST_VALUES)


def _read(folder: Path, name: str, schema: TypeAdapter[V]) -> V:
    return read_json(folder, name, schema, most_bytes=LARGEST[name], most_values=MOST_VALUES)


def _read_head(folder: Path) -> Head:
    stored = read_arrays(folder, HEAD, most_bytes=LARGEST[HEAD])
    if fault := find_head_fault(stored):
        raise BadFile(HEAD, fault)
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
    """Every file that serving reads must be there and be the one that was written. Raises
    ModelDamaged.
    """
    with naming_folder(folder), private_copy(folder, _read_checksums(folder), LARGEST):
        pass
