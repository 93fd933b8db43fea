"""HTTP client for other servers. A call ends by its deadline, whatever the other server does."""

import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import certifi

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from skinapi.base.http_adapter import Adapter

CHUNK_BYTES = 64 * 1024
FIXED_HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "SkinAPI"}


class CallFault(StrEnum):
    BUSY = "busy"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    # Only raised by a client with `resolve`.
    ADDRESS_REFUSED = "address_refused"
    UNKNOWN_HOST = "unknown_host"
    CERTIFICATE = "certificate"


class CallFailed(Exception):
    def __init__(self, fault: CallFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


# Which addresses of a host may be called, at a port; raises CallFailed where none may.
Resolve = Callable[[str, int], Sequence[str]]


@cache
def trusted_authorities(further: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    if further:
        context.load_verify_locations(cafile=further)
    return context


class HttpClient:
    """Sends requests with a deadline, at most `most_at_once` at a time in a process. It reads
    answers of at most `largest_answer` bytes, or with 0 only status and headers.

    A socket's read timeout restarts with every byte, so each request runs in its own thread, which
    holds its slot until it ends.
    """

    def __init__(
        self,
        url: str,
        *,
        most_at_once: int,
        largest_answer: int,
        resolve: Resolve | None = None,
        authorities: Path | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._url = url.rstrip("/")
        self._tls = trusted_authorities(authorities) if parts.scheme == "https" else None
        port = parts.port or (443 if self._tls else 80)
        self._find = partial(resolve, parts.hostname or "", port) if resolve else None
        self._largest = largest_answer
        self._slots = threading.Semaphore(most_at_once)

    def send(self, request: Request, *, deadline: float) -> HttpReply:
        """`deadline` is a time of `time.monotonic`. Raises CallFailed by then, or at once if no
        slot is free.
        """
        from skinapi.base.http_adapter import Adapter  # noqa: PLC0415

        if not self._slots.acquire(blocking=False):
            raise CallFailed(CallFault.BUSY)
        outcomes: SimpleQueue[HttpReply | CallFault] = SimpleQueue()
        adapter = Adapter(deadline=deadline, tls=self._tls, find_addresses=self._find)
        thread = threading.Thread(
            target=self._send_in_thread, args=(adapter, request, outcomes.put), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system cannot start another thread
            self._slots.release()
            raise CallFailed(CallFault.BUSY) from error
        try:
            outcome = outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty as error:
            adapter.cut_off()
            raise CallFailed(CallFault.DEADLINE) from error
        if isinstance(outcome, CallFault):
            raise CallFailed(outcome)
        return outcome

    def _send_in_thread(
        self, adapter: "Adapter", request: Request, report: Callable[[HttpReply | CallFault], None]
    ) -> None:
        """Must always report a result: otherwise the caller would wait."""
        outcome: HttpReply | CallFault = CallFault.UNREACHABLE
        try:
            outcome = self._exchange(adapter, request)
        except CallFailed as failed:
            outcome = failed.fault
        except Exception:  # noqa: BLE001 (an answer can break the client in any way)
            if adapter.is_untrusted and self._find:
                outcome = CallFault.CERTIFICATE
            elif adapter.is_late():
                outcome = CallFault.DEADLINE
        finally:
            self._slots.release()
            report(outcome)

    def _exchange(self, adapter: "Adapter", request: Request) -> HttpReply:
        headers = {**FIXED_HEADERS, **request.headers}
        url = self._url + request.path
        with adapter.call(request.method, url, headers, request.body) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return HttpReply(answer.status_code, named, self._read(answer.raw))

    def _read(self, answer: "BaseHTTPResponse") -> bytes:
        content = bytearray()
        if self._largest:
            for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
                content += chunk
                if len(content) > self._largest:
                    raise CallFailed(CallFault.TOO_LARGE)
        return bytes(content)
