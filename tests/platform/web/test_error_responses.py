import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.test import TestResponse

from skinapi.base.errors import Conflict, NotFound, StoreUnavailable
from skinapi.platform.web.answers import Renderer, plain_text, problem_json
from skinapi.platform.web.declaration import Authenticated, Rate, Routes
from skinapi.platform.web.schemas import Body, Form, Message, Upload
from tests.platform.web.angular import ORIGIN, assert_readable
from tests.support.backends import Backend, Person

LARGEST = 100


@dataclass
class FailingService:
    fault: Exception | None = None


class Note(Body):
    text: str


def plant(routes: Routes[FailingService], path: str, renderer: Renderer) -> None:
    def take_note(service: FailingService, *, body: Note) -> Message:
        if service.fault:
            raise service.fault
        return Message(message=body.text)

    take_note.__name__ = "take_note_" + path.rpartition("/")[2]
    routes.route(
        "POST", path, access=Authenticated(), rate=Rate.WRITE, renderer=renderer, max_body=LARGEST
    )(take_note)


class FailingBackend(Backend):
    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.planted = FailingService()
        routes: Routes[FailingService] = Routes()
        plant(routes, "/planted/json", problem_json)
        plant(routes, "/planted/plain", plain_text)
        routes.register(self.app, self.planted)


MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "error", "message", "msg"}
SECRET_TEXT = "ada@example.org has melanoma"
RETRIES = {429, 503}


class Unread(io.RawIOBase):
    def readinto(self, _: Any) -> int:
        raise AssertionError("the body was read")


def unread(length: int) -> dict[str, Any]:
    environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(length)}
    return {"environ_overrides": environ, "content_type": "application/json"}


@pytest.fixture(scope="module")
def planted_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingBackend]:
    backend = FailingBackend(tmp_path_factory.mktemp("planted"))
    yield backend
    backend.services.store.close()


@pytest.fixture
def planted(planted_backend: FailingBackend) -> FailingBackend:
    planted_backend.planted.fault = None
    return planted_backend


def fail(backend: FailingBackend, path: str, status: int, **options: Any) -> TestResponse:
    person = backend.member()
    headers = {"Origin": ORIGIN}
    note: dict[str, Any] = {"json": {"text": "x"}}
    method = "POST"
    match status:
        case 400:
            note = {"json": {"text": 1}}
        case 401:
            person, note = Person(backend.client, "null"), unread(LARGEST)
        case 403:
            person, note = backend.member(status="waiting"), unread(LARGEST)
        case 404:
            backend.planted.fault = NotFound()
        case 405:
            method, note = "DELETE", unread(LARGEST)
        case 409:
            backend.planted.fault = Conflict()
        case 413:
            note = unread(LARGEST + 1)
        case 415:
            note = {"data": "<text/>", "content_type": "text/xml"}
        case 500:
            backend.planted.fault = RuntimeError(SECRET_TEXT)
        case 503:
            backend.planted.fault = StoreUnavailable()
    answer = person.call(method, path, headers=headers, **{**note, **options})
    assert_readable(answer)
    return answer


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 500, 503])
def test_every_error_has_one_body_and_a_dialects_is_plain_text(
    planted: FailingBackend, status: int, form: str
) -> None:
    answer = fail(planted, f"/planted/{form}", status)
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status in RETRIES)
    assert answer.headers["X-Request-ID"]
    if form == "plain":
        assert answer.mimetype == "text/plain"
        assert not answer.text.startswith(("{", "<"))
        return
    body = answer.get_json()
    assert answer.mimetype == "application/problem+json"
    assert body.keys() == MEMBERS
    assert body["status"] == status
    assert body["detail"] == body["error"] == body["message"] == body["msg"] != ""
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert (answer.headers.get("Allow") == "OPTIONS, POST") == (status == 405)


@pytest.mark.parametrize(
    ("path", "mimetype"),
    [("/planted/json", "application/problem+json"), ("/planted/plain", "text/plain")],
)
def test_too_many_requests_say_when_to_come_back(tmp_path: Path, path: str, mimetype: str) -> None:
    backend = FailingBackend(tmp_path, rate_write="2/minute")
    person = backend.member()
    for _ in range(2):
        assert person.call("POST", path, json={"text": "x"}).status_code == 200
    refused = person.call("POST", path, headers={"Origin": ORIGIN}, **unread(5))
    assert (refused.status_code, refused.mimetype) == (429, mimetype)
    assert_readable(refused)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"write";q=2;w=60'
    assert refused.headers["RateLimit"].startswith('"write";r=0;t=')
    assert backend.member().call("POST", path, json={"text": "x"}).status_code == 200


def test_every_answer_has_the_headers_of_security(shared_backend: Backend) -> None:
    for path in ("/healthz", "/me", "/nothing"):
        headers = shared_backend.client.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
    for path in ("/healthz", "/nothing", "/docs", "/password", "/model-card", "/"):
        answer = shared_backend.client.get(path, headers={"Accept": "text/html"})
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path


@pytest.mark.parametrize("host", ["a b", "exa mple/", "\x00", "[", "x" * 3000, "é.example", ""])
def test_an_invalid_host_is_no_server_error(shared_backend: Backend, host: str) -> None:
    answer = shared_backend.client.get("/healthz", headers={"Host": host, "Origin": ORIGIN})
    assert answer.status_code in (200, 400)
    assert_readable(answer)


