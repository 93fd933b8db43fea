"""Messages of the Open Inference Protocol v2 with its binary tensors: one request, its answer, and
the description of a served model.

https://github.com/open-inference/open-inference-protocol
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from skinapi.json_bounds import holds_more_values
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
