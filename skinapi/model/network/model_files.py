"""Reads the files of a model folder, with a size limit, and only if they match their checksums.

A folder can be replaced, truncated or damaged at any moment, for instance by an interrupted copy or
a full disk. So its files are copied once and checked on the way, and only the copy is read.
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
from pydantic.config import ExtraValues

from skinapi.base.errors import ModelDamaged
from skinapi.base.json_bounds import holds_more_values
from skinapi.model.network.tensor import Tensor

V = TypeVar("V")
CHUNK_BYTES = 1024 * 1024
MOST_ARRAYS = 16
# Starts each entry of a zip file's directory.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.3.12
_ZIP_ENTRY = b"PK\x01\x02"


class BadFile(Exception):
    """A file of a model folder that cannot be used."""

    def __init__(self, name: str, fault: str) -> None:
        self.name = name
        super().__init__(f"{name}: {fault}")


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    """Turn a BadFile that is raised inside into a ModelDamaged that names the folder."""
    try:
        yield
    except BadFile as bad:
        message = f"The model in {folder} cannot be read. {bad}"
        raise ModelDamaged(message, file=bad.name) from bad


@contextmanager
def private_copy(
    folder: Path, sums: Mapping[str, str], largest: Mapping[str, int]
) -> Iterator[tuple[Path, bool]]:
    """A temporary copy of the files named in `largest`, each checked against its checksum, and
    True. If the disk has no room for a copy: the folder itself, checked too, and False.

    No other process writes the copy. It is deleted at the end; parts of it that are still mapped
    into memory stay readable. Raises BadFile for a file that is missing, larger than `largest`
    says, or does not match its checksum.
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
    """Read a file of the folder. Raises BadFile if it is not a file inside this folder or holds
    more than `most` bytes.
    """
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
    """Read and validate a JSON file. Raises BadFile if it does not fit the schema, or holds more
    bytes or more values than allowed. `extra` is what becomes of unknown fields; None leaves it to
    the schema.
    """
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
    """Read the float32 arrays of an .npz file. Raises BadFile for any other content, for numbers
    that are not finite, and for more than `most_bytes` after decompression.
    """
    content = read_bounded(folder, name, most_bytes)
    if content.count(_ZIP_ENTRY) > MOST_ARRAYS:  # listing an entry takes 500 bytes of memory
        raise BadFile(name, f"it holds more than {MOST_ARRAYS} arrays")
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            return _unpack(packed, most_bytes)
    except Exception as error:
        raise BadFile(name, f"it holds no arrays of finite float32: {error}") from error


def has_room_for(size: int) -> bool:
    """Whether the disk of temporary files has room for twice this many bytes: other programs use
    that disk too, so it is never filled up.
    """
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free > 2 * size
    except OSError:  # there is no temporary folder that can be written to
        return False


def sum_file(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(folder: Path, name: str, most: int) -> int:
    """The size in bytes. Raises BadFile if it exceeds `most`, or if the path is not a file inside
    the folder: a link could lead to any file of the machine.
    """
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
    """Copy the first `size` bytes and return their SHA-256. Bytes that are appended to the source
    meanwhile are left out.
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
    """Read an .npy file like `numpy.load`, but never allocate memory because a header says so.
    Raises ValueError. The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
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
