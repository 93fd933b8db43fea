"""Runs the network on an inference server that speaks the Open Inference Protocol v2 over HTTP, as
OpenVINO Model Server and Triton do.

The server has each model version as a model of that name, whose own version is `SERVED_AS`. Every
answer must name both, and its logits must be those of the model's head: so no answer comes from
another version than the one that was asked for, whatever files lie under its name.

The messages have binary tensors:
https://github.com/open-inference/open-inference-protocol
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import inf, prod
from typing import Annotated, NoReturn, TypeVar
from urllib.parse import quote

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from skinapi.errors import EngineUnavailable
from skinapi.http_client import CallFailed, HttpClient, Reply, Request
from skinapi.json_bounds import holds_more_values
from skinapi.logs import log
from skinapi.vision.network.engine import Engine, EngineOutput, Head
from skinapi.vision.network.model_faults import find_network_fault, has_other_head, head_bias
from skinapi.vision.network.openvino_engine import OUTPUTS
from skinapi.vision.network.tensor import Tensor

HEADER_LENGTH = "Inference-Header-Content-Length"
FLOAT = "FP32"
HEADER_LENGTHS = re.compile(r"[0-9]{1,9}")
# In the byte order of the protocol, which is little-endian.
_NUMBERS = np.dtype("<f4")
MOST_VALUES = 1000
MOST_AXES = 8
LARGEST_JSON = 64 * 1024

Name = Annotated[str, StringConstraints(max_length=1000)]
Count = Annotated[int, Field(ge=0, le=2**31)]


class BadMessage(ValueError):
    """An answer that does not follow the protocol; the message says why, without its content."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, protected_namespaces=())


M = TypeVar("M", bound=_Message)


class DescribedTensor(_Message):
    name: Name
    datatype: Name


class ModelDescription(_Message):
    name: Name
    inputs: tuple[DescribedTensor, ...] = Field(strict=False)
    outputs: tuple[DescribedTensor, ...] = Field(strict=False)


class _Parameters(_Message):
    binary_data_size: Count


class _Output(_Message):
    name: Name
    datatype: Name
    shape: tuple[Count, ...] = Field(strict=False, max_length=MOST_AXES)
    parameters: _Parameters


class Answer(_Message):
    """`model_version` is optional in the protocol; the caller asks for it."""

    model_name: Name
    model_version: Name = ""
    outputs: tuple[_Output, ...] = Field(strict=False)


def encode_request(
    batch: Tensor, *, input_name: str, outputs: Sequence[str]
) -> tuple[bytes, Mapping[str, str]]:
    """The body that asks for these outputs of a batch, and its headers."""
    numbers = np.ascontiguousarray(batch, _NUMBERS).tobytes()
    asked = {
        "inputs": [
            {
                "name": input_name,
                "shape": list(batch.shape),
                "datatype": FLOAT,
                "parameters": {"binary_data_size": len(numbers)},
            }
        ],
        "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs],
    }
    head = json.dumps(asked).encode()
    headers = {HEADER_LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
    return head + numbers, headers


def decode_answer(content: bytes, header_length: str | None) -> tuple[Answer, dict[str, Tensor]]:
    """The answer and its tensors by name. Raises BadMessage.

    Every tensor must be sent in binary and in float32.
    """
    if not (header_length and HEADER_LENGTHS.fullmatch(header_length)):
        raise BadMessage("its tensors are not binary")
    end = int(header_length)
    answer = _read_json(Answer, content[:end])
    tensors: dict[str, Tensor] = {}
    for output in answer.outputs:
        size = output.parameters.binary_data_size
        if output.datatype != FLOAT or size != prod(output.shape) * _NUMBERS.itemsize:
            raise BadMessage("a tensor has the wrong type or size")
        if end + size > len(content):
            raise BadMessage("a tensor is cut off")
        numbers = np.frombuffer(content, _NUMBERS, size // _NUMBERS.itemsize, end)
        # A copy: what was read from the network cannot be written to, and may be misaligned.
        tensors[output.name] = numbers.reshape(output.shape).astype(np.float32)
        end += size
    if end != len(content) or len(tensors) != len(answer.outputs):
        raise BadMessage("there is more than its tensors in it")
    return answer, tensors


def read_description(content: bytes) -> ModelDescription:
    """Raises BadMessage."""
    return _read_json(ModelDescription, content)


def _read_json(schema: type[M], content: bytes) -> M:
    if len(content) > LARGEST_JSON or holds_more_values(content, MOST_VALUES):
        raise BadMessage("its JSON is too large")
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        raise BadMessage("its JSON is not what the protocol says") from error


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
