"""Each client's exact requests and what it reads of the answers: success and every error class."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from skinapi.registry.service import RegistryService
from skinapi.vision.conditions import conditions_table
from tests.houses import House, Person
from tests.models import registry_of, tiny_model
from tests.photos import COLOURS, UNCERTAIN, photo_in, photo_of

TABLE = conditions_table()
LESIONS = [key for key in COLOURS if key != "normal_skin"]
SMALL = 100_000
NO_LESION = TABLE.notices.refused["no_lesion"].en
BLACK = photo_in((0, 0, 0))
NOT_A_PHOTO = b"%PDF-1.4 not a photo"


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def skinartify(house: House, content: bytes | None, **options: Any) -> TestResponse:
    data = {} if content is None else {"file": (io.BytesIO(content), "lesion.jpg")}
    return house.client.post("/predict", data=data, **options)


def skinartify_document(house: House, content: bytes | None, **options: Any) -> TestResponse:
    data = {} if content is None else {"image": (io.BytesIO(content), "lesion.jpg")}
    return house.client.post("/api/predict", data=data, **options)


def guide(
    house: House, content: bytes | None, name: str = "lesion.jpg", **options: Any
) -> TestResponse:
    data: dict[str, Any] = {"skin_tone": "III", "lesion_location": "back"}
    if content is not None:
        data["file"] = (io.BytesIO(content), name)
    return house.client.post(
        "/api/predict", data=data, content_type="multipart/form-data", **options
    )


def inference(house: House, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image_data": base64_of(content)}
    return house.client.post("/inference", json=body, **options)


def report(house: House, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image_data": base64_of(content)}
    return house.client.post("/report", json=body, **options)


def lab(house: House, content: bytes | None, **options: Any) -> TestResponse:
    body = {} if content is None else {"image": f"data:image/jpeg;base64,{base64_of(content)}"}
    return house.client.post("/api/predict", json=body, **options)


Send = Callable[..., TestResponse]
PROBLEM, PLAIN = "application/problem+json", "text/plain"
# The status of: refused, no photo, too large, without a model, too often.
CLIENTS: dict[str, tuple[Send, tuple[int, int, int, int, int], str]] = {
    "skinartify": (skinartify, (422, 400, 413, 503, 429), PROBLEM),
    # Too large is told before anybody has read whose form it is: so in the guide's way.
    "skinartify's document": (skinartify_document, (422, 400, 400, 503, 429), PROBLEM),
    "guide": (guide, (400, 400, 400, 503, 429), PROBLEM),
    "inference": (inference, (422, 400, 413, 503, 429), PLAIN),
    "report": (report, (422, 400, 413, 503, 429), PLAIN),
    "lab": (lab, (200, 200, 200, 200, 200), "application/json"),
}
each_client = pytest.mark.parametrize("name", CLIENTS)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A developer's own machine, the lab opened by hand."""
    house = House(tmp_path_factory.mktemp("open"), open_lab=True, max_upload_bytes=SMALL)
    yield house
    house.rooms.store.close()


def said(answer: TestResponse, kind: str) -> str:
    """The sentence that the client shows."""
    assert answer.mimetype == kind, answer.text
    if kind == PLAIN:
        return answer.text
    body = answer.get_json()
    if kind == PROBLEM:
        assert body["error"] == body["detail"] == body["message"] == body["msg"]
        assert body["status"] == answer.status_code
        return str(body["error"])
    assert body["class_name"] == "Inconclusive - no diagnosis"
    assert (body["confidence"], body["severity"]) == (0, "Moderate")
    assert set(body["clinical_indicators"].values()) == {0.5}
    return str(body["description"])


@pytest.mark.parametrize("key", LESIONS)
def test_skinartify_gets_its_seven_probabilities(opened: House, key: str) -> None:
    body = skinartify(opened, photo_of(key)).get_json()
    shares = body["predictions"]
    assert list(shares) == ["akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc"]
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == TABLE.by_key(key).names.skinartify


