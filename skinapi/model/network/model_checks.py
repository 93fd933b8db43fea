"""Reads the files of a model's folder, which may be damaged or hostile, and finds faults that would
make every photo fail or give misleading results.

Each `find_*_fault` returns one sentence for people, or None.
"""

import hashlib
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from math import prod
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic.config import ExtraValues

from skinapi.base.errors import ModelDamaged
from skinapi.base.size_limits import holds_more_values
from skinapi.model.bands import THRESHOLDS, OperatingPoint
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.network.engine import EngineOutput, has_room_for
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.picture import Tensor

V = TypeVar("V")
CHUNK_BYTES = 1024 * 1024
MOST_ARRAYS = 16
# Starts each entry of a zip file's directory.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.3.12
_ZIP_ENTRY = b"PK\x01\x02"


class BadFile(Exception):
    def __init__(self, name: str, fault: str) -> None:
        self.name = name
        super().__init__(f"{name}: {fault}")


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    try:
        yield
    except BadFile as bad:
        message = f"The model in {folder} cannot be read. {bad}"
        raise ModelDamaged(message, file=bad.name) from bad


@contextmanager
def private_copy(
    folder: Path, sums: Mapping[str, str], largest: Mapping[str, int]
) -> Iterator[tuple[Path, bool]]:
    """A temporary, verified copy of the files named in `largest`, and True; or the verified folder
    itself and False if the disk has no room. No other process writes the copy, and mapped parts
    stay readable after it is deleted. Raises BadFile.
    """
    sizes = {name: _size(folder, name, most) for name, most in largest.items()}
    if not has_room_for(sum(sizes.values())):
        _verify_each(folder, sums, sizes)
        yield folder, False
        return
    with tempfile.TemporaryDirectory(prefix="skinapi-model-") as copy:
        _verify_each(folder, sums, sizes, copy_to=Path(copy))
        yield Path(copy), True


def read_bounded(folder: Path, name: str, most: int) -> bytes:
    _size(folder, name, most)
    try:
        with (folder / name).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise BadFile(name, _fault_of(error)) from error


def read_json(
    folder: Path,
    name: str,
    schema: TypeAdapter[V],
    *,
    most_bytes: int,
    most_values: int,
    extra: ExtraValues | None = "forbid",
) -> V:
    text = read_bounded(folder, name, most_bytes)
    # Counted before parsing: a small file of many short values takes far more memory once parsed.
    if holds_more_values(text, most_values):
        raise BadFile(name, f"it holds more than {most_values} values")
    try:
        return schema.validate_json(text, extra=extra)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        fault = f"{field}: {first['msg']}" if field else first["msg"]
        raise BadFile(name, fault[:300]) from error


def read_arrays(folder: Path, name: str, *, most_bytes: int) -> dict[str, Tensor]:
    """Read the float32 arrays of an .npz file. Raises BadFile for other content, numbers that are
    not finite, and more than `most_bytes` after decompression.
    """
    content = read_bounded(folder, name, most_bytes)
    if content.count(_ZIP_ENTRY) > MOST_ARRAYS:  # listing an entry takes 500 bytes of memory
        raise BadFile(name, f"it holds more than {MOST_ARRAYS} arrays")
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            return _unpack(packed, most_bytes)
    except Exception as error:
        raise BadFile(name, f"it holds no arrays of finite float32: {error}") from error


