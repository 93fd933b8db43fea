from pathlib import Path

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
from tests.served.served_backend import ClientBackend
from tests.support.backends import Backend
from tests.support.photos import photo_in, photo_of
from tests.test_errors import say_for_operators

TABLE = conditions_table()
NOT_A_PHOTO = b"%PDF-1.4 not a photo"


REFUSED: tuple[tuple[bytes, str], ...] = (
    (photo_of("normal_skin"), TABLE.notices.refused["no_lesion"].en),
    (photo_in((0, 0, 0)), TABLE.notices.refused["too_dark"].en),
    (NOT_A_PHOTO, TABLE.notices.refused["undecodable"].en),
    (b"", ""),
)


@each_client
def test_a_photo_that_is_refused_missing_or_too_large_is_told_in_each_clients_shape(
    either_backend: ClientBackend, name: str
) -> None:
    send, (refused, missing, large, *_), kind = CLIENTS[name]
    for photo, says in REFUSED:
        answer = send(either_backend, photo)
        assert answer.status_code in (refused, 400)
        assert says in said(answer, kind)
    answer = send(either_backend, None)
    assert answer.status_code == missing
    assert said(answer, kind)
    for length in (SMALL + 1, 3 * SMALL):
        answer = send(either_backend, b"x" * length)
        assert answer.status_code == large
        limit = f"{SMALL} bytes" if large == 400 else "100 KB"
        assert said(answer, kind) == f"File size exceeds maximum of {limit}"


class BusyBackend(Backend):
    pool = PredictionPool(streams=1, queue=-1)


def test_a_busy_server_says_so_in_each_clients_shape(tmp_path: Path) -> None:
    backend = BusyBackend(tmp_path, open_lab=True)
    for send, (*_, busy, _), kind in CLIENTS.values():
        answer = send(backend, photo_of("melanoma"))
        assert answer.status_code == busy
        assert answer.headers["Retry-After"]
        assert "busy" in said(answer, kind)
    backend.services.store.close()


def test_too_many_requests_of_one_address_are_told_in_each_clients_shape(tmp_path: Path) -> None:
    backend = Backend(tmp_path, open_lab=True, rate_anonymous="1/minute")
    for place, (send, (*_, often), kind) in enumerate(CLIENTS.values()):
        elsewhere = {"environ_overrides": {"REMOTE_ADDR": f"192.0.2.{place}"}}
        assert send(backend, photo_of("melanoma"), **elsewhere).status_code == 200
        answer = send(backend, photo_of("melanoma"), **elsewhere)
        assert answer.status_code == often
        assert answer.headers["Retry-After"]
        assert "Too many" in said(answer, kind)
    backend.services.store.close()


def test_our_own_fault_is_told_in_each_clients_shape(tmp_path: Path) -> None:
    backend = BrokenBackend(tmp_path, open_lab=True)
    for name, (send, _, kind) in CLIENTS.items():
        answer = send(backend, photo_of("melanoma"))
        assert answer.status_code == (200 if name == "lab" else 500)
        assert said(answer, kind) == "Internal server error"
    backend.services.store.close()


BASE64 = (
    *(("!!!!", "not valid base64"), ("", "No image uploaded")),
    *(
        ("data:text/html;base64,PGI+", "data URL"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "data URL"),
    ),
    *(("data:image/png,plain", "data URL"), ("data:image/png;base64,", "No image uploaded")),
)


def test_bad_base64_and_other_data_urls_are_refused(client_backend: ClientBackend) -> None:
    client = client_backend.client
    for text, says in BASE64:
        refused = client.post("/inference", json={"image_data": text})
        assert refused.status_code == 400
        assert says in said(refused, PREDICTION)
        diagnosed = client.post("/api/predict", json={"image": text})
        assert says in said(diagnosed, "application/json")


def test_a_body_that_is_no_json_is_answered_in_the_shape_of_each_client_that_sends_json(
    client_backend: ClientBackend,
) -> None:
    for body in (b"", b"[]", b"{", b'{"image": 7}', b"null", b"\xff\xfe"):
        options = {"data": body, "content_type": "application/json"}
        assert said(client_backend.client.post("/api/predict", **options), "application/json")
        for path, kind in (("/inference", PREDICTION), ("/report", PLAIN)):
            answer = client_backend.client.post(path, **options)
            assert answer.status_code == 400
            assert said(answer, kind)


def test_no_sentence_for_patients_names_a_setting_and_only_the_guides_counts_bytes() -> None:
    said = {*say_for_operators("integrations/clients")} - {("settings.py", "a setting")}
    assert said == {("photo_forms.py", "bytes")}


def test_the_guides_errors_are_worded_as_its_own(client_backend: ClientBackend) -> None:
    typed = guide(client_backend, photo_of("melanoma"), "lesion.gif")
    assert typed.get_json()["detail"] == "File type not allowed. Allowed: .jpg, .jpeg, .png, .webp"
    broken = guide(client_backend, NOT_A_PHOTO)
    assert broken.get_json()["detail"].startswith("Invalid image file: ")