def test_skinartifys_document_gets_the_same_and_a_sorted_list(opened: House) -> None:
    photo = photo_of("vascular_lesion")
    body = skinartify_document(opened, photo).get_json()
    assert body["predictions"] == skinartify(opened, photo).get_json()["predictions"]
    assert [set(result) for result in body["results"]] == [{"type", "label", "confidence"}] * 7
    shares = [result["confidence"] for result in body["results"]]
    assert shares == sorted(shares, reverse=True)
    assert body["results"][0]["type"] == "vasc"


@pytest.mark.parametrize("key", LESIONS)
def test_the_explainable_client_gets_label_nested_row_and_overlay(opened: House, key: str) -> None:
    body = inference(opened, photo_of(key)).get_json()
    assert body["predicted_label"] == TABLE.by_key(key).names.explainable
    [row] = body["probabilities"]
    order = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    assert order[row.index(max(row))] == body["predicted_label"]
    assert sum(row) == pytest.approx(1)
    overlay = Image.open(io.BytesIO(base64.b64decode(body["heatmap"])))
    assert (overlay.format, overlay.size) == ("JPEG", (224, 224))


def test_the_explainable_clients_report_is_one_page_of_pdf(opened: House) -> None:
    photo = photo_of("melanoma")
    page = base64.b64decode(report(opened, photo).get_json()["pdf_report"])
    assert page.startswith(b"%PDF-")
    assert page.count(b"/Type /Page\n") == 1
    assert page == base64.b64decode(report(opened, photo).get_json()["pdf_report"])


@pytest.mark.parametrize("key", LESIONS)
def test_the_guides_client_gets_sorted_labels_and_a_png_of_the_photos_size(
    opened: House, key: str
) -> None:
    body = guide(opened, photo_of(key, (320, 240))).get_json()
    labels = [entry["label"] for entry in body["predictions"]]
    assert labels[0] == TABLE.by_key(key).names.guide
    shares = {entry["label"]: entry["probability"] for entry in body["predictions"]}
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    malignant = ("melanoma", "basal_cell_carcinoma", "actinic_keratoses")
    assert body["malignant_score"] == pytest.approx(sum(shares[label] for label in malignant))
    head, _, data = body["grad_cam"].partition(",")
    assert head == "data:image/png;base64"
    drawn = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (drawn.format, drawn.size) == ("PNG", (320, 240))
    assert isinstance(body["processing_time_ms"], int)
    assert body["explanation"]
    assert body["model_version"] == "tiny-1"


@pytest.mark.parametrize("key", LESIONS)
def test_the_labs_client_gets_its_diagnosis(opened: House, key: str) -> None:
    body = lab(opened, photo_of(key)).get_json()
    names = TABLE.by_key(key).names
    assert (body["class_id"], body["class_name"]) == (names.lab_class_id, names.lab_class_name)
    assert body["severity"] in ("Critical", "Moderate", "Benign")
    assert 0 <= body["risk_score"] <= 10
    assert 0.5 < body["confidence"] <= 1
    assert set(body["clinical_indicators"]) == set(body["abcd_details"]) == set("ABCD")
    assert all(set(d) == {"label", "description", "interpretation"} for d in _details(body))
    assert body["processing_time"].endswith("s")
    assert all(body[field] for field in ("treatment", "description", "epidemiology"))
    assert body["model_version"] == "tiny-1"


def _details(body: dict[str, Any]) -> list[dict[str, str]]:
    return list(body["abcd_details"].values())


def test_what_was_not_measured_is_not_painted_green(opened: House) -> None:
    body = lab(opened, photo_of("melanoma")).get_json()
    assert body["clinical_indicators"] == dict.fromkeys("ABCD", 0.5)
    assert {d["interpretation"] for d in _details(body)} == {"Not assessed by this system"}


def test_a_melanoma_is_never_called_benign_or_low(opened: House) -> None:
    assert lab(opened, photo_of("melanoma")).get_json()["severity"] == "Critical"
    nevus = lab(opened, photo_of("melanocytic_nevus")).get_json()
    assert nevus["severity"] == "Moderate"  # nobody said that it is a dermoscope picture


