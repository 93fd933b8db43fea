"""Multipart forms: parsed in memory, checked by their schema, limited before they are read."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.test import TestResponse

from skinapi.platform.web.declaration import Public, Rate, Routes, Signed
from skinapi.platform.web.schemas import Form, Message, Upload
from tests.platform.web.failing_routes import never_an_error
from tests.support.backends import Backend, Person

PHOTO = 1000
ROOM = 64 * 1024


class Picture(Form):
    image: Upload
    note: str | None = None
    ticked: tuple[str, ...] | None = None
    keep: bool = False


def without_a_name(request: Request) -> bool:
    return "Authorization" not in request.headers


class FormBackend(Backend):
    def __init__(self, folder: Path, photo: int = PHOTO) -> None:
        super().__init__(folder, max_upload_bytes=photo)
        routes: Routes[None] = Routes("forms")

        @routes.route("POST", "/planted/form", access=Signed(), rate=Rate.WRITE)
        def take_form(_: None, *, form: Picture, idempotency_key: str | None) -> Message:
            """Say what came."""
            said = (form.image.filename, len(form.image.content), form.note, form.ticked, form.keep)
            return Message(message=f"{said} {idempotency_key}")

        @routes.route(
            "POST",
            "/planted/form",
            access=Public(),
            rate=Rate.WRITE,
            renderer=never_an_error,
            when=without_a_name,
        )
        def take_anyones_form(_: None, *, form: Picture) -> Message:
            """Say that nobody in particular came."""
            return Message(message=f"anonymous {len(form.image.content)}")

        self.app.register_blueprint(routes.blueprint(None))


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


def file(size: int = 5, name: str = "a.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"x" * size), name


def test_files_texts_and_lists_are_converted(ada: Person) -> None:
    answer = send(ada, {"image": file(), "note": "", "ticked": ["a", "b"], "keep": "true"})
    assert answer.get_json()["message"] == "('a.jpg', 5, None, ('a', 'b'), True) None"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "image: Field required"),
        ({"image": "text"}, "image: Field required"),
        ({"image": file(), "keep": "perhaps"}, "keep: Input should be a valid boolean"),
        ({"image": file(), "other": "x"}, "other: Extra inputs are not permitted"),
        ({"image": [file(), file()]}, "image: given more than once"),
        ({"image": file(), "ticked": file()}, "ticked: must be sent as text, not as a file"),
    ],
)
def test_an_invalid_form_names_the_field(ada: Person, data: dict[str, Any], says: str) -> None:
    data = {name: file() if isinstance(v, tuple) else v for name, v in data.items()}
    data = {name: [file(), file()] if isinstance(v, list) else v for name, v in data.items()}
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
    assert send(ada, {"image": file(), "note": "x" * (ROOM + 2 * PHOTO)}).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [b"a:\r\n" * 10_000, b" folded\r\n" * 4_000, b"a: " + b"x;" * 20_000 + b"\r\n"],
    ids=["many", "folded", "long"],
)
def test_large_headers_of_a_part_are_refused_before_they_are_parsed(
    ada: Person, headers: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form of 10 MB in such headers took 4 seconds. The body is within its own limit."""
    parsed = list[bytes]()
    monkeypatch.setattr(MultipartDecoder, "_parse_headers", lambda _, data: parsed.append(data))
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    body = head + headers + b"\r\nphoto\r\n--x--\r\n"
    answer = send(ada, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert not parsed


def test_a_photo_may_be_as_large_as_the_setting_says_and_no_larger(ada: Person) -> None:
    assert send(ada, {"image": file(PHOTO)}).status_code == 200
    over = send(ada, {"image": file(PHOTO + 1)})
    assert over.status_code == 413
    assert over.get_json()["error"] == "File size exceeds maximum of 1 KB"
    announced = send(ada, {"image": file(PHOTO + ROOM)})
    assert announced.get_json()["error"] == "File size exceeds maximum of 1 KB"


def test_an_idempotency_key_is_plain_text(ada: Person) -> None:
    good = send(ada, {"image": file()}, headers={"Idempotency-Key": "a-1"})
    assert good.get_json()["message"].endswith("a-1")
    bad = send(ada, {"image": file()}, headers={"Idempotency-Key": "a b"})
    assert bad.status_code == 400


def test_two_clients_share_a_path_each_with_its_own_errors(forms: FormBackend) -> None:
    client = forms.client
    good = client.post("/planted/form", data={"image": file()})
    assert good.get_json()["message"] == "anonymous 5"
    bad = client.post("/planted/form", data={"image": file(PHOTO + ROOM)})
    assert (bad.status_code, bad.get_json()["class_name"]) == (200, "Inconclusive")
    assert client.get("/planted/form").status_code == 405


def test_a_shared_path_is_described_as_one_operation(forms: FormBackend) -> None:
    spec = forms.client.get("/openapi.json").get_json()
    operation = spec["paths"]["/planted/form"]["post"]
    assert operation["security"] == [{"bearer": []}, {}]
    assert set(operation["requestBody"]["content"]) == {"multipart/form-data"}
    assert 'id="take_anyones_form"' in forms.client.get("/docs").text
