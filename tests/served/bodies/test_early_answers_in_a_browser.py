"""What a page in a real browser receives when a large upload is refused."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from tests.served.server import Server, serving
from tests.support.size import drill, in_drill

SIZES = [1, 2, 4, 6, 8, 9, 10, 11, 13, 15, 18, 20] * 10 if drill else [1, 10, 20]
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


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/predict", 200, "Nobody is served here without a token"),
        ("/login", 413, "larger than 32 KB"),
        *in_drill(
            ("/inference", 401, "Nobody is served here without a token"),
            ("/nowhere", 404, "Not found"),
        ),
    ],
)
def test_a_browser_receives_every_refusal_of_a_large_upload(
    closed: Server, browser: webdriver.Chrome, page: str, path: str, status: int, says: str
) -> None:
    browser.get(page)
    assert_received(browser, closed, path, status, says)


@pytest.mark.drill
def test_a_browser_receives_that_it_sent_too_many_large_uploads(
    tmp_path: Path, browser: webdriver.Chrome, page: str
) -> None:
    browser.get(page)
    with serving(tmp_path, ONCE, workers=1) as server:
        browser.execute_async_script(UPLOAD, f"http://127.0.0.1:{server.port}/inference", 0)
        assert_received(browser, server, "/inference", 429, "Too many")


def assert_received(
    browser: webdriver.Chrome, server: Server, path: str, status: int, says: str
) -> None:
    browser.set_script_timeout(60)
    url = f"http://127.0.0.1:{server.port}{path}"
    heard = [browser.execute_async_script(UPLOAD, url, megabytes) for megabytes in SIZES]
    pairs = zip(SIZES, heard, strict=True)
    lost = [megabytes for megabytes, (told, text) in pairs if told != status or says not in text]
    assert lost == [], heard