def test_an_uncertain_photo_is_answered_as_its_gravest_possibility(opened: House) -> None:
    photo = photo_in(UNCERTAIN)
    assert inference(opened, photo).get_json()["uncertain"] is True
    assert "uncertain" in guide(opened, photo).get_json()["explanation"].partition(".")[0]


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
    opened: House, name: str, photo: bytes, says: str | None
) -> None:
    send, (refused, *_), kind = CLIENTS[name]
    answer = send(opened, photo)
    assert answer.status_code in (refused, 400)
    assert (says or "") in said(answer, kind)


@each_client
def test_a_missing_photo_is_told_in_each_clients_shape(opened: House, name: str) -> None:
    send, (_, missing, *_), kind = CLIENTS[name]
    answer = send(opened, None)
    assert answer.status_code == missing
    assert said(answer, kind)


@each_client
@pytest.mark.parametrize("length", [SMALL + 1, 3 * SMALL])
def test_a_photo_too_large_is_told_in_each_clients_shape(
    opened: House, name: str, length: int
) -> None:
    send, (_, _, large, *_), kind = CLIENTS[name]
    answer = send(opened, b"x" * length)
    assert answer.status_code == large
    assert said(answer, kind) == f"File size exceeds maximum of {SMALL} bytes"


class BusyHouse(House):
    def registry(self) -> RegistryService:
        return registry_of(tiny_model(), streams=1, queue=-1)


@each_client
def test_a_busy_server_says_so_in_each_clients_shape(tmp_path: Path, name: str) -> None:
    house = BusyHouse(tmp_path, open_lab=True)
    send, (*_, busy, _), kind = CLIENTS[name]
    answer = send(house, photo_of("melanoma"))
    assert answer.status_code == busy
    assert answer.headers["Retry-After"]
    assert "busy" in said(answer, kind)
    house.rooms.store.close()


@each_client
def test_too_many_requests_of_one_address_are_told_in_each_clients_shape(
    tmp_path: Path, name: str
) -> None:
    house = House(tmp_path, open_lab=True, rate_anonymous="1/minute")
    send, (*_, often), kind = CLIENTS[name]
    assert send(house, photo_of("melanoma")).status_code == 200
    answer = send(house, photo_of("melanoma"))
    assert answer.status_code == often
    assert answer.headers["Retry-After"]
    assert "Too many" in said(answer, kind)
    house.rooms.store.close()


class BrokenHouse(House):
    """A registry that breaks in a way nobody foresaw."""

    def registry(self) -> RegistryService:
        registry = registry_of(tiny_model())
        registry._slot = None  # type: ignore[assignment]
        return registry

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, open_lab=True)


@each_client
def test_our_own_fault_is_told_in_each_clients_shape(tmp_path: Path, name: str) -> None:
    house = BrokenHouse(tmp_path)
    send, _, kind = CLIENTS[name]
    answer = send(house, photo_of("melanoma"))
    assert answer.status_code == (200 if name == "lab" else 500)
    assert said(answer, kind) == "Internal server error"
    house.rooms.store.close()


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
def test_bad_base64_and_other_data_urls_are_refused(opened: House, text: str, says: str) -> None:
    plain = opened.client.post("/inference", json={"image_data": text})
    assert (plain.status_code, plain.mimetype) == (400, PLAIN)
    assert says in plain.text
    assert says in said(
        opened.client.post("/api/predict", json={"image": text}), "application/json"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"image": 7}', b"null", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_inconclusive_to_the_lab_and_text_to_the_explainable(
    opened: House, body: bytes
) -> None:
    options = {"data": body, "content_type": "application/json"}
    assert said(opened.client.post("/api/predict", **options), "application/json")
    answer = opened.client.post("/inference", **options)
    assert (answer.status_code, answer.mimetype) == (400, PLAIN)


def test_the_guides_errors_are_worded_as_its_own(opened: House) -> None:
    typed = guide(opened, photo_of("melanoma"), "lesion.gif")
    assert typed.get_json()["detail"] == "File type not allowed. Allowed: .jpg, .jpeg, .png, .webp"
    broken = guide(opened, NOT_A_PHOTO)
    assert broken.get_json()["detail"].startswith("Invalid image file: ")


