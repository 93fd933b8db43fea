"""Chunked photos on a real server, and what its start page says."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.photos import photo_of
from tests.served.server import Server, serving
from tests.served.wire import Answer, open_connection, read_answer

MEGABYTE = 1024 * 1024
BOUNDARY = b"our-boundary"
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: multipart/form-data; boundary=" + BOUNDARY + b"\r\n\r\n"
)
FIELD = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


# Of several processes one starts the server.
pytestmark = pytest.mark.xdist_group("photos")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("photos"), workers=1) as server:
        yield server


def chunk(content: bytes) -> bytes:
    return b"%x\r\n" % len(content) + content + b"\r\n"


def said(server: Server, *parts: bytes) -> Answer:
    with closing(open_connection(server.port)) as line:
        for part in parts:
            line.sendall(part)
        return read_answer(line)


def test_a_chunked_form_is_read(server: Server) -> None:
    form = b"--" + BOUNDARY + b"\r\n" + FIELD + photo_of("melanoma")
    end = b"\r\n--" + BOUNDARY + b"--\r\n"
    assert said(server, HEAD, chunk(form), chunk(end), chunk(b"")).status == 200


def test_a_chunked_form_is_refused_once_it_is_too_large(server: Server) -> None:
    start = chunk(b"--" + BOUNDARY + b"\r\n" + FIELD)
    answer = said(server, HEAD, start, chunk(b"x" * MEGABYTE) * 11)
    assert answer.status == 413
    assert answer.json["error"] == "File size exceeds maximum of 10 MB"


def test_the_start_page_names_the_model(server: Server) -> None:
    assert "model     tiny-1 (f32)" in server.log()
