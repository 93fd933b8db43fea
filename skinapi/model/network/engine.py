"""The interface to a neural network, and the engine that runs one with OpenVINO. One pass gives all
outputs for a finding and its heat map (grad_cam.py).

A graph is checked before it is compiled: it could exhaust memory or return non-finite numbers. A
network is stored in float16. By default OpenVINO unpacks it to float32, makes its own weights, and
keeps the float32 copy for ever: 94 MB for a ResNet50. Here the float32 copy is a mapped file, whose
pages are released after the first pass.
"""

import ctypes
import mmap
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skinapi.model.network.picture import Tensor

if TYPE_CHECKING:
    import openvino as ov


@dataclass(frozen=True, slots=True)
class EngineOutput:
    logits: Tensor
    feature_map: Tensor
    pooled: Tensor


class Engine(Protocol):
    def infer(self, batch: Tensor) -> EngineOutput:
        """Run the network on pictures x height x width x channels. Thread-safe."""


LARGEST_INPUT_SIDE = 1024
# 128 MB in float32. The largest tensor of EfficientNetB7, at 600 x 600 pixels, is half of that.
MOST_NUMBERS = 2**25
_HALF_EXPONENT = np.uint16(0x7C00)


def _openvino() -> Any:
    """Imported lazily: a server imports it with its model, in parallel to the first requests."""
    import openvino  # noqa: PLC0415

    return openvino


class BadGraph(ValueError):
    pass


def find_graph_fault(model: "ov.Model") -> str | None:
    if len(model.inputs) != 1:
        return f"it has {len(model.inputs)} inputs; a served network has one"
    shown = model.inputs[0].partial_shape
    if shown.rank.is_dynamic or len(shown) != 4:
        return "its input is no batch of pictures"
    if any(side.is_static and side.get_length() > LARGEST_INPUT_SIDE for side in shown):
        return f"it reads pictures larger than {LARGEST_INPUT_SIDE} pixels"
    for node in model.get_ops():
        if node.get_type_name() == "Constant":
            if not _is_finite(node):
                return f"the weights {node.get_friendly_name()} are not all finite numbers"
        elif max(map(_static_numbers, node.outputs()), default=0) > MOST_NUMBERS:
            return f"one picture makes more than {MOST_NUMBERS} numbers at once in it"
    return None


def _is_finite(constant: "ov.Node") -> bool:
    """A single infinity is allowed: it may be the bound of a clamp or a padding value."""
    kinds = _openvino().Type
    if constant.get_element_type() not in (kinds.f16, kinds.f32, kinds.f64):
        return True
    numbers = constant.data
    if numbers.size == 1:
        return not np.isnan(numbers).any()
    if numbers.dtype == np.float16:
        # As np.isfinite says, which is slow on float16: only infinities and NaN have all of these
        # bits. https://en.wikipedia.org/wiki/Half-precision_floating-point_format
        return not ((numbers.view(np.uint16) & _HALF_EXPONENT) == _HALF_EXPONENT).any()
    return bool(np.isfinite(numbers).all())


