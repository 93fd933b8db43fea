import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import InvalidBody
from skinapi.base.http_client import CallFailed, CallFault, HttpClient, Request, trusted_authorities
from skinapi.integrations.webhooks.addresses import Addresses
from tests.integrations.webhooks.certificates import certificate_for
from tests.integrations.webhooks.receiver import Receiver, receiving

NONE_LISTED = Addresses()
LOOPBACK = Addresses((ip_network("127.0.0.0/8"), ip_network("::1/128")))
# Private, loopback, link-local, shared, multicast and reserved; other spellings of them; IPv6, and
# IPv4 within it; and what is no host of an endpoint.
NO_HOSTS = """
127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 0.0.0.0 100.64.0.1
100.100.100.200 192.0.0.192 192.88.99.1 224.0.0.1 240.0.0.1 255.255.255.255 198.18.0.1 192.0.2.1
192.0.0.1

2130706433 0x7f000001 0177.0.0.1 127.1 0x7f.1 2852039166 127.0.0.1:8443 0

[::1] [::] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1] [::ffff:127.0.0.1]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::127.0.0.1] [64:ff9b::7f00:1]
[64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2002:7f00:1::] [2001::1] [fec0::1] [2001:db8::1] [3fff::1]

user@example.org user:pw@example.org example.org@127.0.0.1 example.org:0 example.org:99999
example.org:x example.org\\@127.0.0.1 exämple.org [::1 [v1.x] 127.0.0.1%00.example.org
example.org/#fragment
"""
REFUSED = (
    *(f"https://{host}/" for host in NO_HOSTS.split()),
    *(
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org/" + "a" * 2000,
    ),
    *("", "example.org", "//example.org/", "https://", "https:///path", "ftp://example.org/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)"),
    "http://example.org/",  # not encrypted
)


def test_an_address_that_is_not_public_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def without_asking(host: Any, port: Any, *, flags: int = 0, **more: Any) -> Any:
        assert flags & socket.AI_NUMERICHOST, "a name was looked up"
        return real(host, port, flags=flags, **more)

    monkeypatch.setattr(socket, "getaddrinfo", without_asking)
    for url in REFUSED:
        try:
            NONE_LISTED.require_url(url)
        except InvalidBody:
            continue
        pytest.fail(f"{url} is taken")


def test_a_public_one_is_taken() -> None:
    for url in (
        *("https://example.org/hooks", "https://example.org:8443/a?b=c", "https://8.8.8.8/"),
        *("https://[2606:4700::1111]/", "https://134744072/", "https://xn--exmple-cua.org/"),
    ):
        NONE_LISTED.require_url(url)


