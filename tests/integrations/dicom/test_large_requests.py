"""The recipe for nginx before a real server: studies, as tests/deploy/test_large_requests.py has it
of data sets.
"""

from pathlib import Path

import pytest

from tests.deploy.nginx import NoNginxError, Proxy
from tests.deploy.test_large_requests import (
    LARGE,
    PAGE,
    bearer,
    held,
    next_one,
    proxy,
    server,
    tokens,
)
from tests.deploy.test_slow_callers import head
from tests.served.wire import ask, tell

__all__ = ["proxy", "server", "tokens"]  # fixtures
STUDY = b'Content-Type: multipart/related; type="application/dicom"; boundary=x\r\n'
STUDIES_OF_A_TOKEN = 16


@pytest.mark.parametrize(
    ("path", "role"),
    [(b"/dicom/studies", ""), (b"/dicom/studies/1.2.3", "forged"), (b"/%64icom//studies", "")],
)
def test_a_stranger_is_refused_before_the_study_is_taken(
    proxy: Proxy, path: bytes, role: str
) -> None:
    who = bearer(role) if role else b""
    answer = tell(proxy.port, head(path, STUDY, who, LARGE), 2_000_000 * b"x")
    assert (answer.status, answer.json["status"]) == (401, 401)
    assert answer.json["detail"] == answer.json["error"]
    assert answer.headers.get("Access-Control-Allow-Origin") == (PAGE if role else None)
    assert held(proxy) == 0


@pytest.mark.parametrize("length", [LARGE, b"Transfer-Encoding: chunked\r\n\r\n"])
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_no_other_method_has_a_large_body(proxy: Proxy, method: bytes, length: bytes) -> None:
    lines = head(b"/dicom/studies", STUDY, length).replace(b"POST", method, 1)
    answer = tell(proxy.port, lines, b"1e8480\r\n" + 2_000_000 * b"x")
    assert (answer.status, answer.json["code"]) == (413, "payload_too_large")
    assert held(proxy) == 0


def test_who_may_send_is_answered_by_the_server(proxy: Proxy, tokens: dict[str, str]) -> None:
    body = b"--x--\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    study = tell(proxy.port, head(b"/dicom/studies", STUDY, bearer(tokens["user"]), length), body)
    assert study.json["code"] in ("bad_request", "dicom_not_installed")
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    assert ask(proxy.port, "OPTIONS", "/dicom/studies", headers=preflight).status == 200
    assert ask(proxy.port, "GET", "/dicom/studies").json["code"] == "method_not_allowed"


def test_where_the_server_does_not_say_who_may_send_one_is_to_try_again(tmp_path: Path) -> None:
    try:
        made = Proxy(tmp_path, server="127.0.0.1:9", origins=PAGE)
    except NoNginxError as error:
        pytest.skip(str(error))
    with made.running() as proxy:
        answer = tell(proxy.port, head(b"/dicom/studies", STUDY, bearer("any"), LARGE))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_token_holds_so_many_studies(proxy: Proxy, tokens: dict[str, str]) -> None:
    study = head(b"/dicom/studies", STUDY, bearer(tokens["user"]), LARGE)
    more, small = next_one(proxy, STUDIES_OF_A_TOKEN, study)
    assert (more.status, more.json["code"]) == (429, "too_many_requests")
    assert small.status == 400
