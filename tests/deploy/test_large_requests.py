import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.deploy.nginx import Proxy, ask_with_http_2, make_certificates
from tests.deploy.test_slow_callers import head
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.served.wire import Answer, ask, open_connection, read_answer, tell
from tests.support.access import PARTS

PAGE = "https://app.clinic.example"
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
LARGE = b"Content-Length: 400000000\r\n\r\n"
A_PHOTO = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000000\r\n\r\n"
BODIES_OF_AN_ADDRESS = 64
OF_AREAS = [each for part in PARTS for each in part.large_bodies]
LARGE_BODIES = [each[:3] for each in OF_AREAS]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"TRUSTED_PROXIES": "1", "ALLOWED_ORIGINS": PAGE}
    with serving(tmp_path_factory.mktemp("large"), settings, workers=1) as server:
        yield server


@pytest.fixture
def proxy(server: Server, tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy(tmp_path, server=f"127.0.0.1:{server.port}", origins=PAGE, patient=True)
    with made.running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def tokens(server: Server) -> dict[str, str]:
    with closing(Seeder(server)) as seeder:
        return {role: seeder.person(role).token for role in ("user", "researcher")}


def bearer(token: str) -> bytes:
    return f"Authorization: Bearer {token}\r\nOrigin: {PAGE}\r\n".encode()


def held(proxy: Proxy) -> int:
    return sum(path.stat().st_size for path in (proxy.folder / "bodies").rglob("*"))


@pytest.mark.parametrize(
    ("path", "form", "role", "status"),
    [each for part in PARTS for each in part.strangers],
)
def test_a_stranger_is_refused_before_the_body_is_taken(
    proxy: Proxy, tokens: dict[str, str], path: bytes, form: bytes, role: str, status: int
) -> None:
    who = bearer(tokens.get(role, role)) if role else b""
    answer = tell(proxy.port, head(path, form, who, LARGE), 2_000_000 * b"x")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.json["detail"] == answer.json["error"]
    assert answer.headers.get("Access-Control-Allow-Origin") == (PAGE if role else None)
    assert held(proxy) == 0


@pytest.mark.parametrize("length", [LARGE, b"Transfer-Encoding: chunked\r\n\r\n"])
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_no_other_method_has_a_large_body(proxy: Proxy, method: bytes, length: bytes) -> None:
    for path, form, _ in LARGE_BODIES:
        lines = head(path, form, length).replace(b"POST", method, 1)
        answer = tell(proxy.port, lines, b"1e8480\r\n" + 2_000_000 * b"x")
        assert (answer.status, answer.json["code"]) == (413, "payload_too_large")
        assert held(proxy) == 0


def test_who_may_send_is_answered_by_the_server(proxy: Proxy, tokens: dict[str, str]) -> None:
    body = b"--x--\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    for path, form, role in LARGE_BODIES:
        sent = tell(proxy.port, head(path, form, bearer(tokens[role]), length), body)
        assert sent.status in (400, 501), "501: what it needs is not installed"
        address = path.decode()
        assert ask(proxy.port, "OPTIONS", address, headers=preflight).status == 200
        assert ask(proxy.port, "GET", address).json["code"] == "method_not_allowed"


def test_where_the_server_does_not_say_who_may_send_one_is_to_try_again(tmp_path: Path) -> None:
    with Proxy(tmp_path, server="127.0.0.1:9", origins=PAGE).running() as proxy:
        for path, form, _ in LARGE_BODIES:
            answer = tell(proxy.port, head(path, form, bearer("any"), LARGE))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def next_one(proxy: Proxy, many: int, request: bytes) -> tuple[Answer, Answer]:
    with ExitStack() as lines:
        for _ in range(many):
            line = lines.enter_context(closing(open_connection(proxy.port)))
            line.sendall(request + b"--x")
        for _ in range(many):
            line = lines.enter_context(closing(open_connection(proxy.port)))
            line.sendall(request)
            line.settimeout(0.5)
            with suppress(TimeoutError):  # nginx has not yet read all of them
                return read_answer(line), ask(proxy.port, "POST", "/login", json={})
    raise AssertionError(f"twice {many} are taken")


def test_an_address_and_a_token_hold_so_many_bodies(proxy: Proxy, tokens: dict[str, str]) -> None:
    of_tokens = [
        (most, head(path, form, bearer(tokens[role]), LARGE)) for path, form, role, most in OF_AREAS
    ]
    for many, request in ((BODIES_OF_AN_ADDRESS, head(b"/predict", A_PHOTO)), *of_tokens):
        more, small = next_one(proxy, many, request)
        assert (more.status, more.json["code"]) == (429, "too_many_requests")
        assert small.status == 400


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/me", "Authorization: " + 9000 * "x", 401),
        ("/conditions", "X: " + 9000 * "x", 200),
        ("/" + 8500 * "x", "X: x", 414),
    ],
    ids=["token", "header", "address"],
)
def test_with_http_2_a_long_head_is_answered_in_the_servers_form(
    server: Server, tmp_path: Path, path: str, header: str, status: int
) -> None:
    certificates = make_certificates(tmp_path)
    address = f"127.0.0.1:{server.port}"
    made = Proxy(tmp_path, server=address, origins=PAGE, certificates=str(certificates))
    with made.running() as proxy:
        options = ("--header", f"Origin: {PAGE}", "--header", header, "--dump-header", "-")
        said, version_and_status = ask_with_http_2(proxy, path, *options)
    heads, _, body = said.partition(b"\r\n\r\n")
    assert version_and_status == f"2 {status}"
    assert f"access-control-allow-origin: {PAGE}".encode() in heads.lower()
    assert json.loads(body).get("status", 200) == status
