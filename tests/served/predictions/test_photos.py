"""Chunked photos on a real server, and what its start page says."""

from tests.served.server import Server
from tests.served.wire import tell
from tests.support.photos import photo_of

MEGABYTE = 1024 * 1024
BOUNDARY = b"our-boundary"
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: multipart/form-data; boundary=" + BOUNDARY + b"\r\n\r\n"
)
FIELD = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


def chunk(content: bytes) -> bytes:
    return b"%x\r\n" % len(content) + content + b"\r\n"


def test_a_chunked_form_is_read(plain: Server) -> None:
    form = b"--" + BOUNDARY + b"\r\n" + FIELD + photo_of("melanoma")
    end = b"\r\n--" + BOUNDARY + b"--\r\n"
    assert tell(plain.port, HEAD, chunk(form), chunk(end), chunk(b"")).status == 200


def test_a_chunked_form_is_refused_once_it_is_too_large(plain: Server) -> None:
    start = chunk(b"--" + BOUNDARY + b"\r\n" + FIELD)
    answer = tell(plain.port, HEAD, start, chunk(b"x" * MEGABYTE) * 11)
    assert answer.status == 413
    assert answer.json["error"] == "File size exceeds maximum of 10 MB"
