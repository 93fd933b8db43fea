"""A syslog server on this machine that takes messages as RFC 5425 says, well or badly."""

import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler

from tests.integrations.certificates import certificate_for, new_authority
from tests.support.local_server import LocalServer, serving_in_a_thread

# https://www.rfc-editor.org/rfc/rfc5424#section-6
MESSAGE = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<process>\S+)"
    r" (?P<kind>\S+) (?P<data>(?:\[[^ =\]\"]+(?: [^ =\]\"]+=\"(?:[^\"\\\]]|\\.)*\")*\])+)"
    r"(?: (?P<said>.*))?",
    re.DOTALL,
)
PARAMETER = re.compile(r' ([^ =\]"]+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True)
class Received:
    raw: str

    @property
    def parts(self) -> dict[str, str]:
        match = MESSAGE.fullmatch(self.raw)
        assert match, self.raw
        return match.groupdict()

    @property
    def data(self) -> dict[str, str]:
        found = PARAMETER.findall(self.parts["data"])
        return {name: re.sub(r"\\(.)", r"\1", value) for name, value in found}

    @property
    def sequence(self) -> int:
        return int(self.data["sequence"])


class Connection(BaseRequestHandler):
    server: "SyslogReceiver"

    def handle(self) -> None:
        with suppress(OSError), self.server.tls.wrap_socket(self.request, server_side=True) as tls:
            self.server.behave(self.server, tls)


class SyslogReceiver(LocalServer):
    def __init__(self, folder: Path, *names: str) -> None:
        authority = new_authority(folder)
        self.authority = authority.file
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate_for(authority, folder, *names))
        self.received: list[Received] = []
        self.connections = 0
        self.behave: Behaviour = takes_all
        super().__init__(0, Connection)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def sequences(self) -> list[int]:
        return [one.sequence for one in self.received]

    def keep(self, content: bytes) -> None:
        while content:
            length, _, rest = content.partition(b" ")
            self.received.append(Received(rest[: int(length)].decode()))
            content = rest[int(length) :]


Behaviour = Callable[[SyslogReceiver, ssl.SSLSocket], None]


def takes_all(server: SyslogReceiver, tls: ssl.SSLSocket) -> None:
    server.connections += 1
    server.keep(read_all(tls))
    tls.unwrap()


def takes_all_and_hangs_up(server: SyslogReceiver, tls: ssl.SSLSocket) -> None:
    """Without a farewell, as many do."""
    server.connections += 1
    server.keep(read_all(tls))


def resets(server: SyslogReceiver, tls: ssl.SSLSocket) -> None:
    """As a server that is killed before it has read all."""
    server.connections += 1
    tls.recv(1)
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def never_ends(server: SyslogReceiver, tls: ssl.SSLSocket) -> None:
    server.connections += 1
    server.closing.wait(60)


def read_all(tls: ssl.SSLSocket) -> bytes:
    content = bytearray()
    while part := tls.recv(65536):
        content += part
    return bytes(content)


@contextmanager
def syslog_receiver(folder: Path, *names: str) -> Iterator[SyslogReceiver]:
    with serving_in_a_thread(SyslogReceiver(folder, *(names or ("localhost",)))) as receiver:
        yield receiver
