import http.client
import io
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skinapi.platform.web.admission import LARGEST_SPOOLED, Sizes
from skinapi.platform.web.declaration import declared_routes
from skinapi.platform.web.request_context import ACCEPTED_ID
from tests.deploy.nginx import (
    ERRORS,
    OWN_503,
    RECIPE,
    Behind,
    Proxy,
    ask_with_http_2,
    before_a_server,
    before_nothing,
    make_certificates,
)
from tests.repository.nginx_errors import PHOTO, write_errors
from tests.repository.reference import COMMAND
from tests.repository.routes_table import list_json_photos
from tests.served.served_backend import ServedBackend
from tests.served.wire import open_connection, read_answer
from tests.stores.mongod import free_port
from tests.support.access import PARTS
from tests.support.backends import Backend
from tests.support.photos import photo_of

# Above the limit for base64 too, which a form at the same address shares.
TOO_LARGE = b"x" * 16 * 1024 * 1024
MOLE = photo_of("melanocytic_nevus")
PROBLEM = "application/problem+json"
PAGE, OTHER = "https://app.clinic.example", "https://second.example:8443"
# gunicorn takes some of these codings, which another server may frame in another way.
CODED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n"
pytestmark = pytest.mark.xdist_group("nginx")


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with before_a_server(tmp_path_factory.mktemp("nginx"), origins=f"{PAGE}, {OTHER}/") as behind:
        yield behind


