"""The recipe for nginx, in a real nginx: every client reads its errors as it reads the server's."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from selenium import webdriver

from skinapi.platform.web.admission import Sizes
from skinapi.platform.web.declaration import declared_routes
from skinapi.platform.web.request_context import ACCEPTED_ID
from tests.deploy.nginx import (
    ERRORS,
    OWN_503,
    RECIPE,
    NoNginxError,
    Proxy,
    TellableServer,
    find_nginx,
    make_certificates,
)
from tests.integrations.clients.dialects import CLIENTS, PROBLEM, each_client, guide, said
from tests.integrations.clients.screens import Asked, Pages, serving_pages
from tests.integrations.clients.served_backend import ServedBackend
from tests.integrations.clients.test_screens import ALL_CLEAR
from tests.repository.nginx_errors import DATASET, PHOTO, write_errors
from tests.repository.reference import COMMAND
from tests.served.wire import open_connection, read_answer
from tests.stores.mongod import free_port
from tests.support.access import PARTS
from tests.support.backends import Backend
from tests.support.browser import NoBrowserError, open_browser
from tests.support.local_server import serving_in_a_thread
from tests.support.photos import photo_of

# Above the limit for base64 too, which a form at the same address shares.
TOO_LARGE = b"x" * 16 * 1024 * 1024
MOLE = photo_of("melanocytic_nevus")
PAGE, OTHER = "https://app.clinic.example", "https://second.example:8443"
SENTENCES = {
    502: "The server does not answer; try again shortly",
    504: "The server gave no answer in time; try again shortly",
}
# gunicorn takes some of these codings, which another server may frame in another way.
CODED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n"
LARGE = 2  # the place in `CLIENTS`
# On a page: both that share the guide's address, and the lab everywhere.
HEARS_200 = ("guide", "skinartify's document", "lab")
pytestmark = pytest.mark.xdist_group("nginx")


class Behind(NamedTuple):
    proxy: Proxy
    server: TellableServer


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """nginx in front of a server."""
    try:
        find_nginx()
    except NoNginxError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("nginx")
    with serving_in_a_thread(TellableServer()) as server:
        made = Proxy(folder, server=server.address, origins=f"{PAGE}, {OTHER}/")
        with made.running() as proxy:
            yield Behind(proxy, server)


@pytest.fixture(scope="module")
def down(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx in front of nothing."""
    try:
        made = Proxy(
            tmp_path_factory.mktemp("down"), server=f"127.0.0.1:{free_port()}", origins=PAGE
        )
    except NoNginxError as error:
        pytest.skip(str(error))
    with made.running() as proxy:
        yield proxy


def through(proxy: Proxy) -> ServedBackend:
    return ServedBackend(proxy)


def test_its_errors_are_those_of_the_server() -> None:
    assert write_errors() == ERRORS.read_text(), f"run {COMMAND}"


@each_client
def test_a_photo_of_16_megabytes_is_refused_in_each_clients_shape(
    behind: Behind, name: str
) -> None:
    send, statuses, kind = CLIENTS[name]
    seen = len(behind.server.heads)
    answer = send(through(behind.proxy), TOO_LARGE)
    assert answer.status_code == statuses[LARGE]
    assert said(answer, kind).startswith("File size exceeds maximum of ")
    assert len(behind.server.heads) == seen


@each_client
@pytest.mark.parametrize("status", SENTENCES)
def test_a_server_without_an_answer_is_told_in_each_clients_shape(
    behind: Behind, down: Proxy, name: str, status: int
) -> None:
    send, _, kind = CLIENTS[name]
    proxy = down if status == 502 else behind.proxy
    answer = send(through(proxy), MOLE, headers={"Origin": PAGE, "X-Do": "hang"})
    assert answer.status_code == (200 if name in HEARS_200 else status)
    of_the_guide = "explanation" in answer.text
    text = answer.get_json()["detail"] if of_the_guide else said(answer, kind)
    assert text == SENTENCES[status]
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_program_gets_the_guides_error_with_its_status(down: Proxy) -> None:
    answer = guide(through(down), MOLE)
    assert (answer.status_code, said(answer, PROBLEM)) == (502, SENTENCES[502])


