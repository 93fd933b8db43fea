"""Every class of error, in the form that each client reads."""

from pathlib import Path

import pytest

from skinapi.model.conditions import conditions_table
from skinapi.model.registry.prediction_pool import PredictionPool
from tests.integrations.clients.broken import BrokenBackend
from tests.integrations.clients.dialects import (
    CLIENTS,
    PLAIN,
    PREDICTION,
    SMALL,
    each_client,
    guide,
    said,
)
from tests.integrations.clients.served_backend import ClientBackend
from tests.support.backends import Backend
from tests.support.photos import photo_in, photo_of

TABLE = conditions_table()
NO_LESION = TABLE.notices.refused["no_lesion"].en
BLACK = photo_in((0, 0, 0))
NOT_A_PHOTO = b"%PDF-1.4 not a photo"


@each_client
@pytest.mark.parametrize(
    ("photo", "says"),
    [
        (photo_of("normal_skin"), NO_LESION),
        (BLACK, TABLE.notices.refused["too_dark"].en),
        (NOT_A_PHOTO, TABLE.notices.refused["undecodable"].en),
        (b"", None),
    ],
)
def test_what_cannot_be_judged_is_refused_in_each_clients_shape(
    client_backend: ClientBackend, name: str, photo: bytes, says: str | None
) -> None:
    send, (refused, *_), kind = CLIENTS[name]
    answer = send(client_backend, photo)
    assert answer.status_code in (refused, 400)
    assert (says or "") in said(answer, kind)


@each_client
def test_a_missing_photo_is_told_in_each_clients_shape(
    client_backend: ClientBackend, name: str
) -> None:
    send, (_, missing, *_), kind = CLIENTS[name]
    answer = send(client_backend, None)
    assert answer.status_code == missing
    assert said(answer, kind)


@each_client
@pytest.mark.parametrize("length", [SMALL + 1, 3 * SMALL])
def test_a_photo_too_large_is_told_in_each_clients_shape(
    client_backend: ClientBackend, name: str, length: int
) -> None:
    send, (_, _, large, *_), kind = CLIENTS[name]
    answer = send(client_backend, b"x" * length)
    assert answer.status_code == large
    limit = f"{SMALL} bytes" if large == 400 else "100 KB"
    assert said(answer, kind) == f"File size exceeds maximum of {limit}"


class BusyBackend(Backend):
    pool = PredictionPool(streams=1, queue=-1)


@each_client
def test_a_busy_server_says_so_in_each_clients_shape(tmp_path: Path, name: str) -> None:
    backend = BusyBackend(tmp_path, open_lab=True)
    send, (*_, busy, _), kind = CLIENTS[name]
    answer = send(backend, photo_of("melanoma"))
    assert answer.status_code == busy
    assert answer.headers["Retry-After"]
    assert "busy" in said(answer, kind)
    backend.services.store.close()


@each_client
def test_too_many_requests_of_one_address_are_told_in_each_clients_shape(
    tmp_path: Path, name: str
) -> None:
    backend = Backend(tmp_path, open_lab=True, rate_anonymous="1/minute")
    send, (*_, often), kind = CLIENTS[name]
    assert send(backend, photo_of("melanoma")).status_code == 200
    answer = send(backend, photo_of("melanoma"))
    assert answer.status_code == often
    assert answer.headers["Retry-After"]
    assert "Too many" in said(answer, kind)
    backend.services.store.close()


@each_client
def test_our_own_fault_is_told_in_each_clients_shape(tmp_path: Path, name: str) -> None:
    backend = BrokenBackend(tmp_path, open_lab=True)
    send, _, kind = CLIENTS[name]
    answer = send(backend, photo_of("melanoma"))
    assert answer.status_code == (200 if name == "lab" else 500)
    assert said(answer, kind) == "Internal server error"
    backend.services.store.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("!!!!", "not valid base64"),
        ("", "No image uploaded"),
        ("data:text/html;base64,PGI+", "data URL"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "data URL"),
        ("data:image/png,plain", "data URL"),
        ("data:image/png;base64,", "No image uploaded"),
    ],
)
def test_bad_base64_and_other_data_urls_are_refused(
    client_backend: ClientBackend, text: str, says: str
) -> None:
    refused = client_backend.client.post("/inference", json={"image_data": text})
    assert refused.status_code == 400
    assert says in said(refused, PREDICTION)
    assert says in said(
        client_backend.client.post("/api/predict", json={"image": text}), "application/json"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"image": 7}', b"null", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_answered_in_the_shape_of_each_client_that_sends_json(
    client_backend: ClientBackend, body: bytes
) -> None:
    options = {"data": body, "content_type": "application/json"}
    assert said(client_backend.client.post("/api/predict", **options), "application/json")
    for path, kind in (("/inference", PREDICTION), ("/report", PLAIN)):
        answer = client_backend.client.post(path, **options)
        assert answer.status_code == 400
        assert said(answer, kind)


def test_the_guides_errors_are_worded_as_its_own(client_backend: ClientBackend) -> None:
    typed = guide(client_backend, photo_of("melanoma"), "lesion.gif")
    assert typed.get_json()["detail"] == "File type not allowed. Allowed: .jpg, .jpeg, .png, .webp"
    broken = guide(client_backend, NOT_A_PHOTO)
    assert broken.get_json()["detail"].startswith("Invalid image file: ")
