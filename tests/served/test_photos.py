"""Photos over a real server: too large, cut off, too many at once; each answer its own photo's."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest

from skinapi.vision.conditions import conditions_table
from tests.photos import COLOURS, photo_of
from tests.served.server import Server, serving
from tests.served.wire import PATIENCE_S, Answer, at_once, dial, hear
from tests.size import size

MEGABYTE = 1024 * 1024
LIMIT = 8 * MEGABYTE
BOUNDARY = b"our-boundary"
FORM = b"Content-Type: multipart/form-data; boundary=" + BOUNDARY + b"\r\n"
LESIONS = [key for key in COLOURS if key != "normal_skin"]
SENTENCE = f"File size exceeds maximum of {LIMIT} bytes"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process, as it is served; the lab opened by hand."""
    folder = tmp_path_factory.mktemp("photos")
    with serving(folder, {"OPEN_LAB": "true"}, workers=1) as server:
        yield server


def form_of(content: bytes, field: bytes = b"file") -> bytes:
    head = b'Content-Disposition: form-data; name="' + field + b'"; filename="a.jpg"\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + head + content + b"\r\n--" + BOUNDARY + b"--\r\n"


def post(path: str, *headers: bytes) -> bytes:
    return b"".join((b"POST ", path.encode(), b" HTTP/1.1\r\nHost: here\r\n", *headers))


def said(server: Server, *parts: bytes) -> Answer:
    with closing(dial(server.port)) as line:
        for part in parts:
            line.sendall(part)
        return hear(line)


def upload(server: Server, content: bytes) -> Answer:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    with closing(line):
        kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
        line.request("POST", "/predict", form_of(content), {"Content-Type": kind})
        answer = line.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())


@pytest.mark.parametrize(
    ("path", "kind", "status", "field"),
    [
        ("/predict", FORM, 413, "error"),
        ("/api/predict", FORM, 400, "detail"),
        ("/api/predict", b"Content-Type: application/json\r\n", 200, "description"),
        ("/inference", b"Content-Type: application/json\r\n", 413, ""),
    ],
)
def test_nine_megabytes_over_a_limit_of_eight_are_refused_before_they_are_sent(
    open_server: Server, path: str, kind: bytes, status: int, field: str
) -> None:
    length = b"Content-Length: %d\r\n\r\n" % (12 * MEGABYTE)
    answer = said(open_server, post(path, kind, length))
    assert answer.status == status
    assert (answer.json[field] if field else answer.data.decode()) == SENTENCE


def test_a_form_that_comes_in_chunks_is_read_and_one_too_large_refused(
    open_server: Server,
) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    body = form_of(photo_of("melanoma"))
    whole = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    assert said(open_server, post("/predict", FORM, chunked), whole).status == 200
    start = form_of(b"")[:-20]
    chunk = b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"
    first = b"%x\r\n" % len(start) + start + b"\r\n"
    answer = said(open_server, post("/predict", FORM, chunked), first, chunk * 9)
    assert (answer.status, answer.json["error"]) == (413, SENTENCE)


def test_clients_that_hang_up_in_the_middle_of_an_upload_harm_nobody(open_server: Server) -> None:
    before = open_server.log().count('"fault"')
    body = form_of(photo_of("melanoma"))
    for number in range(size(40, 400)):
        with closing(dial(open_server.port)) as line:
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            line.sendall(post("/predict", FORM, length) + body[: number * len(body) // 400])
    assert upload(open_server, photo_of("melanoma")).status == 200
    assert open_server.log().count('"fault"') == before


def test_sixty_four_uploads_at_once_are_answered_or_told_to_come_back(open_server: Server) -> None:
    photo = photo_of("melanoma", (1600, 1200))
    answers = at_once([partial(upload, open_server, photo)] * 64)
    assert {answer.status for answer in answers} <= {200, 503}
    assert all("Retry-After" in answer.headers for answer in answers if answer.status == 503)
    assert any(answer.status == 200 for answer in answers)
    assert upload(open_server, photo).status == 200


def test_the_first_screen_names_the_model(open_server: Server) -> None:
    assert "model     tiny-1 (f32)" in open_server.log()


def test_no_answer_is_lost_or_mixed_up_under_load(open_server: Server) -> None:
    """Sixteen clients at once, each answer checked against its own photo."""
    table, photos = conditions_table(), {key: photo_of(key) for key in LESIONS}
    keys = list(islice(cycle(LESIONS), size(400, 10_000)))

    def found(key: str) -> bool:
        answer = upload(open_server, photos[key])
        assert answer.status == 200, answer.data
        shares: dict[str, float] = json.loads(answer.data)["predictions"]
        return max(shares, key=lambda name: shares[name]) == table.by_key(key).names.skinartify

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(found, keys))


def test_a_server_without_a_model_serves_all_but_photos(tmp_path: Path) -> None:
    server = Server(tmp_path, {"MODEL_PATH": str(tmp_path / "nowhere")}, workers=1)
    try:
        server.start(ready="/healthz")
        answer = upload(server, photo_of("melanoma"))
        assert (answer.status, answer.json["code"]) == (503, "no_model")
        assert "MODEL_PATH" in answer.json["error"]
        assert "model     none" in server.log()
    finally:
        server.stop()
