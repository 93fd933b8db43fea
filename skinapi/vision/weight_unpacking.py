"""Weights that lie on disk until they are read, and lie there again once they have been.

A network is stored in float16. Left to itself the engine unpacks it to float32 in memory, makes its
own weights of that, and keeps the float32 for ever: 94 MB of a ResNet50. Unpacked into a file that
it maps instead, those pages can go when the first pass is over.
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

_MAPPED = Path("/proc/self/maps")
_NOT_NEEDED = 4  # MADV_DONTNEED: of a mapped file nothing is lost


@contextmanager
def unpacked(core: ov.Core, network: Path) -> Iterator[Path]:
    """The network itself, or a passing copy of it in float32. What has mapped the copy may go on
    reading when it is gone. Where there is no room for one, there is none.

    Raises BadGraph for a network that must not be run.
    """
    model = core.read_model(network)
    if fault := find_graph_fault(model):
        raise BadGraph(fault)
    if not (_is_half(model) and has_room_for(2 * network.with_suffix(".bin").stat().st_size)):
        yield network
        return
    with tempfile.TemporaryDirectory(prefix="skinapi-network-") as folder:
        copy = Path(folder) / network.name
        passes = Manager()
        passes.register_pass(ConstantFolding())
        passes.run_passes(model)
        ov.save_model(model, copy, compress_to_fp16=False)
        del model
        core.set_property({"ENABLE_MMAP": True})
        yield copy


def give_back(network: Path) -> None:
    """The pages of its weights; whoever reads them again gets them from the disk. Only on Linux."""
    weights = str(network.with_suffix(".bin").resolve())
    with suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in _MAPPED.read_text().splitlines():
            if line.endswith(weights):
                start, end = (int(place, 16) for place in line.split()[0].split("-"))
                advise(start, end - start, _NOT_NEEDED)


def _is_half(model: ov.Model) -> bool:
    return any(
        node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f16
        for node in model.get_ops()
    )