@pytest.fixture(scope="module")
def down(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with before_nothing(tmp_path_factory.mktemp("down"), origins=PAGE) as proxy:
        yield proxy


def through(proxy: Proxy) -> ServedBackend:
    return ServedBackend(proxy)


def test_its_errors_are_those_of_the_server() -> None:
    assert write_errors() == ERRORS.read_text(), f"run {COMMAND}"


def test_a_photo_of_16_megabytes_is_refused_and_a_server_without_an_answer_is_told(
    behind: Behind, down: Proxy
) -> None:
    seen = len(behind.server.heads)
    for proxy, photo, status, says in (
        (behind.proxy, TOO_LARGE, 413, "File size exceeds maximum of 10 MB"),
        (down, MOLE, 502, "The server does not answer; try again shortly"),
        (behind.proxy, MOLE, 504, "The server gave no answer in time; try again shortly"),
    ):
        if status == 504:
            assert len(behind.server.heads) == seen
        answer = through(proxy).post(
            "/predict",
            data={"image": (io.BytesIO(photo), "lesion.jpg")},
            headers={"Origin": PAGE, "X-Do": "hang"},
        )
        assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
        assert answer.get_json()["detail"] == says
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers.get("Retry-After") == (None if status == 413 else "5")


@pytest.mark.parametrize("path", ["/predict", "/lesions", "/nowhere"])
def test_an_error_of_the_server_itself_passes(behind: Behind, path: str) -> None:
    answer = through(behind.proxy).post(path, headers={"X-Do": "503", "Origin": PAGE})
    assert (answer.status_code, answer.data) == (503, OWN_503)
    assert answer.headers["Retry-After"] == "7"
    assert "Strict-Transport-Security" not in answer.headers  # which nginx adds to its own alone


@pytest.mark.parametrize("origin", [PAGE, OTHER])
def test_a_preflight_is_answered_where_the_server_is_down(
    behind: Behind, tmp_path: Path, origin: str
) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    made = Proxy(tmp_path, server=f"127.0.0.1:{free_port()}", origins=f"{PAGE}, {OTHER}/")
    with made.running() as down:
        answer = _options(down, asked)
    backend = Backend(tmp_path / "instance", allowed_origins=f"{PAGE}, {OTHER}/")
    of_the_server = backend.client.options("/predict", headers=asked)
    backend.services.store.close()
    assert answer["status"] == of_the_server.status_code
    assert answer["Access-Control-Allow-Origin"] == origin
    allowed = set(of_the_server.headers["Access-Control-Allow-Methods"].split(", "))
    assert set(answer["Access-Control-Allow-Methods"].split(", ")) == allowed
    assert "Content-Type" in answer["Access-Control-Allow-Headers"]


def _options(proxy: Proxy, headers: dict[str, str]) -> dict[str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", proxy.port)
    with closing(line):
        line.request("OPTIONS", "/predict", headers=headers)
        answer = line.getresponse()
        return {"status": answer.status, **dict(answer.getheaders())}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.clinic.example.evil.example",
        "http://app.clinic.example",
        f"x|{PAGE}",
        f"{PAGE},",
        "null",
    ],
)
def test_a_page_of_another_origin_reads_no_error(down: Proxy, origin: str) -> None:
    answer = through(down).post("/predict", headers={"Origin": origin})
    assert answer.status_code == 502
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_error_has_the_id_of_its_request(down: Proxy) -> None:
    known = "0123456789abcdef" * 2
    answer = through(down).post("/predict", headers={"X-Request-ID": known})
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"] == known
    forged = through(down).post("/predict", headers={"X-Request-ID": '","detail":"all clear'})
    made = forged.get_json()["request_id"]
    assert ACCEPTED_ID.fullmatch(made)
    assert ACCEPTED_ID.pattern in RECIPE.read_text()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + 9000 * b"x" + b"\r\n\r\n", 431),
        (b"GET /" + 9000 * b"x" + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/7.7\r\nHost: a\r\n\r\n", 505),
        (CODED % b"gzip, chunked", 501),
        (CODED % b"identity, chunked", 501),
        (CODED % b"identity\r\nTransfer-Encoding: chunked", 400),
        (b"GET /.skinapi/413/problem HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ],
)
def test_what_nginx_refuses_before_it_asks_the_server_is_told_as_a_problem(
    behind: Behind, head: bytes, status: int
) -> None:
    with closing(open_connection(behind.proxy.port)) as connection:
        connection.sendall(head)
        answer = read_answer(connection)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["Content-Type"] == PROBLEM


def test_the_server_hears_the_callers_address_last_and_the_name_it_was_asked_by(
    behind: Behind,
) -> None:
    through(behind.proxy).post("/predict", headers={"X-Forwarded-For": "192.0.2.7"})
    head = behind.server.heads[-1]
    assert head["x-forwarded-for"] == "192.0.2.7, 127.0.0.1"
    assert head["host"] == f"127.0.0.1:{behind.proxy.port}"
    assert ACCEPTED_ID.fullmatch(head["x-request-id"])


def test_every_route_gets_the_largest_body_that_it_takes(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    sizes = Sizes(photo=PHOTO, spooled=LARGEST_SPOOLED, held=PHOTO, held_in_files=LARGEST_SPOOLED)
    limits = re.findall(r"client_max_body_size (\d+)m;", RECIPE.read_text())
    everywhere, in_base64, datasets, studies, small = (int(limit) * 1024**2 for limit in limits)
    in_json = list_json_photos()
    for route in declared_routes(backend.app):
        largest, _ = sizes.for_route(route)
        room = everywhere if route.method in ("POST", "PUT", "PATCH") else small
        if route.path in in_json:
            room = in_base64
        elif route.parts:
            room = datasets
        elif any(route.path in part.spooled_photos for part in PARTS):
            room = studies
        assert largest <= room, route.path
    backend.services.store.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def with_tls(
    behind: Behind, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("tls")
    made = Proxy(folder, server=behind.server.address, certificates=str(certificates))
    checked = made.check()
    assert (checked.returncode, "warn" in checked.stderr) == (0, False), checked.stderr
    with made.running() as proxy:
        yield proxy


def test_the_whole_recipe_serves_with_tls(with_tls: Proxy, certificates: Path) -> None:
    trust = ssl.create_default_context(cafile=str(certificates / "fullchain.pem"))
    line = http.client.HTTPSConnection("localhost", with_tls.port, context=trust)
    with closing(line):
        line.request("GET", "/healthz")
        assert line.getresponse().status == 200
    with closing(http.client.HTTPConnection("localhost", with_tls.plain_port)) as plain:
        plain.request("GET", "/docs?a=b")
        moved = plain.getresponse()
        assert (moved.status, moved.headers["Location"]) == (301, "https://localhost/docs?a=b")


def test_with_http_2_too_a_photo_that_is_too_large_is_refused_in_the_servers_form(
    with_tls: Proxy, tmp_path: Path
) -> None:
    """nginx checks the size again when it looks up the error page, and once sent its own page."""
    photo = tmp_path / "photo"
    photo.write_bytes(TOO_LARGE)
    body, version_and_status = ask_with_http_2(with_tls, "/predict", "--form", f"image=@{photo}")
    assert version_and_status == "2 413"
    assert json.loads(body)["code"] == "payload_too_large"
