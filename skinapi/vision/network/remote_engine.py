"""Runs the network on an inference server that speaks the Open Inference Protocol v2 over HTTP, as
OpenVINO Model Server and Triton do.

The server has each model version as a model of that name, whose own version is `SERVED_AS`. Every
answer must name both, and its logits must be those of the model's head: so no answer comes from
another version than the one that was asked for, whatever files lie under its name.
"""

import threading
import time
from http import HTTPStatus
from math import inf
from typing import NoReturn
from urllib.parse import quote

from skinapi.errors import EngineUnavailable
from skinapi.http_client import CallFailed, HttpClient, Reply, Request
from skinapi.logs import log
from skinapi.vision.network.engine import Engine, EngineOutput
from skinapi.vision.network.heatmap import Head
from skinapi.vision.network.inference_protocol import (
    FLOAT,
    HEADER_LENGTH,
    Answer,
    BadMessage,
    decode_answer,
    encode_request,
    read_description,
)
from skinapi.vision.network.model_faults import find_network_fault, has_other_head, head_bias
from skinapi.vision.network.openvino_engine import OUTPUTS
from skinapi.vision.network.tensor import Tensor

SERVED_AS = "1"  # these servers number their versions, and ours have names
INFERENCE_S = 10.0
READINESS_S = 2.0
# One question about readiness serves everybody who asks within this time.
READINESS_HOLDS_S = 1.0
# The feature map of EfficientNetB7, at 600 x 600 pixels, is 3.7 MB.
LARGEST_ANSWER = 16 * 1024 * 1024


class RemoteEngine(Engine):
    """One network on an inference server. Each request has a connection of its own, so a load
    balancer can spread them over many servers.

    `head` is the model's, and says how many outputs and features every answer has. Raises
    EngineUnavailable where the server does not have this version, or has it with other tensors.
    """

    def __init__(self, url: str, *, version: str, head: Head, side: int, streams: int) -> None:
        # Besides the streams' requests, a few that were abandoned may not have ended yet.
        self._client = HttpClient(url, most_at_once=streams + 4, largest_answer=LARGEST_ANSWER)
        self._version = version
        self._path = f"/v2/models/{quote(version, safe='')}/versions/{SERVED_AS}"
        self._head = head
        self._side = side
        self._readiness = threading.Lock()
        self._bias: Tensor | None = None
        self._asked_at = -inf
        self._ready = False
        self._ask_ready()
        self._input = self._input_name()

    def infer(self, batch: Tensor) -> EngineOutput:
        """Raises EngineUnavailable."""
        body, headers = encode_request(batch, input_name=self._input, outputs=OUTPUTS)
        reply = self._send(Request("POST", f"{self._path}/infer", headers, body), INFERENCE_S)
        try:
            answer, tensors = decode_answer(reply.content, reply.headers.get(HEADER_LENGTH.lower()))
        except BadMessage as bad:
            self._refuse(str(bad))
        self._refuse_other_version(answer)
        if {*tensors} != {*OUTPUTS}:
            self._refuse("other outputs")
        output = EngineOutput(*(tensors[name] for name in OUTPUTS))
        self._refuse_unfit(output, len(batch))
        self._refuse_other_network(output)
        return output

    def ping(self) -> None:
        """Raises EngineUnavailable unless the server says that it can run this version."""
        with self._readiness:
            if time.monotonic() - self._asked_at >= READINESS_HOLDS_S:
                self._ready = False
                try:
                    self._ask_ready()
                    self._ready = True
                finally:
                    self._asked_at = time.monotonic()
            if not self._ready:
                raise EngineUnavailable

    def _ask_ready(self) -> None:
        for path in ("/v2/health/ready", f"{self._path}/ready"):
            self._send(Request("GET", path), READINESS_S)

    def _input_name(self) -> str:
        """The name of the one input, where the description has the tensors of a served network."""
        reply = self._send(Request("GET", self._path), READINESS_S)
        try:
            described = read_description(reply.content)
        except BadMessage as bad:
            self._refuse(str(bad))
        outputs = {output.name: output.datatype for output in described.outputs}
        inputs = [tensor.name for tensor in described.inputs if tensor.datatype == FLOAT]
        if described.name != self._version:
            self._refuse("another model")
        if len(described.inputs) != 1 or not inputs:
            self._refuse("other inputs")
        if any(outputs.get(name) != FLOAT for name in OUTPUTS):
            self._refuse("other outputs")
        return inputs[0]

    def _send(self, request: Request, seconds: float) -> Reply:
        try:
            reply = self._client.send(request, deadline=time.monotonic() + seconds)
        except CallFailed as failed:
            self._refuse(failed.fault)
        if reply.status != HTTPStatus.OK:
            self._refuse(f"status {reply.status}")
        return reply

    def _refuse_other_version(self, answer: Answer) -> None:
        if (answer.model_name, answer.model_version) != (self._version, SERVED_AS):
            self._refuse("another version")

    def _refuse_unfit(self, output: EngineOutput, rows: int) -> None:
        if fault := find_network_fault(output, head=self._head, rows=rows):
            self._refuse(fault)
        if not all(0 < length <= self._side for length in output.feature_map.shape[1:3]):
            self._refuse("a feature map of another size")

    def _refuse_other_network(self, output: EngineOutput) -> None:
        """Of several servers behind a load balancer, one may have other files than the others."""
        if self._bias is None:
            self._bias = head_bias(output, head=self._head)
        if has_other_head(output, head=self._head, bias=self._bias):
            self._refuse("another network")

    def _refuse(self, reason: str) -> NoReturn:
        """Without a word of the answer, which is foreign."""
        log.error("inference server not usable", model=self._version, reason=reason)
        raise EngineUnavailable
