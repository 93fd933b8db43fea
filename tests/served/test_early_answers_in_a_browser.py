"""What a page in a real browser receives when a large upload is refused."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium import webdriver

from tests.served.server import Server, serving
from tests.size import drill

SIZES = [1, 2, 4, 6, 8, 9, 10, 11, 13, 15, 18, 20] * 10 if drill else [1, 10, 20]
CLOSED = {"OPEN_EXPLAINABLE": "false"}
ONCE = {"OPEN_EXPLAINABLE": "true", "RATE_ANONYMOUS": "1/day"}
# As DermaScan lab sends it; what it cannot read it takes for leave to invent a diagnosis.
UPLOAD = """
const [url, megabytes, done] = arguments;
const body = JSON.stringify({ image: "data:image/jpeg;base64," + "A".repeat(megabytes * 2 ** 20) });
fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body })
  .then(async (answer) => done([answer.status, await answer.text()]))
  .catch((error) => done([0, String(error)]));
"""


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def page() -> Iterator[str]:
    """A page of another origin than the server's, on whatever port is free."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


# Of several processes one starts the servers.
pytestmark = pytest.mark.xdist_group("early answers in a browser")


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("refusing"), request.param, workers=1) as server:
        yield server


@pytest.mark.parametrize(
    ("server", "path", "status", "says"),
    [
        (CLOSED, "/api/predict", 200, "Nobody is served here without a token"),
        (CLOSED, "/inference", 401, "Nobody is served here without a token"),
        (ONCE, "/inference", 429, "Too many"),
        (CLOSED, "/login", 413, "larger than 32 KB"),
        (CLOSED, "/nowhere", 404, "Not found"),
    ],
    indirect=["server"],
)
def test_a_browser_receives_every_refusal_of_a_large_upload(
    server: Server, browser: webdriver.Chrome, page: str, path: str, status: int, says: str
) -> None:
    browser.get(page)
    browser.set_script_timeout(60)
    url = f"http://127.0.0.1:{server.port}{path}"
    if status == 429:
        browser.execute_async_script(UPLOAD, url, 0)
    heard = [browser.execute_async_script(UPLOAD, url, megabytes) for megabytes in SIZES]
    pairs = zip(SIZES, heard, strict=True)
    lost = [megabytes for megabytes, (told, text) in pairs if told != status or says not in text]
    assert lost == [], heard
