"""Saves memory by unpacking float16 weights into a temporary, memory-mapped file.

A network is stored in float16. By default the engine unpacks it to float32 in memory, makes its own
weights from that, and keeps the float32 copy forever: 94 MB for a ResNet50. If the float32 copy is
a mapped file instead, its pages can be released after the first pass.
"""

import ctypes
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import openvino as ov
from openvino.passes import ConstantFolding, Manager

from skinapi.vision.model_files import has_room_for
from skinapi.vision.model_graph import BadGraph, find_graph_fault

_MEMORY_MAPS = Path("/proc/self/maps")
# On the pages of a mapped file nothing is lost: the next access reads them from the file again.
# https://man7.org/linux/man-pages/man2/madvise.2.html
_MADV_DONTNEED = 4


@contextmanager
def unpacked_copy(core: ov.Core, network: Path) -> Iterator[Path]:
    """The path of a temporary float32 copy of the network. It is the network itself if that is not
    in float16, or if the disk has no room for a copy.

    Code that has mapped the copy may go on reading after it is deleted. Raises BadGraph for a
    network that must not be run.
    """
    model = core.read_model(network)
    if fault := find_graph_fault(model):
        raise BadGraph(fault)
    if not (_is_half(model) and has_room_for(2 * network.with_suffix(".bin").stat().st_size)):
        yield network
        return
    with tempfile.TemporaryDirectory(prefix="skinapi-network-") as folder:
        copy = Path(folder) / network.name
        # Folds each float16 constant and its conversion into one float32 constant.
        passes = Manager()
        passes.register_pass(ConstantFolding())
        passes.run_passes(model)
        ov.save_model(model, copy, compress_to_fp16=False)
        del model
        core.set_property({"ENABLE_MMAP": True})
        yield copy


def release_pages(network: Path) -> None:
    """Free the memory of the network's mapped weights; a later read loads them from disk again.
    Works on Linux only and does nothing elsewhere.
    """
    weights = str(network.with_suffix(".bin").resolve())
    with suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in _MEMORY_MAPS.read_text().splitlines():
            if line.endswith(weights):
                start, end = (int(address, 16) for address in line.split()[0].split("-"))
                advise(start, end - start, _MADV_DONTNEED)


def _is_half(model: ov.Model) -> bool:
    return any(
        node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f16
        for node in model.get_ops()
    )