@pytest.mark.parametrize("path", ["/planted/json", "/planted/plain"])
def test_an_internal_error_does_not_show_its_text(
    capsys: pytest.CaptureFixture[str], planted: FailingBackend, path: str
) -> None:
    answer = fail(planted, path, 500)
    logged = capsys.readouterr().err
    assert SECRET_TEXT not in answer.text + logged
    assert "melanoma" not in answer.text + logged
    assert '"error": "RuntimeError"' in logged
    assert answer.headers["X-Request-ID"] in logged


HEX = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "known",
    [
        HEX,
        HEX.upper(),
        HEX * 2,
        "0af76519-16cd-43dd-8448-eb211c80319c",
        "01JD7QK3T5V9ZB2M4N6P8R0S1T",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)
def test_a_caller_names_the_request_in_a_form_that_holds_no_words(
    shared_backend: Backend, known: str
) -> None:
    named = shared_backend.client.get("/healthz", headers={"X-Request-ID": known})
    assert named.headers["X-Request-ID"] == known


@pytest.mark.parametrize(
    "odd",
    [
        "short",
        "x" * 65,
        "a b c d e f g h",
        '"quoted-and-long"',
        "ada.lovelace_example.org",
        "Ada-Lovelace-1815-12-10",
        "ADALOVELACEADALOVELACEADAL",
        "4929123412341234",
        HEX[:-1],
        HEX * 2 + "0",
        f"{HEX}-{HEX}",
    ],
)
def test_a_request_named_in_another_form_gets_an_id_of_ours(
    shared_backend: Backend, odd: str
) -> None:
    answer = shared_backend.client.get("/healthz", headers={"X-Request-ID": odd})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.headers["X-Request-ID"] not in odd


PHOTO = 1000
ROOM = 64 * 1024


class Picture(Form):
    image: Upload
    note: str | None = None
    ticked: tuple[str, ...] | None = None
    keep: bool = False


class FormBackend(Backend):
    def __init__(self, folder: Path, photo: int = PHOTO) -> None:
        super().__init__(folder, max_upload_bytes=photo)
        routes: Routes[None] = Routes()

        @routes.route("POST", "/planted/form", access=Authenticated(), rate=Rate.WRITE)
        def take_form(_: None, *, form: Picture, idempotency_key: str | None) -> Message:
            said = (form.image.filename, len(form.image.content), form.note, form.ticked, form.keep)
            return Message(message=f"{said} {idempotency_key}")

        routes.register(self.app, None)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FormBackend]:
    backend = FormBackend(tmp_path_factory.mktemp("forms"))
    yield backend
    backend.services.store.close()


@pytest.fixture(scope="module")
def ada(forms: FormBackend) -> Person:
    return forms.member()


def send(person: Person, data: Any = None, **options: Any) -> TestResponse:
    return person.call("POST", "/planted/form", data=data, **options)


def upload(size: int = 5, name: str = "a.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"x" * size), name


def test_files_texts_and_lists_are_converted(ada: Person) -> None:
    answer = send(ada, {"image": upload(), "note": "", "ticked": ["a", "b"], "keep": "true"})
    assert answer.get_json()["message"] == "('a.jpg', 5, None, ('a', 'b'), True) None"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "image: Field required"),
        ({"image": "text"}, "image: Field required"),
        ({"image": upload(), "keep": "perhaps"}, "keep: Input should be a valid boolean"),
        ({"image": upload(), "other": "x"}, "other: Extra inputs are not permitted"),
        ({"image": [upload(), upload()]}, "image: given more than once"),
        ({"image": upload(), "ticked": upload()}, "ticked: must be sent as text, not as a file"),
    ],
)
def test_an_invalid_form_names_the_field(ada: Person, data: dict[str, Any], says: str) -> None:
    data = {name: upload() if isinstance(v, tuple) else v for name, v in data.items()}
    data = {name: [upload(), upload()] if isinstance(v, list) else v for name, v in data.items()}
    answer = send(ada, data, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(says)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"hello", "multipart/form-data", 400),
        (b"hello", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nContent-Disposition: form-data; na", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b"--x--", "multipart/form-data; boundary=" + "x" * 500, 400),
    ],
)
def test_what_is_no_form_is_the_clients_error(
    ada: Person, body: bytes, kind: str, status: int
) -> None:
    assert send(ada, body, content_type=kind).status_code == status


def test_too_many_parts_or_too_much_text_is_too_large(ada: Person) -> None:
    many = {f"f{number}": "x" for number in range(100)}
    assert send(ada, many, content_type="multipart/form-data").status_code == 413
    assert send(ada, {"image": upload(), "note": "x" * (ROOM + 2 * PHOTO)}).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [b"a:\r\n" * 10_000, b" folded\r\n" * 4_000, b"a: " + b"x;" * 20_000 + b"\r\n"],
    ids=["many", "folded", "long"],
)
def test_large_headers_of_a_part_are_refused_before_they_are_parsed(
    ada: Person, headers: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form of 10 MB in such headers once took 4 seconds. The body is within its own limit."""
    parsed = list[bytes]()
    monkeypatch.setattr(MultipartDecoder, "_parse_headers", lambda _, data: parsed.append(data))
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    body = head + headers + b"\r\nphoto\r\n--x--\r\n"
    answer = send(ada, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert not parsed


def test_an_idempotency_key_is_plain_text(ada: Person) -> None:
    good = send(ada, {"image": upload()}, headers={"Idempotency-Key": "a-1"})
    assert good.get_json()["message"].endswith("a-1")
    bad = send(ada, {"image": upload()}, headers={"Idempotency-Key": "a b"})
    assert bad.status_code == 400
