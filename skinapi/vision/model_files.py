"""The files of a model folder, read with a bound, as they were written or not at all.

A folder can be replaced, cut off or damaged at any moment, by a copy that broke off or by a full
disk. So it is copied once, checked on the way, and nothing else is ever read of it.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from skinapi.errors import ModelDamaged
from skinapi.json_bounds import holds_more_values
from skinapi.vision.tensor import Tensor

V = TypeVar("V")
AT_A_TIME = 1024 * 1024
MOST_ARRAYS = 16
_ZIP_ENTRY = b"PK\x01\x02"


class BadFile(Exception):
    """A file of a model folder that cannot be used."""

    def __init__(self, name: str, fault: str) -> None:
        self.name = name
        super().__init__(f"{name}: {fault}")


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    """Raises ModelDamaged for the BadFile that is raised inside."""
    try:
        yield
    except BadFile as bad:
        message = f"The model in {folder} cannot be read. {bad}"
        raise ModelDamaged(message, file=bad.name) from bad


@contextmanager
def private_copy(
    folder: Path, sums: Mapping[str, str], largest: Mapping[str, int]
) -> Iterator[tuple[Path, bool]]:
    """The files named in `largest`, each checked against its sum, where nobody else writes them;
    gone afterwards, whatever is mapped of them lives on. On a disk without room for that, the
    folder itself and False.

    Raises BadFile for a file that is missing, larger than `largest` says, or another.
    """
    sizes = {name: _size(folder, name, most) for name, most in largest.items()}
    if not has_room_for(sum(sizes.values())):
        _check_each(folder, sums, sizes)
        yield folder, False
        return
    with tempfile.TemporaryDirectory(prefix="skinapi-model-") as place:
        _check_each(folder, sums, sizes, copy_to=Path(place))
        yield Path(place), True


def read_bounded(folder: Path, name: str, most: int) -> bytes:
    """Raises BadFile for what is no file of this folder, or holds more than `most` bytes."""
    _size(folder, name, most)
    try:
        with (folder / name).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise BadFile(name, _fault_of(error)) from error


def read_json(
    folder: Path, name: str, schema: TypeAdapter[V], *, most_bytes: int, most_values: int
) -> V:
    """Raises BadFile for what does not fit the schema, or holds more than it may."""
    text = read_bounded(folder, name, most_bytes)
    if holds_more_values(text, most_values):
        raise BadFile(name, f"it holds more than {most_values} values")
    try:
        return schema.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        said = f"{field}: {first['msg']}" if field else first["msg"]
        raise BadFile(name, said[:300]) from error


def read_arrays(folder: Path, name: str, *, most_bytes: int) -> dict[str, Tensor]:
    """The float32 arrays of an .npz file. Raises BadFile for anything else in it, for numbers
    that are not finite, and for more than `most_bytes` once unpacked.
    """
    content = read_bounded(folder, name, most_bytes)
    if content.count(_ZIP_ENTRY) > MOST_ARRAYS:  # each would take 500 bytes to be listed
        raise BadFile(name, f"it holds more than {MOST_ARRAYS} arrays")
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            return _unpack(packed, most_bytes)
    except Exception as error:
        raise BadFile(name, f"it holds no arrays of finite float32: {error}") from error


def has_room_for(size: int) -> bool:
    """On the disk of temporary files, with as much again to spare: it is not ours to fill."""
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free > 2 * size
    except OSError:  # no such folder can be written to
        return False


def sum_file(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(folder: Path, name: str, most: int) -> int:
    """In bytes; of a file within the folder alone, for a link could lead to anything."""
    try:
        path = (folder / name).resolve(strict=True)
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise BadFile(name, _fault_of(error)) from error
    if not path.is_relative_to(folder.resolve()):
        raise BadFile(name, "it is a link that leads out of the folder")
    if not path.is_file():
        raise BadFile(name, "it is no file")
    if size > most:
        raise BadFile(name, f"it has {size} bytes; the most is {most}")
    return size


def _check_each(
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
                found = _copy(source, copy, size)
        except OSError as error:
            raise BadFile(name, _fault_of(error)) from error
        if found != sums.get(name):
            raise BadFile(name, "it is not the file that was written, by its checksum")


def _copy(source: IO[bytes], copy: IO[bytes], size: int) -> str:
    """Of as many bytes the SHA-256, whatever has been added meanwhile."""
    digest = hashlib.sha256()
    while size > 0 and (piece := source.read(min(size, AT_A_TIME))):
        digest.update(piece)
        copy.write(piece)
        size -= len(piece)
    return digest.hexdigest()


def _unpack(packed: zipfile.ZipFile, most_bytes: int) -> dict[str, Tensor]:
    members = packed.infolist()
    if sum(member.file_size for member in members) > most_bytes:
        raise ValueError(f"unpacked, more than {most_bytes} bytes")
    return {
        member.filename.removesuffix(".npy"): _read_array(packed.read(member)) for member in members
    }


def _read_array(content: bytes) -> Tensor:
    """What `numpy.load` reads, but no memory is taken on the word of a header."""
    file = BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("unknown version of .npy")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    numbers = content[file.tell() :]
    if dtype != np.float32 or len(numbers) != 4 * prod(shape):
        raise ValueError(f"{dtype} of {len(numbers)} bytes for the shape {shape}")
    array = np.frombuffer(numbers, dtype).reshape(shape, order="F" if by_columns else "C")
    if not np.isfinite(array).all():
        raise ValueError("not every number is finite")
    return array


def _fault_of(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error)
