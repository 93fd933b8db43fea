"""Saves memory by unpacking float16 weights into a temporary, memory-mapped file.

A network is stored in float16. By default the engine unpacks it to float32 in memory, makes its own
weights from that, and keeps the float32 copy forever: 94 MB for a ResNet50. If the float32 copy is
a mapped file instead, its pages can be released after the first pass.
"""

import ctypes
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from skinapi.vision.network.model_files import has_room_for
from skinapi.vision.network.tensor import Tensor

_FLOAT32_BYTES = 4
# Of the 32 bits of a float32: the sign, and where the other 15 bits of a float16 are put. Its
# exponents count from 112 lower.
_PLACES, _SHIFT, _EXPONENT = np.int32(-0x7000_2000), 13, np.float32(2.0**112)
# What the largest network that may be served needs; constants of a file can overlap.
_MOST_BYTES = 2 * 320 * 1024 * 1024
_CHUNK_NUMBERS = 256 * 1024
_MEMORY_MAPS = Path("/proc/self/maps")
# On the pages of a mapped file nothing is lost: the next access reads them from the file again.
# https://man7.org/linux/man-pages/man2/madvise.2.html
_MADV_DONTNEED = 4


@contextmanager
def unpacked_weights(model: ov.Model) -> Iterator[None]:
    """Replace the float16 weights of a network, which must be finite (`find_graph_fault`), by
    float32 ones in a temporary file. Compile and run it inside the block: at its end their memory
    is freed, and a later read takes them from the file again. Where the disk has no room for them,
    nothing is replaced.

    The file has no name, and lives as long as the network and what was compiled from it.
    """
    packed = [node for node in model.get_ops() if _is_packed(node)]
    size = _FLOAT32_BYTES * sum(map(_numbers, packed))
    if not packed or size > _MOST_BYTES or not has_room_for(size):
        yield
        return
    weights = _write(packed)
    offset = 0
    for constant in packed:
        unpacked = np.frombuffer(weights, np.float32, _numbers(constant), offset)
        _replace(constant, unpacked.reshape(constant.get_output_shape(0)))
        offset += unpacked.nbytes
    del packed, constant  # the float16 weights
    yield
    if hasattr(mmap, "MADV_DONTNEED"):
        weights.madvise(mmap.MADV_DONTNEED)


def release_pages(file: Path) -> None:
    """Free the memory of a mapped file. Works on Linux only and does nothing elsewhere."""
    path = str(file.resolve())
    with suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in _MEMORY_MAPS.read_text().splitlines():
            if line.endswith(path):
                start, end = (int(address, 16) for address in line.split()[0].split("-"))
                advise(start, end - start, _MADV_DONTNEED)


def widen(halves: NDArray[np.float16]) -> Tensor:
    """The same finite numbers in float32, six times as fast as `astype`, which converts one number
    after the other.
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= _SHIFT
    bits &= _PLACES
    numbers = bits.view(np.float32)
    numbers *= _EXPONENT
    return numbers


def _is_packed(node: ov.Node) -> bool:
    """Whether these are float16 weights, and all that reads them converts them to float32. A single
    number may be infinite, and is left as it is.
    """
    if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f16:
        return False
    return _numbers(node) > 1 and all(
        reader.get_type_name() == "Convert" and reader.get_element_type() == ov.Type.f32
        for reader in _readers(node)
    )


def _readers(constant: ov.Node) -> list[ov.Node]:
    return [target.get_node() for target in constant.output(0).get_target_inputs()]


def _numbers(constant: ov.Node) -> int:
    return prod(constant.get_output_shape(0))


def _write(packed: Sequence[ov.Node]) -> mmap.mmap:
    """All their weights in float32, one after the other."""
    with tempfile.TemporaryFile(prefix="skinapi-network-") as file:
        for constant in packed:
            numbers = constant.data.reshape(-1)
            for start in range(0, numbers.size, _CHUNK_NUMBERS):
                file.write(widen(numbers[start : start + _CHUNK_NUMBERS]).data)
        file.flush()
        # A mapping that may be written to, as the engine asks, but is not: each process has the
        # file's own pages, and reads them again once they are released.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def _replace(constant: ov.Node, unpacked: np.ndarray) -> None:
    for reader in _readers(constant):
        replacement = ov.op.Constant(unpacked, shared_memory=True)
        replacement.set_friendly_name(reader.get_friendly_name())
        reader.output(0).replace(replacement.output(0))
