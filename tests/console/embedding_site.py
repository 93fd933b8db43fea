"""A clinic's own site on another port. Its page is the one that docs/integrate/embed.md shows."""

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

from tests.repository.documents import ROOT

DOCUMENT = ROOT / "docs/integrate/embed.md"
# All messages of the page in the frame, with their origins.
LISTEN = """
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The clinic</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main>
<h1>Your clinic</h1>
<script>
  window.told = [];
  addEventListener("message", ({ origin, data }) => window.told.push({ origin, ...data }));
</script>
"""


def shown_page() -> str:
    (page,) = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(page)


class EmbeddingSite:
    def __init__(self) -> None:
        self.server = ""
        self.language = "en"
        self.hand: Callable[[], str] = lambda: ""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    @property
    def origins(self) -> list[str]:
        """Return the origins that the operator lists. A browser treats the second as another
        site.
        """
        return [f"http://{host}:{self._http.server_port}" for host in ("127.0.0.1", "localhost")]

    @property
    def stranger(self) -> str:
        return f"http://stranger.localhost:{self._http.server_port}"

    def page(self) -> bytes:
        shown = shown_page().replace("https://skinapi.example.org", self.server)
        said = f'language: "{self.language}"'
        return (LISTEN + shown.replace('language: "en"', said) + "</main></body></html>").encode()

    def __enter__(self) -> Self:
        Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("text/html; charset=utf-8", site.page())

            def do_POST(self) -> None:
                self._answer("application/json", json.dumps({"secret": site.hand()}).encode())

            def _answer(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
