"""Server-side request forgery: no address in a request is fetched."""

import io
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.backends import Backend
from tests.support.photos import photo_of

ADDRESSES = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:5000/users",
    "file:///etc/passwd",
    "//evil.example/a.jpg",
    "data:text/html,<img src=http://evil.example/>",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_in_a_request_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    backend = Backend(tmp_path, open_lab=True)
    ada = backend.member(name=f'<img src="{address}">')
    asked: list[Any] = []
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda _, to, *__: asked.append(to))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *to, **_: asked.append(to))
    for path, field in (("/api/predict", "image"), ("/inference", "image_data")):
        backend.client.post(path, json={field: address})
    backend.client.post("/report", json={"image_data": address})
    for field in ("image", "file"):
        assert ada.call("POST", "/predict", data={field: address}).status_code == 400
        sent = {field: (io.BytesIO(address.encode()), address)}
        assert ada.call("POST", "/predict", data=sent).status_code == 422
    sent = {"image": (io.BytesIO(photo_of("melanoma")), address)}
    assert ada.call("POST", "/predict", data=sent).status_code == 200
    headers = {"Origin": address, "Referer": address, "Host": "evil.example"}
    backend.client.get("/", headers=headers)
    assert asked == []
    backend.services.store.close()
