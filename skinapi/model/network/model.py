import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.config import ExtraValues

from skinapi.base.errors import DiskFull, ModelDamaged
from skinapi.model.calibration import ModelCalibration
from skinapi.model.network.engine import (
    LARGEST_INPUT_SIDE,
    BadGraph,
    Engine,
    EngineOutput,
    OpenVinoEngine,
    Precision,
)
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model_checks import (
    BadFile,
    find_calibration_fault,
    find_head_fault,
    find_label_fault,
    find_network_fault,
    find_version_fault,
    naming_folder,
    private_copy,
    read_arrays,
    read_json,
    sum_file,
)
from skinapi.model.network.picture import SEEN_BEFORE, Scaling, Tensor, make_tensor

NETWORK = "network.xml"
WEIGHTS = "network.bin"
HEAD = "head.npz"
LABELS = "labels.json"
CALIBRATION = "calibration.json"
CARD = "card.json"
CHECKSUMS = "checksums.json"
SPLIT = "split.json"  # the ids of the pictures of each part; only training and the lab read it
NORMS = "norms.npz"  # only used when a training starts from this model, never for serving
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHIPPED_MODEL = Path(__file__).parents[2] / "models" / "resnet50"
MB = 1024 * 1024
# The largest network that can be exported is EfficientNetB7: 266 MB in float32.
LARGEST: Mapping[str, int] = {
    NETWORK: 8 * MB,
    WEIGHTS: 320 * MB,
    HEAD: 64 * MB,
    LABELS: 64 * 1024,
    CALIBRATION: 4 * MB,
    CARD: 4 * MB,
}
SERVED_FILES = tuple(LARGEST)
# Optional files of a model folder: charts, the split, the norms.
LARGEST_OTHER = 64 * MB
MOST_FILES = 64
FILE_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
# The shipped card has 4,000 values.
MOST_VALUES = 100_000
V = TypeVar("V")


class ModelCard(BaseModel):
    """The fields that the software needs. Other fields of a card are preserved."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    architecture: str
    # If a network has no fixed input size, only this limits the memory of a picture.
    side: int = Field(ge=1, le=LARGEST_INPUT_SIDE)
    scaling: Scaling
    seen: float = Field(default=SEEN_BEFORE, gt=0, le=1)
    precision: Precision
    licence: str
    limits: tuple[str, ...]
    figures: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Model:
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
        own = self.card
        tensors = [
            make_tensor(p, side=own.side, scaling=own.scaling, seen=own.seen) for p in pictures
        ]
        return self.engine.infer(np.stack(tensors))

    def heat_of(self, reading: EngineOutput, *, row: int, output: int) -> Tensor:
        return self.head.heat(reading.feature_map[row], reading.pooled[row], output)

    def warm(self) -> None:
        """Run the network on test pictures, because its first pass is slow. Raises ModelDamaged if
        network, head, labels and card do not match, or an output is not finite.
        """
        readings = [self._read_probe(picture) for picture in _probes(self.card.side)]
        faults = (find_network_fault(reading, head=self.head) for reading in readings)
        fault = next(filter(None, faults), None) or find_version_fault(readings, head=self.head)
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
    """A black, a white and a noisy picture: overflow may only show on the white one."""
    plain = [Image.new("RGB", (side, side), (grey, grey, grey)) for grey in (0, 255)]
    # Not by NumPy: to load its random numbers takes each process of a server 4 MB and 0.04 s.
    noise = Random(0).randbytes(side * side * 3)  # noqa: S311
    return [*plain, Image.frombytes("RGB", (side, side), noise)]


def open_model(
    folder: Path,
    *,
    precision: Precision | None = None,
    streams: int = 1,
    threads: int | None = None,
    calibrated: bool = True,
) -> Model:
    """Verify every checksum, then compile the network; the folder is not read again. With
    `calibrated=False` the model has an empty calibration. Also raises ModelDamaged for labels or a
    calibration that cannot classify any photo.
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
        engine = _open_engine(copy, precision or card.precision, streams, threads, private=private)
    return Model(card=card, labels=labels, calibration=calibration, head=head, engine=engine)


@contextmanager
def copied_model(folder: Path) -> Iterator[Path]:
    with naming_folder(folder):
        sums = _read_checksums(folder)
        if len(sums) > MOST_FILES:
            raise BadFile(CHECKSUMS, f"it names more than {MOST_FILES} files")
        for name in sums:
            if not FILE_NAME.fullmatch(name) or name == CHECKSUMS:
                raise BadFile(CHECKSUMS, "a file may only have a plain name")
        largest = {name: LARGEST.get(name, LARGEST_OTHER) for name in (*LARGEST, *sums)}
        with private_copy(folder, sums, largest) as (copy, private):
            if not private:
                raise DiskFull
            (copy / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
            try:
                yield copy
            except ModelDamaged as damaged:  # the reader knows the folder, not the copy
                said = damaged.detail.replace(str(copy), str(folder))
                raise ModelDamaged(said, file=damaged.file) from damaged


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


def _open_engine(
    folder: Path, precision: Precision, streams: int, threads: int | None, *, private: bool
) -> Engine:
    both = f"{NETWORK} with {WEIGHTS}"
    # OpenVINO would try its other formats for any other content.
    with (folder / NETWORK).open("rb") as network:
        if b"<net" not in network.read(1000):
            raise BadFile(NETWORK, "it is no OpenVINO network")
    try:
        return OpenVinoEngine(
            folder / NETWORK,
            precision=precision,
            streams=streams,
            threads=threads,
            private=private,
        )
    except BadGraph as bad:
        raise BadFile(both, str(bad)) from bad
    except Exception as error:
        raise BadFile(both, "this network cannot be run") from error


def read_card(folder: Path) -> ModelCard:
    with naming_folder(folder):
        return _read_card(folder)


def _read_card(folder: Path) -> ModelCard:
    card = _read(folder, CARD, TypeAdapter(ModelCard), extra=None)
    try:
        json.dumps(card.model_dump(), allow_nan=False)
    except ValueError as error:
        raise BadFile(CARD, "a number in it is not finite") from error
    return card


def _read_checksums(folder: Path) -> dict[str, str]:
    schema = TypeAdapter(dict[str, str])
    return read_json(folder, CHECKSUMS, schema, most_bytes=64 * 1024, most_values=MOST_VALUES)


def _read(
    folder: Path, name: str, schema: TypeAdapter[V], extra: ExtraValues | None = "forbid"
) -> V:
    most = LARGEST[name]
    return read_json(folder, name, schema, most_bytes=most, most_values=MOST_VALUES, extra=extra)


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


def read_calibration(folder: Path) -> ModelCalibration:
    with naming_folder(folder):
        return _read(folder, CALIBRATION, TypeAdapter(ModelCalibration))


def read_labels(folder: Path) -> tuple[str, ...]:
    with naming_folder(folder):
        return _read(folder, LABELS, TypeAdapter(tuple[str, ...]))
