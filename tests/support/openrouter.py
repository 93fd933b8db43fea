"""A fake of OpenRouter's chat completions, well or badly behaved. By itself it never answers:
`python -m tests.support.openrouter PORT`.
"""

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any

from skinapi.base.languages import LANGUAGES
from skinapi.findings.reports.checker_records import EXAM_PAIRS, CheckerRecords
from skinapi.findings.reports.known_pairs import known_pairs
from skinapi.findings.reports.report import NarrativeUnavailable
from skinapi.platform.storage.ports import Store
from tests.support.local_server import LocalServer, serving_in_a_thread

DATED = "-2026-04-14"  # as OpenRouter names the version that answered
KEY = "sk-or-test"
CHECKERS = ("anthropic/claude-haiku-4.5", "mistralai/mistral-medium-3.1")  # of the settings
# No client waits this long. Closing a hanging server ends the wait.
FOREVER_S = 90.0
Behaviour = Callable[["Call"], None]


class Call(BaseHTTPRequestHandler):
    """One request with its `body`; `answer` and its variants build the possible responses."""

    server: "OpenRouter"
    body: dict[str, Any]

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.body = json.loads(sent)
        with self.server.under_way(self.connection):
            self.server.calls.append((self.path, dict(self.headers), sent.decode()))
            with suppress(ConnectionError):
                self.server.behave(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def end_headers_with(self, line: bytes) -> None:
        """End the headers with one that Python would not write."""
        self.flush_headers()
        self.wfile.write(line + b"\r\n\r\n")

    def answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def say(self, content: str | None, finish_reason: str = "stop", model: str = "") -> None:
        """Answer as the first of the requested models."""
        named = model or self.body["models"][0] + DATED
        self.answer(200, completion(content, finish_reason, named))

    def tell(self, **changed: Any) -> None:
        self.say(json.dumps({**self.draft(), **changed}))

    @property
    def sent(self) -> dict[str, Any]:
        return dict(json.loads(self.body["messages"][1]["content"]))

    @property
    def compares(self) -> bool:
        """True if the second LLM is called."""
        return bool(self.body["response_format"]["json_schema"]["name"] == "comparison")

    @property
    def passages(self) -> dict[str, str]:
        return {item["id"]: item["text"] for part in self.sent["paragraphs"] for item in part}

    def draft(self) -> dict[str, Any]:
        if self.compares:
            return {"verdicts": [verdict_on(item) for item in self.sent["pairs"]]}
        entries = [{"passages": [name], "text": text} for name, text in self.passages.items()]
        return {"entries": entries}


def verdict_on(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the agreed verdict on a known pair, otherwise whether both texts are the same."""
    passage, sentence = pair["passage"], pair["sentence"]
    keep = sentence == passage or bool(known_answer(passage, sentence))
    return {"pair": pair["pair"], "difference": "", "keep": keep}


def known_answer(passage: str, sentence: str) -> bool | None:
    """Return None for a sentence that was not written for its passage, or for one of two joined
    sentences.
    """
    parts = [re.split(r"(?<=\.)\s", text) for text in (passage, sentence)]
    if len(parts[0]) != len(parts[1]):
        return None
    answers = [_answer_of(*pair) for pair in zip(*parts, strict=True)]
    return None if None in answers else all(answers)


def _answer_of(passage: str, sentence: str) -> bool | None:
    return _list_answers(passage).get(sentence)


@cache
def _list_answers(passage: str) -> dict[str, bool]:
    written = (item for known in known_pairs().values() for item in known.values())
    return dict(pair for item in written for pair in item.say_of(passage))


def believe(store: Store, models: Sequence[str] = CHECKERS) -> None:
    """Act as if these models had passed their exam in each language."""
    records = CheckerRecords(store, models)
    for language in LANGUAGES:
        with suppress(NarrativeUnavailable):
            records.require_believed(language)
    for record in records.list_current():
        if not record.believed:
            records.end_exam(record, [True] * EXAM_PAIRS)


class OpenRouter(LocalServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Call)
        self.behave: Behaviour = well
        self.calls: list[tuple[str, dict[str, str], str]] = []
        self.most_at_once = 0
        self._under_way: list[socket.socket] = []
        self._turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v1"

    @contextmanager
    def under_way(self, connection: socket.socket) -> Iterator[None]:
        """Return the open calls. A caller that has hung up does not count, even before its thread
        has noticed.
        """
        with self._turn:
            self._under_way.append(connection)
            self.most_at_once = max(self.most_at_once, sum(map(_is_held, self._under_way)))
        try:
            yield
        finally:
            with self._turn:
                self._under_way.remove(connection)


def _is_held(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except (BlockingIOError, TimeoutError):
        return True
    except OSError:
        return False


def running_openrouter(port: int = 0) -> AbstractContextManager[OpenRouter]:
    return serving_in_a_thread(OpenRouter(port))


def completion(content: str | None, finish_reason: str, model: str) -> Any:
    message = {"role": "assistant", "content": content}
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
    }


def well(call: Call) -> None:
    call.say(json.dumps(call.draft()))


def saying(**changed: Any) -> Behaviour:
    return writing(lambda call: call.tell(**changed))


def writing(behave: Behaviour) -> Behaviour:
    """Only the first LLM behaves like this; the second compares well."""
    return lambda call: well(call) if call.compares else behave(call)


def comparing(behave: Behaviour) -> Behaviour:
    """Only the second LLM behaves like this; the first writes well."""
    return lambda call: behave(call) if call.compares else well(call)


def failing(status: int, headers: Mapping[str, str] | None = None) -> Behaviour:
    error = {"error": {"code": status, "message": "as planted"}}
    return lambda call: call.answer(status, error, headers)


def failing_inside_200(status: int) -> Behaviour:
    return lambda call: call.answer(200, {"error": {"code": status, "message": "as planted"}})


def in_turn(*behaviours: Behaviour) -> Behaviour:
    left = list(behaviours)
    return lambda call: (left.pop(0) if len(left) > 1 else left[0])(call)


def hang(call: Call) -> None:
    call.connection.settimeout(0.05)
    for _ in range(int(FOREVER_S / 0.05)):
        with suppress(TimeoutError):
            if not call.connection.recv(1):
                return
        if call.server.closing.is_set():
            return


def drip(call: Call) -> None:
    """Send a byte at a time, each in time for a timeout that restarts with every byte."""
    content = json.dumps(completion(json.dumps(call.draft()), "stop", "a/b")).encode()
    call.send_response(200)
    call.send_header("Content-Length", str(len(content)))
    call.end_headers()
    _dribble(call, content)


def drip_headers(call: Call) -> None:
    _dribble(call, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000)


def hang_up(call: Call) -> None:
    call.close_connection = True


def flood(call: Call) -> None:
    call.send_response(200)
    call.end_headers()
    while not call.server.closing.is_set():
        call.wfile.write(b" " * 65536)


def redirect(location: bytes, megabytes: int = 0) -> Behaviour:
    def behave(call: Call) -> None:
        call.send_response(302)
        call.end_headers_with(b"Location: " + location)
        for _ in range(megabytes):
            call.wfile.write(bytes(1024 * 1024))

    return behave


def _dribble(call: Call, content: bytes) -> None:
    for byte in content:
        if call.server.closing.wait(0.02):
            return
        call.wfile.write(bytes([byte]))


if __name__ == "__main__":
    with running_openrouter(int(sys.argv[1])) as hanging:
        hanging.behave = hang
        threading.Event().wait()
