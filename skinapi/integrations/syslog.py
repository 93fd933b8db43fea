"""Sends each row of the audit trail to a syslog server, in the order of its chain, at least once.

The messages are those of RFC 5424, and travel by TLS as RFC 5425 says. That has no acknowledgement.
But a receiver answers the end of the connection (close_notify) with its own, which it reads behind
all that was sent before. So rows count as sent once a connection has ended so, or the other side
has closed it without a reset: its system resets a connection of which something was not read.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from skinapi.audit.trail import AuditTrail, CursorLost, cursor_of
from skinapi.http_client import trusted_authorities
from skinapi.logs import log
from skinapi.settings import VERSION
from skinapi.storage.background import Lease, PeriodicThread, backoff
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store

FACILITY = 13  # log audit: https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1
NOTICE, WARNING = 5, 4
# The number that stands for who has none of its own: https://www.rfc-editor.org/rfc/rfc5612
ENTERPRISE = 32473
PARAMETERS = (
    *("sequence", "id", "action", "outcome", "by", "by_key", "target", "owner", "detail"),
    *("request_id", "previous", "hash"),
)
LONGEST_VALUE = 1000
CONTROLS = dict.fromkeys((*range(32), 127), " ")
SEND_EVERY_S = 2.0
OPERATION_S = 10.0
SENT_AT_ONCE = 500
# Longer than a batch may take: connect, handshake, send, and the end of the connection.
LEASE_LENGTH = timedelta(seconds=75)
LONGEST_PAUSE = timedelta(minutes=5)
LATE = timedelta(minutes=10)
NAME = "audit-syslog"


class SyslogAway(Exception):
    """The server did not take what was sent."""


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """`hostname` names this server in the messages."""

    host: str
    port: int
    hostname: str
    authorities: Path | None = None

    def send(self, rows: Iterable[Document]) -> None:
        """When this returns, the server has read all of them. Raises SyslogAway."""
        frames = b"".join(framed(message_of(row, hostname=self.hostname)) for row in rows)
        tls = trusted_authorities(self.authorities)
        try:
            with (
                socket.create_connection((self.host, self.port), OPERATION_S) as plain,
                tls.wrap_socket(plain, server_hostname=self.host) as connection,
            ):
                connection.sendall(frames)
                _end(connection)
        except OSError as error:
            raise SyslogAway(type(error).__name__) from error


def _end(connection: ssl.SSLSocket) -> None:
    """Raises OSError unless the other side ends the connection too, after it has read all."""
    with suppress(ssl.SSLEOFError):  # closed without a farewell, and without a reset
        connection.unwrap()


def framed(message: bytes) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc5425#section-4.3"""
    return f"{len(message)} ".encode() + message


def message_of(row: Document, *, hostname: str) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc5424#section-6"""
    outcome = row.get("outcome") or "done"
    severity = NOTICE if outcome == "done" else WARNING
    made = row["created_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    header = f"<{FACILITY * 8 + severity}>1 {made} {_name(hostname, 255)} skinapi - "
    named = " ".join(
        f'{name}="{_escaped(str(row[name]))}"' for name in PARAMETERS if row.get(name) is not None
    )
    origin = f'[origin software="SkinAPI" swVersion="{VERSION}"]'
    data = f"{origin}[audit@{ENTERPRISE} {named}]"
    said = f"{row['action']} {outcome}"
    return f"{header}{_name(row['action'], 32)} {data} {_name(said, 200, space=True)}".encode()


def _name(text: str, longest: int, *, space: bool = False) -> str:
    """Visible ASCII, as a header takes it."""
    kept = (one for one in text if "!" <= one <= "~" or (space and one == " "))
    return "".join(kept)[:longest] or "-"


def _escaped(value: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc5424#section-6.3.3"""
    plain = value[:LONGEST_VALUE].translate(CONTROLS)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


class SyslogSender(PeriodicThread):
    """Of all processes one sends at a time. How far it came stands in its lease, so after a kill
    what was sent and not noted is sent again.
    """

    def __init__(self, store: Store, trail: AuditTrail, server: SyslogServer | None) -> None:
        super().__init__(NAME, every_s=SEND_EVERY_S, failure="audit rows not sent to syslog")
        self._leases = store.collection("leases")
        self._lease = Lease(self._leases, NAME, length=LEASE_LENGTH)
        self._trail = trail
        self._server = server
        self._failures = 0
        self._paused_until = 0.0
        self._sent: str | None = None

    def make_pass(self) -> None:
        if self._server is None or time.monotonic() < self._paused_until:
            return
        newest = self._trail.get_newest_sealed()
        if not newest["sequence"] or cursor_of(newest) == self._sent:
            return
        if (lease := self._lease.claim()) is None:
            return
        reached = lease.get("cursor")
        try:
            while not self.stopping.is_set() and (rows := self._next(reached)):
                self._server.send(rows)
                self._failures = 0
                reached = cursor_of(rows[-1])
                if not self._lease.renew(cursor=reached):
                    return
            self._sent = reached
        except SyslogAway as away:
            self._pause(str(away))
        finally:
            self._lease.release()

    def _next(self, reached: str | None) -> Sequence[Document]:
        try:
            return [*islice(self._trail.follow(reached), SENT_AT_ONCE)]
        except CursorLost:  # rather twice than never
            log.error("audit_trail_changed", reached=reached)
            return [*islice(self._trail.follow(), SENT_AT_ONCE)]

    def _pause(self, reason: str) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("syslog_away", reason=reason)
        first = timedelta(seconds=self.every_s)
        wait = backoff(self._failures, first=first, longest=LONGEST_PAUSE)
        self._paused_until = time.monotonic() + wait.total_seconds()

    def problems(self) -> list[str]:
        """What the operator should know: rows that the syslog server does not take."""
        if self._server is None:
            return []
        reached = (self._leases.get(NAME) or {}).get("cursor")
        try:
            waiting = next(self._trail.follow(reached), None)
        except CursorLost:
            return ["The audit trail is not the one of which rows were sent to SYSLOG_URL"]
        late = waiting is not None and waiting["created_at"] < now() - LATE
        return ["The syslog server of SYSLOG_URL does not take the audit trail"] if late else []