def test_a_token_makes_predict_the_main_apis(opened: House) -> None:
    ada = opened.member()
    sent = {"file": (io.BytesIO(photo_of("melanoma")), "lesion.jpg")}
    assert "report" in ada.call("POST", "/predict", data=sent).get_json()
    null = Person(opened.client, "null").call("POST", "/predict", data={"image": "x"})
    assert (null.status_code, null.get_json()["error"]) == (401, "Invalid token")
    image = {"image": (io.BytesIO(photo_of("melanoma")), "lesion.jpg")}
    nobody = opened.client.post("/predict", data=image)
    assert (nobody.status_code, nobody.get_json()["error"]) == (401, "Missing Authorization Header")


def test_nothing_is_kept_of_an_anonymous_photo_but_model_and_band(tmp_path: Path) -> None:
    house = House(tmp_path, open_lab=True)
    for send, *_ in CLIENTS.values():
        assert send(house, photo_of("melanoma")).status_code == 200
    stored = {name for name, found in house.stored().items() if found}
    assert stored <= {"audit", "counters"}
    assert list(house.rooms.store.blobs.keys()) == []
    rows = {(row["action"], row["by"], row["target"]) for row in house.audit()}
    assert rows == {("finding.urgent_referral", "anonymous", "tiny-1")}
    assert len(house.audit()) == len(CLIENTS)
    assert list(house.rooms.faults()) == []
    read = house.admin().call("GET", "/audit?action=finding.urgent_referral").get_json()
    assert {row["target"] for row in read} == {"tiny-1"}
    house.rooms.store.close()


@each_client
def test_where_it_is_not_opened_a_client_needs_a_token(tmp_path: Path, name: str) -> None:
    house = House(tmp_path, environment="production")
    send, _, kind = CLIENTS[name]
    answer = send(house, photo_of("melanoma"))
    assert answer.status_code == (200 if name == "lab" else 401)
    assert said(answer, kind) == "Missing Authorization Header"
    if name != "skinartify":  # a token makes that path the main API's
        token = {"Authorization": f"Bearer {house.member(role='researcher').token}"}
        assert send(house, photo_of("melanoma"), headers=token).status_code == 200
    house.rooms.store.close()


def test_a_client_that_shares_a_path_is_not_opened_by_the_other(tmp_path: Path) -> None:
    house = House(tmp_path, open_guide=True, open_skinartify=False)
    assert guide(house, photo_of("melanoma")).status_code == 200
    assert skinartify_document(house, photo_of("melanoma")).status_code == 401
    assert skinartify(house, photo_of("melanoma")).status_code == 401
    house.rooms.store.close()


def test_a_patients_token_does_not_open_the_lab(opened: House) -> None:
    ada = opened.member()
    token = {"Authorization": f"Bearer {ada.token}"}
    assert said(lab(opened, photo_of("melanoma"), headers=token), "application/json")


def test_health_and_front_door_say_what_both_clients_read(opened: House) -> None:
    health = opened.client.get("/api/health").get_json()
    assert health["status"] == "healthy"
    assert isinstance(health["uptime_seconds"], int)
    assert (health["backend"], health["tensorflow"]) == ("SkinAPI", False)
    front = opened.client.get("/", headers={"Accept": "application/json"}).get_json()
    assert front["status"] == "Backend running"
    assert {"message", "version", "docs"} <= set(front)


def test_no_log_line_holds_a_picture(opened: House, capfd: pytest.CaptureFixture[str]) -> None:
    photo = photo_of("melanoma")
    for send, *_ in CLIENTS.values():
        send(opened, photo)
        send(opened, NOT_A_PHOTO)
    logged = capfd.readouterr().err
    assert base64_of(photo)[:40] not in logged
    assert "lesion.jpg" not in logged
    assert all(len(line) < 2000 for line in logged.splitlines())
    assert json.loads(logged.splitlines()[0])["event"] == "request"
