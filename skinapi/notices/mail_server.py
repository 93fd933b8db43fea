"""The mail server that takes the notices (SMTP)."""

import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from socket import SHUT_RDWR

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
        MailServerAway, also while a mail is sent.
        """
        try:
            with self._connect() as smtp:
                with _cut_off_late(smtp):
                    self._introduce(smtp)
                yield lambda mail: self._send(smtp, mail)
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerAway(type(error).__name__) from error

    def _connect(self) -> smtplib.SMTP:
        host, port = self._address.host, self._address.port
        if self._address.tls:
            return smtplib.SMTP_SSL(host, port, self._hello, timeout=OPERATION_S, context=self._tls)
        return smtplib.SMTP(host, port, self._hello, timeout=OPERATION_S)

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        offered = smtp.has_extn("starttls")
        if not self._address.tls and (offered or self._address.starttls):
            smtp.starttls(context=self._tls)  # raises where it is not offered
            smtp.ehlo_or_helo_if_needed()
        if self._address.user:
            smtp.login(self._address.user, self._address.password)

    def _send(self, smtp: smtplib.SMTP, mail: EmailMessage) -> None:
        with _cut_off_late(smtp):
            try:
                smtp.send_message(mail)
            except OF_ONE_MAIL as error:
                raise MailRefused(type(error).__name__) from error


@contextmanager
def _cut_off_late(smtp: smtplib.SMTP) -> Iterator[None]:
    """A socket's timeout starts again with every byte, so a slow server could hold the sender."""

    def cut_off() -> None:
        if smtp.sock:
            with suppress(OSError):
                smtp.sock.shutdown(SHUT_RDWR)

    timer = threading.Timer(MAIL_S, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
