"""Runs the network inside this process with OpenVINO. It needs no TensorFlow and loads in less than
a second.
"""

import threading
from contextlib import ExitStack
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
import openvino as ov

from skinapi.vision.network.engine import Engine, EngineOutput
from skinapi.vision.network.graph_faults import BadGraph, find_graph_fault
from skinapi.vision.network.tensor import Tensor
from skinapi.vision.network.weight_unpacking import release_pages, unpacked_weights

OUTPUTS = ("logits", "feature_map", "pooled")
_opening = threading.Lock()  # the core has one ENABLE_MMAP, for whichever network it opens


@cache
def shared_core() -> ov.Core:
    """The one core of this process. Where each network has a core of its own, reading the next one
    crashes the process now and then: https://github.com/ultralytics/ultralytics/pull/25864
    """
    return ov.Core()


class Precision(StrEnum):
    """The number format of inference. It is always set, because OpenVINO would otherwise choose
    bfloat16 on every processor that has it.
    """

    F32 = "f32"
    BF16 = "bf16"


class OpenVinoEngine(Engine):
    """One compiled network. Each thread has its own inference request, and the interpreter lock is
    released during inference.

    `private` says that no other process writes the network's files, so that they may be mapped
    into memory instead of read. If a mapped file is truncated, reading it kills the process.

    Raises BadGraph for a network that must not be run, RuntimeError for one that cannot be run.
    """

    def __init__(
        self, network: Path, *, precision: Precision, streams: int, private: bool = False
    ) -> None:
        hints = {"INFERENCE_PRECISION_HINT": precision.value, "NUM_STREAMS": str(streams)}
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

    def _request(self) -> ov.InferRequest:
        if not hasattr(self._thread_local, "request"):
            self._thread_local.request = self._compiled.create_infer_request()
        request: ov.InferRequest = self._thread_local.request
        return request