def sum_file(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(folder: Path, name: str, most: int) -> int:
    """Raises BadFile if it exceeds `most`, or is not a regular file in the folder: a link could
    lead to any file of the machine.
    """
    try:
        path = (folder / name).resolve(strict=True)
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:  # RuntimeError: circular links
        raise BadFile(name, _fault_of(error)) from error
    if not path.is_relative_to(folder.resolve()):
        raise BadFile(name, "it is a link that leads out of the folder")
    if not path.is_file():
        raise BadFile(name, "it is no file")
    if size > most:
        raise BadFile(name, f"it has {size} bytes; the most is {most}")
    return size


def _verify_each(
    folder: Path,
    sums: Mapping[str, str],
    sizes: Mapping[str, int],
    *,
    copy_to: Path | None = None,
) -> None:
    for name, size in sizes.items():
        target = copy_to / name if copy_to else Path(os.devnull)
        try:
            with (folder / name).open("rb") as source, target.open("wb") as copy:
                checksum = _copy(source, copy, size)
        except OSError as error:
            raise BadFile(name, _fault_of(error)) from error
        if checksum != sums.get(name):
            raise BadFile(name, "it is not the file that was written, by its checksum")


def _copy(source: IO[bytes], copy: IO[bytes], size: int) -> str:
    """Copy the first `size` bytes, even if more are appended meanwhile, and return their
    SHA-256.
    """
    digest = hashlib.sha256()
    while size > 0 and (chunk := source.read(min(size, CHUNK_BYTES))):
        digest.update(chunk)
        copy.write(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def _unpack(packed: zipfile.ZipFile, most_bytes: int) -> dict[str, Tensor]:
    members = packed.infolist()
    if sum(member.file_size for member in members) > most_bytes:
        raise ValueError(f"unpacked, more than {most_bytes} bytes")
    return {
        member.filename.removesuffix(".npy"): _read_array(packed.read(member)) for member in members
    }


def _read_array(content: bytes) -> Tensor:
    """Read an .npy file like `numpy.load`, but never allocate memory just because a header says so.
    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    file = BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("unknown version of .npy")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    numbers = content[file.tell() :]
    if dtype != np.float32 or len(numbers) != 4 * prod(shape):
        raise ValueError(f"{dtype} of {len(numbers)} bytes for the shape {shape}")
    array = np.frombuffer(numbers, dtype).reshape(shape, order="F" if fortran_order else "C")
    if not np.isfinite(array).all():
        raise ValueError("not every number is finite")
    return array


def _fault_of(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error)


# As a share of the largest logit. On 536 pictures, bfloat16 changed those of the shipped network by
# at most 0.0009, and it may change those of others by more: a good model must not be refused.
LARGEST_HEAD_DIFFERENCE = 0.05


def find_label_fault(
    labels: Sequence[str], *, written_as: Sequence[str] | None = None
) -> str | None:
    """Check that the labels of a network's outputs are known and distinct, and that some are
    malignant and some benign. The fault quotes `written_as`, the user's words for them.
    """
    table = conditions_table()
    unknown = [label for label in labels if label not in table.keys]
    if unknown:
        return f"Unknown labels: {', '.join(unknown)}; expected are {', '.join(table.keys)}"
    counts = Counter(labels)
    repeats = [
        word for word, label in zip(written_as or labels, labels, strict=True) if counts[label] > 1
    ]
    if repeats:
        return (
            f"The labels {', '.join(repeats)} name a condition twice; give each output a condition "
            "of its own, or join these outputs to one"
        )
    malignant = table.malignant_keys
    # Without a malignant output no lesion would ever be urgent, and without a benign one every mole
    # would be.
    for kind, keys in (
        ("malignant", malignant),
        ("benign", {*table.keys} - malignant - {NORMAL_SKIN}),
    ):
        if not keys & {*labels}:
            known = ", ".join(key for key in table.keys if key in keys)
            return (
                f"No label names a {kind} lesion, so malignant cannot be told from benign; "
                f"a network needs an output for at least one of {known}"
            )
    return None


def find_calibration_fault(
    calibration: ModelCalibration, *, labels: Sequence[str], features: int
) -> str | None:
    for modality, fitted in (
        ("dermoscopic", calibration.dermoscopic),
        ("clinical", calibration.clinical),
    ):
        if fitted is not None and (fault := _fault_of_modality(fitted, labels)):
            return f"{modality}: {fault}"
    wrong = [n for n in _features_read(calibration) if n != features]
    if wrong:
        return f"it reads {wrong[0]} features, but the network has {features}"
    return None


def find_network_fault(output: EngineOutput, *, head: Head) -> str | None:
    answers = {
        "logits": output.logits,
        "pooled features": output.pooled,
        "mapped features": output.feature_map,
    }
    for (name, numbers), axes in zip(answers.items(), (2, 2, 4), strict=True):
        if numbers.ndim != axes or numbers.dtype != np.float32 or len(numbers) != 1:
            return f"its {name} are {numbers.dtype} of the shape {numbers.shape}"
    outputs = output.logits.shape[-1]
    if outputs != head.outputs:
        return f"it has {outputs} outputs, but its head has {head.outputs}"
    for name, features in (("pooled", output.pooled), ("mapped", output.feature_map)):
        count = features.shape[-1]
        if count != head.features:
            return f"it has {count} {name} features, but its head reads {head.features}"
    for name, numbers in answers.items():
        if not np.isfinite(numbers).all():
            return f"its {name} are not finite numbers"
    return None


def find_version_fault(readings: Sequence[EngineOutput], *, head: Head) -> str | None:
    """Check on several outputs that the network ends in this head. With another version's network,
    every heat map would be wrong.
    """
    # The bias of the last layer is in the network alone. Features that are finite may overflow in
    # the head; then the difference is NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        each = [reading.logits - head.answer(reading.pooled) for reading in readings]
        differences = [np.abs(rest - each[0][0]).max() for rest in each]
    for difference, reading in zip(differences, readings, strict=True):
        if not difference <= LARGEST_HEAD_DIFFERENCE * np.abs(reading.logits).max():
            return "its logits are not those of its head, so it is the network of another version"
    return None


def find_head_fault(stored: Mapping[str, Tensor]) -> str | None:
    hidden = {"hidden_weights": 2, "hidden_bias": 1}
    wanted = {"weights": 2, **(hidden if stored.keys() & hidden else {})}
    for name, axes in wanted.items():
        if name not in stored:
            return f"there is no array {name} in it"
        if stored[name].ndim != axes or not stored[name].size:
            return f"its array {name} has the shape {stored[name].shape}"
    if "hidden_bias" in stored:
        lengths = len(stored["weights"]), len(stored["hidden_bias"])
        if lengths != (stored["hidden_weights"].shape[1],) * 2:
            return "its two layers do not fit together"
    return None


def _fault_of_modality(fitted: Calibration, labels: Sequence[str]) -> str | None:
    table = fitted.patient_facts
    for limits in (fitted, *(table.limits.values() if table else ())):
        if fault := _fault_of_limits(limits.thresholds, limits.sent):
            return fault
    lesions = {*labels} - {NORMAL_SKIN}
    for level, least in fitted.prediction_sets.items():
        # A class without a limit would wrongly be ruled out.
        if {*least} - {NORMAL_SKIN} != lesions:
            odd = ", ".join(sorted(({*least} - {NORMAL_SKIN}) ^ lesions))
            return f"the limits of the prediction set {level} and the labels differ in {odd}"
    facts = table.conditions if table else ()
    prior = fitted.naming.prior if fitted.naming else ()
    return _fault_of_keys([*prior, *chain(*fitted.too_few.values()), *sorted(facts)], labels)


def _fault_of_limits(
    thresholds: Mapping[str, float], sent: Mapping[OperatingPoint, float]
) -> str | None:
    unknown = [name for name in thresholds if name not in THRESHOLDS]
    if unknown:
        return f"no band has the threshold {unknown[0]}"
    missing = [point for point in OperatingPoint if point not in sent]
    if sent and missing:
        return f"it has no threshold for the operating point {missing[0]}"
    limits = [sent[point] for point in OperatingPoint if sent]
    if limits != sorted(limits):
        return "its operating points are not in their order: the cautious one sends the most"
    return None


def _fault_of_keys(keys: Sequence[str], labels: Sequence[str]) -> str | None:
    unknown = [key for key in keys if key not in labels]
    return f"{unknown[0]} is none of the labels" if unknown else None


def _features_read(calibration: ModelCalibration) -> Iterator[int]:
    for fitted in (calibration.dermoscopic, calibration.clinical):
        if fitted is not None and fitted.familiar is not None:
            yield fitted.familiar.features
    if calibration.modality is not None:
        yield calibration.modality.dermoscopic.features
    if calibration.skin is not None:
        yield calibration.skin.not_skin.features
    if calibration.other_diseases is not None:
        yield calibration.other_diseases.other.features
