import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.proxy import PATIENCE_S, Proxy
from tests.support.waiting import await_

# The limit in deploy/haproxy.cfg.
MOST_CONNECTIONS = 512
MORE = 40
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy without a server behind it: it answers 503 itself."""
    with TemporaryDirectory() as folder:
        proxy = Proxy(Path(folder), [])
        proxy.start()
        yield proxy
        proxy.kill()


def test_one_address_gets_no_more_connections_than_its_share(proxy: Proxy) -> None:
    """One address could once take all connections of the proxy with headers that never end."""
    with ExitStack() as stack:
        lines = [stack.enter_context(begun(proxy)) for _ in range(MOST_CONNECTIONS + MORE)]
        await_(lambda: count_closed(lines) >= MORE)
        assert status_for(proxy, OTHER) == 503
        assert count_closed(lines) == MORE


def begun(proxy: Proxy) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", proxy.port), source_address=(GREEDY, 0))
    with suppress(ConnectionError):  # it may be closed already
        line.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    return line


def count_closed(lines: Sequence[socket.socket]) -> int:
    """The proxy sends nothing for an incomplete header, so any readable event is an end."""
    waiting = select.poll()
    for line in lines:
        waiting.register(line, select.POLLIN)
    return len(waiting.poll(0))


def status_for(proxy: Proxy, address: str) -> int:
    asked = HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE_S, source_address=(address, 0))
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status
    finally:
        asked.close()
