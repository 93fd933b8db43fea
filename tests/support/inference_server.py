"""A server that speaks the Open Inference Protocol v2 with binary tensors, well or badly.

It has models of folders that an export wrote:
`python -m tests.support.inference_server PORT FOLDER...`.
Requests are read here without the code under test, so that one mistake cannot be in both.
"""

import json
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np

from skinapi.vision.network.model import Model, open_model
from skinapi.vision.network.openvino_engine import Precision
from tests.support.local_server import LocalServer, serving_in_a_thread

Tensors = dict[str, Any]
Behaviour = Callable[["Call"], None]
INPUT = "shown"
LENGTH = "Inference-Header-Content-Length"


class Call(BaseHTTPRequestHandler):
    """One request. For an inference, `head` begins the answer and `tensors` follow it: a behaviour
    may change them before it calls `reply`.
    """

    server: "InferenceServer"
    head: dict[str, Any]
    tensors: Tensors

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/v2/health/ready":
            self.send(200 if self.server.ready else 503)
        elif (model := self._model()) is None:
            self.send(400, {"error": "no such version"})
        elif self.path.endswith("/ready"):
            self.send(200)
        else:
            self.send(200, {**described(model), **self.server.described})

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        model = self._model()
        if model is None:
            self.send(400, {"error": "no such version"})
            return
        length = int(self.headers[LENGTH])
        asked = json.loads(body[:length])
        (shown,) = asked["inputs"]
        assert (shown["name"], shown["datatype"]) == (INPUT, "FP32")
        count = shown["parameters"]["binary_data_size"] // 4
        numbers = struct.unpack(f"<{count}f", body[length:])
        found = model.engine.infer(np.array(numbers, np.float32).reshape(shown["shape"]))
        names = [output["name"] for output in asked["outputs"]]
        assert all(output["parameters"]["binary_data"] for output in asked["outputs"])
        self.tensors = {name: getattr(found, name) for name in names}
        self.head = {"model_name": model.version, "model_version": "1"}
        with suppress(ConnectionError):
            self.server.behave(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _model(self) -> Model | None:
        _, _, _, name, _, number, *_ = [*self.path.split("/"), *[""] * 7]
        return self.server.models.get(name) if number == "1" else None

    def outputs(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "datatype": "FP32",
                "shape": list(tensor.shape),
                "parameters": {"binary_data_size": tensor.size * 4},
            }
            for name, tensor in self.tensors.items()
        ]

    def packed(self) -> bytes:
        return b"".join(t.astype("<f4").tobytes() for t in self.tensors.values())

    def reply(self, tail: bytes | None = None, length: str | None = None, **head: Any) -> None:
        """The answer; `head` replaces fields of it, `tail` the numbers behind it."""
        said = json.dumps({"outputs": self.outputs(), **self.head, **head}).encode()
        content = said + (self.packed() if tail is None else tail)
        self.send(200, content, {LENGTH: length or str(len(said))})

    def send(self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def well(call: Call) -> None:
    call.reply()


class InferenceServer(LocalServer):
    def __init__(self, *folders: Path, port: int = 0) -> None:
        super().__init__(port, Call)
        opened = [open_model(folder, precision=Precision.F32) for folder in folders]
        self._served = {model.version: model for model in opened}
        self.reset()

    def reset(self) -> None:
        """Serve every model, and well."""
        self.models = dict(self._served)
        self.behave: Behaviour = well
        self.ready = True
        self.described: dict[str, Any] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def described(model: Model) -> dict[str, Any]:
    """The open dimensions are -1."""
    side, features = model.card.side, model.head.features
    shapes = {
        "logits": [-1, model.head.outputs],
        "feature_map": [-1, -1, -1, features],
        "pooled": [-1, features],
    }
    return {
        "name": model.version,
        "versions": ["1"],
        "platform": "OpenVINO",
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, side, side, 3]}],
        "outputs": [
            {"name": name, "datatype": "FP32", "shape": shape} for name, shape in shapes.items()
        ],
    }


def running_inference_server(
    *folders: Path, port: int = 0
) -> AbstractContextManager[InferenceServer]:
    return serving_in_a_thread(InferenceServer(*folders, port=port))


if __name__ == "__main__":
    with running_inference_server(*map(Path, sys.argv[2:]), port=int(sys.argv[1])):
        threading.Event().wait()
