"""HTTP client for the LLM's provider. A call ends by its deadline, whatever the provider does."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import certifi

from skinapi.reports.errors import NarrativeUnavailable
from skinapi.reports.narrative import Reason

MOST_AT_ONCE = 4
LARGEST_ANSWER = 64 * 1024
CHUNK_BYTES = 8 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    retry_after: str | None
    content: bytes


class _Call:
    """One request, which the caller may cut off while another thread is at it."""

    def __init__(self, connection: HTTPConnection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._socket: socket | None = None

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        with closing(self._connection):
            self._connection.timeout = self._left()
            self._connection.connect()
            self._socket = self._connection.sock
            # The caller may have cut it off before there was a socket.
            self._socket.settimeout(self._left())
            self._connection.request("POST", path, json.dumps(body).encode(), dict(headers))
            with self._connection.getresponse() as answer:
                retry_after = answer.getheader("Retry-After")
                return Reply(answer.status, retry_after, self._read(answer))

    def cut_off(self) -> None:
        """End the connection, so that the thread that waits for it ends too."""
        if self._socket:
            with suppress(OSError, ValueError):
                self._socket.shutdown(SHUT_RDWR)

    def _read(self, answer: HTTPResponse) -> bytes:
        content = b""
        while chunk := answer.read1(CHUNK_BYTES):
            content += chunk
            if len(content) > LARGEST_ANSWER:
                raise NarrativeUnavailable(Reason.TOO_LARGE)
            self._left()
        if answer.length:
            raise IncompleteRead(content, answer.length)
        return content

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NarrativeUnavailable(Reason.DEADLINE)
        return left


class LlmHttpClient:
    """Sends requests with a deadline, at most four at a time in a process.

    A socket's read timeout starts again with every byte, so it cannot enforce a deadline. So each
    request runs in its own thread, and at the deadline the caller stops waiting and ends the
    connection. The thread holds its slot until it ends, so that abandoned requests count too.

    Python's own client does no more than it is told. Others follow a redirect, or read all of its
    body first; they unpack a compressed answer, of which a small one may be large; and they obey a
    proxy of the environment or a .netrc, which could send the key and the facts to a place that no
    setting names.
    """

    def __init__(self, *, url: str, key: str) -> None:
        parsed = urlsplit(url)
        self._host, self._port = parsed.hostname or "", parsed.port
        self._path = f"{parsed.path.rstrip('/')}/chat/completions"
        self._tls = (
            ssl.create_default_context(cafile=certifi.where()) if parsed.scheme == "https" else None
        )
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        self._slots = threading.Semaphore(MOST_AT_ONCE)

    def ask(self, body: Mapping[str, Any], *, deadline: float) -> Reply:
        """Send a request. `deadline` is a time of `time.monotonic`. Raises NarrativeUnavailable, by
        the deadline at the latest, and at once if all slots are taken.
        """
        # No waiting for a slot: the template can write the narrative at once.
        if not self._slots.acquire(blocking=False):
            raise NarrativeUnavailable(Reason.BUSY)
        outcomes: SimpleQueue[Reply | Reason] = SimpleQueue()
        call = _Call(self._connection(), deadline)
        thread = threading.Thread(
            target=self._post_in_thread, args=(call, body, outcomes.put), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system cannot start another thread
            self._slots.release()
            raise NarrativeUnavailable(Reason.BUSY) from error
        try:
            outcome = outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty as error:
            call.cut_off()
            raise NarrativeUnavailable(Reason.DEADLINE) from error
        if isinstance(outcome, Reason):
            raise NarrativeUnavailable(outcome)
        return outcome

    def _connection(self) -> HTTPConnection:
        if self._tls:
            return HTTPSConnection(self._host, self._port, context=self._tls)
        return HTTPConnection(self._host, self._port)

    def _post_in_thread(
        self, call: _Call, body: Mapping[str, Any], report: Callable[[Reply | Reason], None]
    ) -> None:
        """Report something whatever happens: a thread that just ends leaves its caller to wait."""
        outcome: Reply | Reason = Reason.UNREACHABLE
        try:
            outcome = call.post(self._path, body, self._headers)
        except NarrativeUnavailable as unwritten:
            outcome = Reason(unwritten.reason)
        except TimeoutError:  # the socket waits until the deadline, as the caller does
            outcome = Reason.DEADLINE
        except Exception:  # noqa: BLE001 (an answer can break the client in any way)
            outcome = Reason.UNREACHABLE
        finally:
            self._slots.release()
            report(outcome)