def _static_numbers(output: "ov.Output") -> int:
    """The numbers in an output for one picture. An open dimension counts as one, and an output of
    unknown rank as none.
    """
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic:
        return 0
    return prod(length.get_length() for length in shape if length.is_static)


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
def unpacked_weights(model: "ov.Model") -> Iterator[None]:
    """Replace the float16 weights of a checked network by float32 ones in an unnamed temporary
    file. Compile and run it inside the block: at the end their memory is freed, and later reads use
    the file. Nothing is replaced if the disk has no room.
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


def has_room_for(size: int) -> bool:
    """Return whether the disk of temporary files has room for twice this size, because other
    programs use it too.
    """
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free > 2 * size
    except OSError:  # no writable temporary folder
        return False


def release_pages(file: Path) -> None:
    path = str(file.resolve())
    with suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in _MEMORY_MAPS.read_text().splitlines():
            if line.endswith(path):
                start, end = (int(address, 16) for address in line.split()[0].split("-"))
                advise(start, end - start, _MADV_DONTNEED)


def widen(halves: NDArray[np.float16]) -> Tensor:
    """The same finite numbers in float32, six times as fast as `astype`."""
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= _SHIFT
    bits &= _PLACES
    numbers = bits.view(np.float32)
    numbers *= _EXPONENT
    return numbers


def _is_packed(node: "ov.Node") -> bool:
    """Return whether these are float16 weights that are only read by conversions to float32. A
    scalar may be infinite, and is not replaced.
    """
    kinds = _openvino().Type
    if node.get_type_name() != "Constant" or node.get_element_type() != kinds.f16:
        return False
    return _numbers(node) > 1 and all(
        reader.get_type_name() == "Convert" and reader.get_element_type() == kinds.f32
        for reader in _readers(node)
    )


def _readers(constant: "ov.Node") -> "list[ov.Node]":
    return [target.get_node() for target in constant.output(0).get_target_inputs()]


def _numbers(constant: "ov.Node") -> int:
    return prod(constant.get_output_shape(0))


def _write(packed: "Sequence[ov.Node]") -> mmap.mmap:
    with tempfile.TemporaryFile(prefix="skinapi-network-") as file:
        for constant in packed:
            numbers = constant.data.reshape(-1)
            for start in range(0, numbers.size, _CHUNK_NUMBERS):
                file.write(widen(numbers[start : start + _CHUNK_NUMBERS]).data)
        file.flush()
        # A mapping that may be written to, as the engine asks, but is not: each process has the
        # file's own pages, and reads them again once they are released.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def _replace(constant: "ov.Node", unpacked: np.ndarray) -> None:
    for reader in _readers(constant):
        replacement = _openvino().op.Constant(unpacked, shared_memory=True)
        replacement.set_friendly_name(reader.get_friendly_name())
        reader.output(0).replace(replacement.output(0))


OUTPUTS = ("logits", "feature_map", "pooled")
_opening = threading.Lock()  # the core has one ENABLE_MMAP, for whichever network it opens


@cache
def shared_core() -> "ov.Core":
    """One core for each process. With one for each network, reading the next network occasionally
    crashes: https://github.com/ultralytics/ultralytics/pull/25864
    """
    return _openvino().Core()


def load_plugin() -> None:
    """Load OpenVINO's CPU code before a fork, so that processes share its 9 MB. Starts no
    thread.
    """
    shared_core().get_property("CPU", "FULL_DEVICE_NAME")


class Precision(StrEnum):
    """The number format of inference. Always set: OpenVINO would otherwise choose bfloat16 if the
    processor supports it.
    """

    F32 = "f32"
    BF16 = "bf16"


def _computed(precision: Precision) -> Precision:
    """Without bfloat16 instructions, OpenVINO computes it at a third of the speed of float32 if the
    processor has AVX-512, and uses float32 anyway on other processors.
    """
    capabilities = shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return precision if precision.name in {*capabilities, "F32"} else Precision.F32


class OpenVinoEngine(Engine):
    """One compiled network, with an inference request for each thread. `threads` is the total of
    all its streams, by default one per core. `private`: no other process writes its files, so they
    may be mapped into memory; a truncated mapped file would kill the process. Raises BadGraph for a
    network that must not be run, and RuntimeError for one that cannot.
    """

    def __init__(
        self,
        network: Path,
        *,
        precision: Precision,
        streams: int,
        threads: int | None = None,
        private: bool = False,
    ) -> None:
        hints = {
            "INFERENCE_PRECISION_HINT": _computed(precision).value,
            "NUM_STREAMS": str(streams),
            # Otherwise each process would pin its threads to the same cores.
            "ENABLE_CPU_PINNING": "NO",
            "INFERENCE_NUM_THREADS": str(threads or 0),  # 0: one for each core
        }
        self._thread_local = threading.local()
        with _opening:
            core = shared_core()
            core.set_property({"ENABLE_MMAP": private})
            model = core.read_model(network)
            if fault := find_graph_fault(model):
                raise BadGraph(fault)
            self._releasing, self._until_first_pass = threading.Lock(), ExitStack()
            self._until_first_pass.enter_context(unpacked_weights(model))
            self._compiled = core.compile_model(model, "CPU", hints)
            self._outputs = [self._compiled.output(name) for name in OUTPUTS]
            # A few small constants, such as shapes, keep the whole file mapped.
            release_pages(network.with_suffix(".bin"))

    def infer(self, batch: Tensor) -> EngineOutput:
        answers = self._request().infer([np.ascontiguousarray(batch)])
        # The first pass has converted the weights to the processor's own layout. Several threads
        # may make it at the same time.
        with self._releasing:
            self._until_first_pass.close()
        return EngineOutput(*(np.array(answers[output]) for output in self._outputs))

    def _request(self) -> "ov.InferRequest":
        if not hasattr(self._thread_local, "request"):
            self._thread_local.request = self._compiled.create_infer_request()
        request: ov.InferRequest = self._thread_local.request
        return request
