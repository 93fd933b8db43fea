"""The transport of requests: it connects only to checked addresses and can be cut off. Imported on
the first call, because requests takes 0.05 s.
"""

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from socket import SHUT_RDWR, create_connection, socket
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Request, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, adapter: "Adapter", **options: Any) -> None:
        super().__init__(*args, **options)
        self._adapter = adapter

    def _new_conn(self) -> socket:
        """Connect to the checked address without another name lookup. The Host header and the
        certificate use the name.
        """
        if not self._adapter.find_addresses:
            return super()._new_conn()
        addresses = self._adapter.find_addresses()
        for address in addresses[:-1]:
            with suppress(OSError):
                return create_connection((address, self.port), self.timeout)
        return create_connection((addresses[-1], self.port), self.timeout)

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            self._adapter.is_untrusted = True
            raise
        self._adapter.socket = self.sock
        if self._adapter.is_late():  # cut_off may have been called before the socket existed
            raise TimeoutError


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(HTTPAdapter):
    """Sends the request of one call. Without `find_addresses`, any address of the host is allowed.

    It is used without a session: that would follow redirects and use proxies and passwords of the
    environment, which could send a key or a patient's data to an unknown server.
    """

    def __init__(
        self,
        *,
        deadline: float,
        tls: ssl.SSLContext | None,
        find_addresses: Callable[[], Sequence[str]] | None,
    ) -> None:
        super().__init__()
        self.find_addresses = find_addresses
        self.is_untrusted = False  # the other server's certificate is invalid
        self.socket: socket | None = None
        self._deadline, self._tls = deadline, tls

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        prepared = Request(method, url, headers, data=body).prepare()
        return self.send(prepared, stream=True, timeout=self._deadline - time.monotonic())

    def cut_off(self) -> None:
        if self.socket:
            with suppress(OSError, ValueError):
                self.socket.shutdown(SHUT_RDWR)

    def is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def get_connection_with_tls_context(
        self, request: PreparedRequest, *_: object, **__: object
    ) -> HTTPConnectionPool:
        """Connect directly, never through a proxy."""
        parts = urlsplit(str(request.url))
        host = parts.hostname or ""
        if self._tls:
            return _TlsPool(host, parts.port, ssl_context=self._tls, adapter=self)
        return _Pool(host, parts.port, adapter=self)

    def cert_verify(self, *_: object) -> None:
        """`tls` has the authorities, which requests would otherwise read for each call."""
