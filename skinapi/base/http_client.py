"""HTTP client for the few servers that this one calls. A call ends by its deadline, whatever the
other server does.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR, create_connection, gaierror, socket
from urllib.parse import urlsplit

import certifi

CHUNK_BYTES = 64 * 1024
FIXED_HEADERS = {"Accept-Encoding": "identity", "Connection": "close"}


class CallFault(StrEnum):
    """Why there is no answer."""

    BUSY = "busy"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    # Only of a client that has `resolve`.
    ADDRESS_REFUSED = "address_refused"
    UNKNOWN_HOST = "unknown_host"
    CERTIFICATE = "certificate"


class CallFailed(Exception):
    def __init__(self, fault: CallFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Request:
    """`path` follows the path of the client's URL."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


# Which addresses of a host may be called, at a port; raises CallFailed where none may.
Resolve = Callable[[str, int], Sequence[str]]


@cache
def trusted_authorities(further: Path | None = None) -> ssl.SSLContext:
    """What proves who a server is: the public authorities, and those of a file (PEM). The name in
    the certificate must be that of the host.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if further:
        context.load_verify_locations(cafile=further)
    return context


class _Connection(HTTPConnection):
    """One that calls the addresses which `resolve` gives for its host: nothing looks the name up
    again after they were judged. Host header and certificate are those of the name.
    """

    def __init__(
        self, host: str, port: int | None, resolve: Resolve, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(host, port or (HTTPSConnection.default_port if tls else None))
        self._resolve, self._tls = resolve, tls
        if tls:
            self.default_port = HTTPSConnection.default_port  # no port in the Host header

    def connect(self) -> None:
        try:
            self._connect()
        except (gaierror, UnicodeError) as error:
            raise CallFailed(CallFault.UNKNOWN_HOST) from error
        except ssl.SSLCertVerificationError as error:
            raise CallFailed(CallFault.CERTIFICATE) from error

    def _connect(self) -> None:
        plain = self._reach(self._resolve(self.host, self.port))
        if self._tls is None:
            self.sock = plain
            return
        # The handshake after the socket is known: the caller may have to cut it off.
        self.sock = self._tls.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()

    def _reach(self, addresses: Sequence[str]) -> socket:
        for address in addresses[:-1]:
            with suppress(OSError):
                return create_connection((address, self.port), self.timeout)
        return create_connection((addresses[-1], self.port), self.timeout)


class _Call:
    """One request, which the caller may cut off while another thread is at it."""

    def __init__(self, connection: HTTPConnection, deadline: float, largest: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._largest = largest
        self._socket: socket | None = None

    def send(self, request: Request) -> Reply:
        with closing(self._connection):
            self._connection.timeout = self._left()
            self._connection.connect()
            self._socket = self._connection.sock
            # The caller may have cut it off before there was a socket.
            self._socket.settimeout(self._left())
            self._connection.request(
                request.method, request.path, request.body, {**FIXED_HEADERS, **request.headers}
            )
            with self._connection.getresponse() as answer:
                headers = {name.lower(): value for name, value in answer.getheaders()}
                return Reply(answer.status, headers, self._read(answer))

    def cut_off(self) -> None:
        """End the connection, so that the thread that waits for it ends too."""
        if open_socket := self._socket or self._connection.sock:
            with suppress(OSError, ValueError):
                open_socket.shutdown(SHUT_RDWR)

    def _read(self, answer: HTTPResponse) -> bytes:
        content = bytearray()
        if not self._largest:
            return b""
        while chunk := answer.read1(CHUNK_BYTES):
            content += chunk
            if len(content) > self._largest:
                raise CallFailed(CallFault.TOO_LARGE)
            self._left()
        if answer.length:
            raise IncompleteRead(bytes(content), answer.length)
        return bytes(content)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise CallFailed(CallFault.DEADLINE)
        return left


class HttpClient:
    """Sends requests with a deadline, at most `most_at_once` at a time in a process, and reads
    answers of at most `largest_answer` bytes; with 0 their status and headers alone.

    A socket's read timeout starts again with every byte, so each request runs in a thread of its
    own, which holds its slot until it ends. Python's own client follows no redirect, unpacks no
    answer, and obeys no proxy of the environment, which could send a key or a patient's data to a
    place that no setting names.
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
        parsed = urlsplit(url)
        self._host, self._port = parsed.hostname or "", parsed.port
        self._path = parsed.path.rstrip("/")
        self._tls = trusted_authorities(authorities) if parsed.scheme == "https" else None
        self._resolve = resolve
        self._largest = largest_answer
        self._slots = threading.Semaphore(most_at_once)

    def send(self, request: Request, *, deadline: float) -> Reply:
        """Send a request. `deadline` is a time of `time.monotonic`. Raises CallFailed, by the
        deadline at the latest, and at once if all slots are taken.
        """
        if not self._slots.acquire(blocking=False):
            raise CallFailed(CallFault.BUSY)
        outcomes: SimpleQueue[Reply | CallFault] = SimpleQueue()
        call = _Call(self._connection(), deadline, self._largest)
        thread = threading.Thread(
            target=self._send_in_thread, args=(call, request, outcomes.put), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system cannot start another thread
            self._slots.release()
            raise CallFailed(CallFault.BUSY) from error
        try:
            outcome = outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty as error:
            call.cut_off()
            raise CallFailed(CallFault.DEADLINE) from error
        if isinstance(outcome, CallFault):
            raise CallFailed(outcome)
        return outcome

    def _connection(self) -> HTTPConnection:
        if self._resolve:
            return _Connection(self._host, self._port, self._resolve, self._tls)
        if self._tls:
            return HTTPSConnection(self._host, self._port, context=self._tls)
        return HTTPConnection(self._host, self._port)

    def _send_in_thread(
        self, call: _Call, request: Request, report: Callable[[Reply | CallFault], None]
    ) -> None:
        """Report something whatever happens: a thread that just ends leaves its caller to wait."""
        outcome: Reply | CallFault = CallFault.UNREACHABLE
        try:
            outcome = call.send(replace(request, path=f"{self._path}{request.path}"))
        except CallFailed as failed:
            outcome = failed.fault
        except TimeoutError:  # the socket waits until the deadline, as the caller does
            outcome = CallFault.DEADLINE
        except Exception:  # noqa: BLE001 (an answer can break the client in any way)
            outcome = CallFault.UNREACHABLE
        finally:
            self._slots.release()
            report(outcome)
