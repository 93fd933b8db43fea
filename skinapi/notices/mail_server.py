"""The mail server that takes the notices (SMTP)."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import partial

import certifi

from skinapi.settings.mail_address import MailAddress

OPERATION_S = 10.0
MAIL_S = 30.0
# What a server may say of one mail while it takes others.
OF_ONE_MAIL = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,  # letters of the address outside ASCII
)
Send = Callable[[EmailMessage], None]


class MailRefused(Exception):
    """The server did not take this mail."""


class MailServerAway(Exception):
    """The server takes no mail now: it is down, too slow, or refuses the sender."""


class MailServer:
    def __init__(self, address: MailAddress, *, hello: str) -> None:
        """`hello` is the name with which this server introduces itself."""
        self._address = address
        self._hello = hello
        self._tls = ssl.create_default_context(cafile=certifi.where())

    @contextmanager
    def connected(self) -> Iterator[Send]:
        """A connection, with what sends a mail over it and raises MailRefused. Raises
        MailServerAway, also while a mail is sent. All that is said until the first mail is taken
        has MAIL_S together, and so has each further mail, and the farewell.
        """
        deadline = _Deadline()
        try:
            tls = self._tls if self._address.tls else None
            with _TimedSMTP(self._address, self._hello, deadline, tls) as smtp:
                self._introduce(smtp)
                yield partial(_send, smtp, deadline)
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerAway(type(error).__name__) from error
        finally:
            deadline.end()

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        offered = smtp.has_extn("starttls")
        if not self._address.tls and (offered or self._address.starttls):
            smtp.starttls(context=self._tls)  # raises where it is not offered
            smtp.ehlo_or_helo_if_needed()
        if self._address.user:
            smtp.login(self._address.user, self._address.password)


def _send(smtp: smtplib.SMTP, deadline: "_Deadline", mail: EmailMessage) -> None:
    try:
        smtp.send_message(mail)
    except OF_ONE_MAIL as error:
        raise MailRefused(type(error).__name__) from error
    finally:
        deadline.restart()


class _Deadline:
    """Cuts a connection off after MAIL_S. A socket's timeout starts again with every byte, so a
    server that drips could hold the sender.
    """

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._timer = self._started()

    def watch(self, connection: socket.socket) -> None:
        """Of a copy: TLS takes the socket itself away while it shakes hands."""
        self._connection = connection.dup()
        if not self._timer.is_alive():
            raise TimeoutError

    def restart(self) -> None:
        self._timer.cancel()
        self._timer = self._started()

    def _started(self) -> threading.Timer:
        timer = threading.Timer(MAIL_S, self._cut_off)
        timer.daemon = True
        timer.start()
        return timer

    def end(self) -> None:
        self._timer.cancel()
        if self._connection:
            self._connection.close()

    def _cut_off(self) -> None:
        if self._connection:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)


class _TimedSMTP(smtplib.SMTP):
    """A connection under a deadline from its first byte, with TLS from there on or not."""

    def __init__(
        self,
        address: MailAddress,
        hello: str,
        deadline: _Deadline,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._deadline = deadline
        self._tls_context = tls
        super().__init__(address.host, address.port, hello, timeout=OPERATION_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """As smtplib opens it. Its own way shows the socket only after the TLS handshake."""
        connection = socket.create_connection((host, port), timeout)
        self._deadline.watch(connection)
        if self._tls_context is None:
            return connection
        return self._tls_context.wrap_socket(connection, server_hostname=host)
