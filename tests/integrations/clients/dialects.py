import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.served.served_backend import ClientBackend

SMALL = 100_000


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def skinartify(
    client_backend: ClientBackend, content: bytes | None, **options: Any
) -> TestResponse:
    data = {} if content is None else {"file": (io.BytesIO(content), "lesion.jpg")}
    return client_backend.client.post("/predict", data=data, **options)


def skinartify_document(
    client_backend: ClientBackend, content: bytes | None, **options: Any
) -> TestResponse:
    data = {} if content is None else {"image": (io.BytesIO(content), "lesion.jpg")}
    return client_backend.client.post("/api/predict", data=data, **options)


def guide(
    client_backend: ClientBackend, content: bytes | None, name: str = "lesion.jpg", **options: Any
) -> TestResponse:
    data: dict[str, Any] = {"skin_tone": "III", "lesion_location": "back"}
    if content is not None:
        data["file"] = (io.BytesIO(content), name)
    return client_backend.client.post(
        "/api/predict", data=data, content_type="multipart/form-data", **options
    )


def inference(client_backend: ClientBackend, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image_data": base64_of(content)}
    return client_backend.client.post("/inference", json=body, **options)


def report(client_backend: ClientBackend, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image_data": base64_of(content)}
    return client_backend.client.post("/report", json=body, **options)


def lab(client_backend: ClientBackend, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image": f"data:image/jpeg;base64,{base64_of(content)}"}
    return client_backend.client.post("/api/predict", json=body, **options)


def post_form(
    client_backend: ClientBackend, files: Mapping[str, bytes], name: str = "ham", **options: Any
) -> TestResponse:
    data = {"files": [(io.BytesIO(content), name) for name, content in files.items()]}
    path = "/api/upload-dataset"
    if name:
        path += f"?datasetName={name}"
    return client_backend.client.post(path, data=data, **options)


Send = Callable[..., TestResponse]
PROBLEM, PLAIN = "application/problem+json", "text/plain"
# A problem with the members of a prediction, whatever its status.
PREDICTION = f"{PROBLEM}; as a prediction"
# The statuses of: refused, no photo, too large, no model, too many requests.
CLIENTS: dict[str, tuple[Send, tuple[int, int, int, int, int], str]] = {
    "skinartify": (skinartify, (422, 400, 413, 503, 429), PROBLEM),
    # A too large body is refused before its form is known, so in the guide's way.
    "skinartify's document": (skinartify_document, (422, 400, 400, 503, 429), PROBLEM),
    "guide": (guide, (400, 400, 400, 503, 429), PROBLEM),
    "inference": (inference, (422, 400, 413, 503, 429), PREDICTION),
    "report": (report, (422, 400, 413, 503, 429), PLAIN),
    "lab": (lab, (200, 200, 200, 200, 200), "application/json"),
}
each_client = pytest.mark.parametrize("name", CLIENTS)


def said(answer: TestResponse, kind: str) -> str:
    assert answer.mimetype == kind.partition(";")[0], answer.text
    if kind == PLAIN:
        return answer.text
    body = answer.get_json()
    if kind in (PROBLEM, PREDICTION):
        assert body["error"] == body["detail"] == body["message"] == body["msg"]
        assert body["status"] == answer.status_code
        shown = [body.get(name) for name in ("predicted_label", "probabilities", "heatmap")]
        assert shown == ([body["error"], [[]], ""] if kind == PREDICTION else [None] * 3)
        return str(body["error"])
    assert body["class_name"] == "Inconclusive - no diagnosis"
    assert (body["confidence"], body["severity"]) == (0, "Moderate")
    assert set(body["clinical_indicators"].values()) == {0.5}
    return str(body["description"])
