"""Stand-ins for the clients' own pages, in a browser, before servers in every state. The pages in
`pages` were written for these tests from what each client is known to read and to show; they hold
no line of the clients.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.integrations.clients.broken import BrokenBackend
from tests.integrations.clients.dialects import SMALL
from tests.served.people import Seeder
from tests.served.server import serving
from tests.support.backends import Backend
from tests.support.local_server import serving_here
from tests.support.models import tested_model

PAGES = Path(__file__).parent / "pages"
PATIENCE_S = 60
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Screen:
    text: str
    harmless: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    url: str
    token: str


class BackendWithoutModel(Backend):
    def served(self) -> None:
        return None


# A state that is the application's own is served from this process, where it is made at once.
STATES: dict[str, tuple[type[Backend], dict[str, Any]]] = {
    "little tested": (Backend, {"open_lab": True}),
    "closed": (
        Backend,
        dict.fromkeys(("open_skinartify", "open_explainable", "open_guide"), False),
    ),
    "asked too often": (
        Backend,
        {"open_lab": True, "rate_anonymous": "1/day", "rate_predictions": "1/day"},
    ),
    "broken": (BrokenBackend, {"open_lab": True}),
    "without a model": (BackendWithoutModel, {"open_lab": True, "model_path": Path("/nowhere")}),
}


class Servers:
    """Each server is started on first use. One is a real server, for requests that are answered
    before the application is called.
    """

    def __init__(self, folder: Path, until: ExitStack) -> None:
        self._folder, self._until = folder, until
        self._started: dict[str, Asked] = {}

    def in_state(self, state: str) -> Asked:
        if state not in self._started:
            self._started[state] = self._serve() if state == "open" else self._serve_here(state)
        return self._started[state]

    def _serve(self) -> Asked:
        settings = {
            "OPEN_LAB": "true",
            "MAX_UPLOAD_BYTES": str(SMALL),
            "MODEL_PATH": str(tested_model()),
        }
        server = self._until.enter_context(serving(self._folder / "open", settings, workers=1))
        with closing(Seeder(server)) as seeder:
            return Asked(f"http://127.0.0.1:{server.port}", seeder.person().token)

    def _serve_here(self, state: str) -> Asked:
        made, settings = STATES[state]
        backend = made(self._folder / state.replace(" ", "-"), **settings)
        self._until.callback(backend.services.store.close)
        address = self._until.enter_context(serving_here(backend.app))
        return Asked(address, backend.member().token)


class Pages:
    def __init__(self, browser: webdriver.Chrome, origin: str, folder: Path) -> None:
        self.browser = browser
        self._origin, self._folder = origin, folder

    def show(self, client: str, asked: Asked, photo: bytes) -> Screen:
        chosen = self._folder / "lesion.jpg"
        chosen.write_bytes(photo)
        query = urlencode({"client": client, "api": asked.url, "token": asked.token})
        self.browser.get(f"{self._origin}/page.html?{query}")
        self._await("body[data-ready]")
        self.browser.find_element(By.ID, "photo").send_keys(str(chosen))
        self._await("body[data-shown]")
        harmless = self.browser.find_elements(By.CSS_SELECTOR, ".harmless")
        text = self.browser.find_element(By.ID, "screen").text
        return Screen(text, tuple(line.text for line in harmless))

    def press(self, selector: str) -> WebElement:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        self._await(f"{selector}[data-done]")
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def _await(self, selector: str) -> None:
        WebDriverWait(self.browser, PATIENCE_S, poll_frequency=LOOK_AGAIN_S).until(
            lambda browser: browser.find_elements(By.CSS_SELECTOR, selector)
        )


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving_pages() -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(PAGES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://localhost:{server.server_address[1]}"
        finally:  # else a test that fails never ends
            server.shutdown()
