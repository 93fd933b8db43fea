import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.errors import MessageError
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from skinapi.base.http_client import trusted_authorities
from skinapi.base.logs import log
from skinapi.base.settings.value_checks import MailAddress
from skinapi.platform.notices.mail_texts import Recipient, parting_recipient
from skinapi.platform.notices.outbox import Notice, Outbox
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Store

ANSWER_S = 10.0  # for each answer of the mail server
# What a server may say of one mail while it takes others.
OF_ONE_MAIL = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,  # non-ASCII letters in the address
)
Send = Callable[[EmailMessage], None]


class MailRefused(Exception):
    pass


class MailServerAway(Exception):
    """No server accepts a mail now: it is down, too slow, refuses the sender, or none is set."""


class MailServer:
    def __init__(
        self, address: MailAddress, *, hello: str, authorities: Path | None = None
    ) -> None:
        self._address, self._hello, self._authorities = address, hello, authorities

    @property
    def _tls(self) -> ssl.SSLContext:
        return trusted_authorities(self._authorities)

    @contextmanager
    def connected(self) -> Iterator[Send]:
        try:
            with self._open() as smtp:
                self._introduce(smtp)
                yield partial(_send, smtp)
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerAway(type(error).__name__) from error

    def _open(self) -> smtplib.SMTP:
        host, port = self._address.host, self._address.port
        if self._address.tls:
            return smtplib.SMTP_SSL(host, port, self._hello, timeout=ANSWER_S, context=self._tls)
        return smtplib.SMTP(host, port, self._hello, timeout=ANSWER_S)

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        offered = smtp.has_extn("starttls")
        if not self._address.tls and (offered or self._address.starttls):
            smtp.starttls(context=self._tls)  # raises if it is not offered
            smtp.ehlo_or_helo_if_needed()
        if self._address.user:
            smtp.login(self._address.user, self._address.password)


def _send(smtp: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        smtp.send_message(mail)
    except OF_ONE_MAIL as error:
        raise MailRefused(type(error).__name__) from error


FIRST_PAUSE_S = 2.0
# Longer than a mail may take, which is four answers. After a crash the others wait for so long.
LEASE_LENGTH = timedelta(seconds=75)
SENT_AT_ONCE = 100
LONGEST_PAUSE_S = 300.0

FindRecipient = Callable[[str], Recipient | None]
Write = Callable[[Sequence[Notice], Recipient], EmailMessage]


class NoticeSender:
    """Sends each mail at least once: after a crash it may be sent again, with the same Message-ID.
    One process sends at a time.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        server: MailServer | None,
        failed: FailedItems,
        stopping: Stopping,
        *,
        find_recipient: FindRecipient,
        write: Write,
    ) -> None:
        self._lease = Lease(store.collection("leases"), "notice-sender", length=LEASE_LENGTH)
        self._outbox = outbox
        self._server, self._failed, self._stopping = server, failed, stopping
        self._find_recipient = find_recipient
        self._write = write
        self._pause_s = 0.0
        self._paused_until = 0.0

    def run_once(self) -> None:
        if time.monotonic() < self._paused_until:
            return
        if not self._outbox.find_due(SENT_AT_ONCE) or not self._lease.claim():
            return
        try:
            self._send_all()
        except MailServerAway as error:
            self._pause(str(error))
        finally:
            self._lease.release()

    def _send_all(self) -> None:
        if self._server is None:
            raise MailServerAway("SMTP_URL is not set")
        with self._server.connected() as send:
            self._send_due(send)
        self._pause_s = 0.0

    def _send_due(self, send: Send) -> None:
        due = self._outbox.find_due(SENT_AT_ONCE)
        notices = self._failed.each(
            "notice", due, Notice.model_validate, postpone=self._outbox.retry_damaged
        )
        read = [*notices]
        self._outbox.drop([notice for notice in read if notice.is_stale])
        mails = self._failed.each(
            "mail",
            _grouped([notice for notice in read if not notice.is_stale]),
            partial(self._send_or_retry, send),
            key=lambda group: group[0].id,
            postpone=lambda group, _: self._outbox.retry(group),
            passing=(MailServerAway, OSError, smtplib.SMTPException),
        )
        all(mails)  # until the first that must not be sent

    def _send_or_retry(self, send: Send, notices: Sequence[Notice]) -> bool:
        if self._stopping.is_set() or not self._lease.renew():
            return False
        try:
            self._send(notices, send)
        except MailRefused as refused:
            log.warning("mail_refused", kind=notices[0].kind, reason=str(refused))
            self._outbox.retry(notices)
        return True

    def _send(self, notices: Sequence[Notice], send: Send) -> None:
        first = notices[0]
        recipient = parting_recipient(first) or self._find_recipient(first.account)
        if recipient is None or not recipient.gets(first):
            self._outbox.drop(notices)
        elif until := self._outbox.find_end_of_wait(first):
            self._outbox.postpone(notices, until=until)
        else:
            try:
                mail = self._write(notices, recipient)
            except (ValueError, MessageError) as error:  # an address that is invalid in a header
                raise MailRefused(type(error).__name__) from error
            send(mail)
            self._outbox.mark_sent(notices)

    def _pause(self, reason: str) -> None:
        if not self._pause_s:
            log.warning("mail_server_away", reason=reason)
        self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
        self._paused_until = time.monotonic() + self._pause_s


def _grouped(notices: Sequence[Notice]) -> Iterator[list[Notice]]:
    groups: dict[tuple[str, ...], list[Notice]] = {}
    for notice in notices:
        groups.setdefault(notice.mail, []).append(notice)
    return (groups[mail] for mail in sorted(groups, key=lambda mail: mail[0]))
