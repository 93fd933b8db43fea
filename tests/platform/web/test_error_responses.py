"""Every error in one body, or in the dialect its route declares; always readable for a browser."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.base.errors import Conflict, NotFound, StoreUnavailable
from tests.platform.web.angular import ORIGIN, assert_readable
from tests.platform.web.failing_routes import LARGEST, FailingBackend
from tests.support.backends import Backend, Person

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


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 500, 503])
def test_the_main_api_answers_every_error_in_one_body(planted: FailingBackend, status: int) -> None:
    answer = fail(planted, "/planted/json", status)
    body = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert body.keys() == MEMBERS
    assert body["status"] == status
    assert body["detail"] == body["error"] == body["message"] == body["msg"] != ""
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (status in RETRIES)
    assert (answer.headers.get("Allow") == "OPTIONS, POST") == (status == 405)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 500, 503])
def test_a_dialect_answers_every_error_as_plain_text(planted: FailingBackend, status: int) -> None:
    answer = fail(planted, "/planted/plain", status)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert not answer.text.startswith(("{", "<"))
    assert answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (status in RETRIES)


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


@pytest.mark.parametrize("status", [400, 401, 413, 500, 503])
def test_a_shared_path_answers_each_client_by_its_content_type(
    planted: FailingBackend, status: int
) -> None:
    guide = fail(planted, "/planted/shared", status, content_type="multipart/form-data")
    wanted = 415 if status in (400, 500, 503) else status
    assert (guide.status_code, guide.mimetype) == (wanted, "application/problem+json")
    lab = fail(planted, "/planted/shared", status, content_type="application/json")
    assert (lab.status_code, lab.get_json()["class_name"]) == (200, "Inconclusive")
    assert ("Retry-After" in lab.headers) == (status in RETRIES)


@pytest.mark.parametrize("path", ["/planted/json", "/planted/plain"])
def test_an_unannounced_body_is_cut_off_at_the_limit(planted: FailingBackend, path: str) -> None:
    stream = io.BytesIO(b'{"text":"' + b"x" * 10 * LARGEST + b'"}')
    answer = planted.member().call(
        "POST",
        path,
        input_stream=stream,
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Origin": ORIGIN},
    )
    assert answer.status_code == 413
    assert_readable(answer)


def test_unknown_paths_answer_like_everything_else(shared_backend: Backend) -> None:
    for path in ("/nothing", "/users/a/b/c", "/users//a", "/users/a//"):
        environ = {"PATH_INFO": path}
        answer = shared_backend.client.get(environ_overrides=environ, headers={"Origin": ORIGIN})
        assert answer.status_code == 404
        assert answer.get_json().keys() == MEMBERS
        assert_readable(answer)


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


def test_an_unreachable_store_is_a_503_from_the_first_question_on(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = backend.member()

    def unreachable(*_: object, **__: object) -> None:
        raise StoreUnavailable

    for read in ("get", "find"):
        monkeypatch.setattr(type(backend.services.store.collection("accounts")), read, unreachable)
    for answer in (
        person.call("GET", "/me", headers={"Origin": ORIGIN}),
        backend.client.post(
            "/login", json={"email": "a@b.c", "password": "x"}, headers={"Origin": ORIGIN}
        ),
    ):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert answer.get_json()["code"] == "store_unavailable"
        assert_readable(answer)


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


def test_invented_methods_do_not_grow_the_metrics(backend: Backend) -> None:
    for number in range(3):
        backend.client.open("/healthz", method=f"INVENTED{number}")
    scraped = backend.member(role="admin").call("GET", "/metrics").text
    assert "INVENTED" not in scraped
    assert 'method="other"' in scraped