def test_what_the_operator_lists_is_taken_also_without_tls() -> None:
    for url in ("http://127.0.0.1:8080/", "https://127.9.9.9/", "http://[::1]:8080/"):
        LOOPBACK.require_url(url)
    LOOPBACK.require_url("http://[::ffff:127.0.0.1]/")  # it is the same
    LOOPBACK.require_url("http://receiver.example/")  # it may mean a listed one
    for url in ("http://8.8.8.8/", "https://10.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(InvalidBody):
            LOOPBACK.require_url(url)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    called: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        called.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return called


def meaning(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    left, real = list(answers), socket.getaddrinfo

    def look_up(host: str, port: int, *_: Any, flags: int = 0, **__: Any) -> Any:
        if host[0].isdigit():  # what was judged, as it is called
            return real(host, port, type=socket.SOCK_STREAM)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            (
                socket.AF_INET6 if ":" in record else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (record, port),
            )
            for record in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def call(url: str, *, by: Addresses = LOOPBACK, within: float = 20, **more: Any) -> int:
    client = HttpClient(url, most_at_once=1, largest_answer=0, resolve=by.resolver(url), **more)
    return client.send(Request("POST", "/", {}, b"{}"), deadline=time.monotonic() + within).status


@pytest.mark.parametrize(
    "means",
    [
        *(["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"]),
        ["8.8.8.8", "10.0.0.1"],  # one of several
    ],
    ids=str,
)
def test_a_name_that_means_a_private_address_is_not_called(
    means: list[str], monkeypatch: pytest.MonkeyPatch, reached: list[Any]
) -> None:
    meaning(monkeypatch, means)
    with pytest.raises(CallFailed) as failed:
        call("https://rebound.example", by=NONE_LISTED)
    assert failed.value.fault is CallFault.ADDRESS_REFUSED
    assert reached == []


def test_a_name_is_asked_once_for_each_call_and_what_was_judged_is_called(
    monkeypatch: pytest.MonkeyPatch, reached: list[Any]
) -> None:
    with receiving() as receiver:
        meaning(monkeypatch, ["127.0.0.1"], ["10.1.2.3"])
        url = f"http://rebound.example:{receiver.port}"
        assert call(url) == 204
        assert reached == [("127.0.0.1", receiver.port)]
        [message] = receiver.messages
        assert message.headers["host"] == f"rebound.example:{receiver.port}"
        with pytest.raises(CallFailed) as failed:
            call(url)
        assert failed.value.fault is CallFault.ADDRESS_REFUSED
        assert len(reached) == 1


def test_without_tls_only_a_listed_address_is_called(
    monkeypatch: pytest.MonkeyPatch, reached: list[Any]
) -> None:
    meaning(monkeypatch, ["8.8.8.8"])
    with pytest.raises(CallFailed):
        call("http://rebound.example")
    assert reached == []


class TlsReceiver:
    def __init__(self, folder: Path, receiver: Receiver, name: str) -> None:
        trusted_authorities.cache_clear()  # the folder of the test before may have had its name
        self.authority, private = certificate_for(name, folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(private)
        self.asked: list[str | None] = []
        context.sni_callback = lambda _, name, __: self.asked.append(name)
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[Receiver, TlsReceiver]]:
    with receiving() as receiver:
        yield receiver, TlsReceiver(tmp_path, receiver, "receiver.example")


@pytest.mark.parametrize(
    ("host", "trusted", "fault"),
    [
        ("receiver.example", True, None),
        ("other.example", True, CallFault.CERTIFICATE),
        ("receiver.example", False, CallFault.CERTIFICATE),
    ],
)
def test_the_certificate_must_be_that_of_the_name_though_an_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
    tls: tuple[Receiver, TlsReceiver],
    host: str,
    trusted: bool,
    fault: CallFault | None,
) -> None:
    receiver, server = tls
    meaning(monkeypatch, ["127.0.0.1"])
    url = f"https://{host}:{receiver.port}"
    authorities = server.authority if trusted else None
    if fault is None:
        assert call(url, authorities=authorities) == 204
        assert server.asked == [host]
    else:
        with pytest.raises(CallFailed) as failed:
            call(url, authorities=authorities)
        assert failed.value.fault is fault


@pytest.mark.parametrize(
    ("scheme", "sent"), [("https", b""), ("http", b"HTTP/1.1 200 OK\r\nX-Slow: ")]
)
def test_a_handshake_or_a_header_that_never_ends_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, scheme: str, sent: bytes
) -> None:
    """Each byte comes in time for a timeout that begins again with every byte."""
    meaning(monkeypatch, ["127.0.0.1"])
    with socket.create_server(("127.0.0.1", 0)) as slow:
        hung_up = threading.Event()

        def drip() -> None:
            connection, _ = slow.accept()
            with connection, suppress(ConnectionError):
                connection.sendall(sent)
                connection.settimeout(0.02)
                while _is_held(connection):
                    connection.sendall(b"x" if sent else b"")
            hung_up.set()

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(CallFailed) as failed:
            call(f"{scheme}://receiver.example:{slow.getsockname()[1]}", within=0.5)
        assert failed.value.fault is CallFault.DEADLINE
        assert hung_up.wait(60)


def _is_held(connection: socket.socket) -> bool:
    try:
        return connection.recv(1024) != b""
    except TimeoutError:
        return True
