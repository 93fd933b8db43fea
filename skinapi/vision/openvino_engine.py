"""The network inside this process, run by OpenVINO: no TensorFlow, ready in under a second."""

import threading
from enum import StrEnum
from pathlib import Path

import numpy as np
import openvino as ov

from skinapi.vision.engine import EngineOutput
from skinapi.vision.tensor import Tensor
from skinapi.vision.weight_unpacking import give_back, unpacked

OUTPUTS = ("logits", "feature_map", "pooled")


class Precision(StrEnum):
    """Pinned, because OpenVINO would choose bfloat16 by itself wherever the processor has it."""

    F32 = "f32"
    BF16 = "bf16"


class OpenVinoEngine:
    """One compiled network; each thread keeps a request of its own, and the interpreter lock is
    free meanwhile. `private`: nobody else writes the network's files, so that they may be mapped
    rather than read; reading what is mapped of a file that was cut off ends the process.

    Raises BadGraph for a network that must not be run, RuntimeError for one that cannot be.
    """

    def __init__(
        self, network: Path, *, precision: Precision, streams: int, private: bool = False
    ) -> None:
        core = ov.Core()
        core.set_property({"ENABLE_MMAP": private})
        hints = {"INFERENCE_PRECISION_HINT": precision.value, "NUM_STREAMS": str(streams)}
        self._mine = threading.local()
        with unpacked(core, network) as plain:
            self._compiled = core.compile_model(plain, "CPU", hints)
            self._places = [self._compiled.output(name) for name in OUTPUTS]
            self._make_weights()
            give_back(plain)

    def infer(self, batch: Tensor) -> EngineOutput:
        answers = self._request().infer([np.ascontiguousarray(batch)])
        return EngineOutput(*(np.array(answers[place]) for place in self._places))

    def _make_weights(self) -> None:
        """The first pass brings the weights into the processor's own order; a network that leaves
        its size open does so when it is first asked.
        """
        sides = list(self._compiled.inputs[0].partial_shape)[1:]
        if all(side.is_static for side in sides):
            self.infer(np.zeros([1, *(side.get_length() for side in sides)], np.float32))

    def _request(self) -> ov.InferRequest:
        if not hasattr(self._mine, "request"):
            self._mine.request = self._compiled.create_infer_request()
        request: ov.InferRequest = self._mine.request
        return request