def test_the_guides_page_gets_an_answer_that_its_screen_shows_as_no_finding(down: Proxy) -> None:
    answer = guide(through(down), MOLE, headers={"Origin": PAGE})
    assert answer.get_json()["malignant_score"] == 0.5
    assert answer.get_json()["predictions"] == [{"label": "inconclusive", "probability": 0.0}]


@pytest.mark.parametrize("path", ["/predict", "/lesions", "/api/predict", "/nowhere"])
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
    of_the_server = backend.client.options("/api/predict", headers=asked)
    backend.services.store.close()
    assert answer["status"] == of_the_server.status_code
    assert answer["Access-Control-Allow-Origin"] == origin
    allowed = set(of_the_server.headers["Access-Control-Allow-Methods"].split(", "))
    assert set(answer["Access-Control-Allow-Methods"].split(", ")) == allowed
    assert "Content-Type" in answer["Access-Control-Allow-Headers"]


def _options(proxy: Proxy, headers: dict[str, str]) -> dict[str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", proxy.port)
    with closing(line):
        line.request("OPTIONS", "/api/predict", headers=headers)
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
        (b"GET /.skinapi/413/lab HTTP/1.1\r\nHost: a\r\n\r\n", 404),
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
    sizes = Sizes(photo=PHOTO, spooled=DATASET, held=PHOTO, held_in_files=DATASET)
    limits = re.findall(r"client_max_body_size (\d+)m;", RECIPE.read_text())
    everywhere, in_base64, datasets, studies, small = (int(limit) * 1024**2 for limit in limits)
    in_json = {"/inference", "/report", "/api/predict"}.union(*(x.photos_in_json for x in PARTS))
    for route in declared_routes(backend.app):
        largest, _ = sizes.for_route(route)
        room = everywhere if route.method in ("POST", "PUT", "PATCH") else small
        if route.path in in_json:
            room = in_base64
        elif route.path == "/api/upload-dataset":
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
    """There nginx looks at the size again in the place of the error, and sent its own page."""
    curl = shutil.which("curl")
    if not curl or b"HTTP2" not in subprocess.check_output([curl, "--version"]):
        pytest.skip("no curl with HTTP/2 is installed")
    photo = tmp_path / "photo"
    photo.write_bytes(TOO_LARGE)
    command = [curl, "--silent", "--insecure", "--http2", "--form", f"image=@{photo}"]
    command += ["--write-out", "\n%{http_version} %{http_code}"]
    said = subprocess.check_output([*command, f"https://localhost:{with_tls.port}/predict"])
    body, _, version_and_status = said.rpartition(b"\n")
    assert version_and_status == b"2 413"
    assert json.loads(body)["code"] == "payload_too_large"


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    try:
        with open_browser() as opened:
            yield opened
    except NoBrowserError as error:
        pytest.skip(f"no browser: {error}")


@pytest.mark.drill
def test_no_page_shows_a_finding_in_the_place_of_an_error_of_nginx(
    browser: webdriver.Chrome, behind: Behind, tmp_path: Path
) -> None:
    with serving_pages() as origin:
        pages = Pages(browser, origin, tmp_path)
        made = Proxy(tmp_path, server=f"127.0.0.1:{free_port()}", origins=origin)
        with made.running() as proxy:
            asked = Asked(f"http://127.0.0.1:{proxy.port}", "token")
            for client in ("angular", "skinartify", "explainable", "guide", "lab"):
                for photo, says in ((TOO_LARGE, "File size exceeds"), (MOLE, SENTENCES[502])):
                    screen = pages.show(client, asked, photo)
                    assert screen.harmless == (), client
                    assert not ALL_CLEAR.search(screen.text), screen.text
                    assert says.lower() in screen.text.lower(), (client, screen.text)
