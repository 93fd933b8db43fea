"""Sends what is in the outbox: at least once, and one process at a time."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from email.errors import MessageError
from email.message import EmailMessage

from skinapi.logs import log
from skinapi.notices.mail_server import MailRefused, MailServer, MailServerAway, Send
from skinapi.notices.mails import Recipient
from skinapi.notices.outbox import Notice, Outbox
from skinapi.storage.background.lease import Lease
from skinapi.storage.background.threads import PeriodicThread
from skinapi.storage.ports import Store

SEND_EVERY_S = 2.0
# Longer than a mail and the farewell may take (mail_server.MAIL_S each). After a crash the others
# wait for so long.
LEASE_LENGTH = timedelta(seconds=75)
SENT_AT_ONCE = 100
LONGEST_PAUSE_S = 300.0

FindRecipient = Callable[[str], Recipient | None]
Write = Callable[[Notice, Recipient], EmailMessage]


class NoticeSender(PeriodicThread):
    """A mail counts as sent when the mail server has taken it. After a crash between that and the
    note of it, it is sent again, with the same Message-ID.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        server: MailServer | None,
        *,
        find_recipient: FindRecipient,
        write: Write,
    ) -> None:
        """`find_recipient(account)` is None where an account gets no mail."""
        super().__init__("notice-sender", every_s=SEND_EVERY_S, failure="notices not sent")
        self._lease = Lease(store.collection("leases"), "notice-sender", length=LEASE_LENGTH)
        self._outbox = outbox
        self._server = server
        self._find_recipient = find_recipient
        self._write = write
        self._pause_s = 0.0
        self._paused_until = 0.0

    def make_pass(self) -> None:
        if self._server is None or time.monotonic() < self._paused_until:
            return
        if not self._outbox.list_due(SENT_AT_ONCE) or not self._lease.claim():
            return
        try:
            with self._server.connected() as send:
                self._send_due(send)
            self._pause_s = 0.0
        except MailServerAway as error:
            self._pause(str(error))
        finally:
            self._lease.release()

    def _send_due(self, send: Send) -> None:
        for notices in _grouped(self._outbox.list_due(SENT_AT_ONCE)):
            if self.stopping.is_set() or not self._lease.renew():
                return
            try:
                self._send(notices, send)
            except MailRefused as refused:
                log.warning("mail_refused", kind=notices[0].kind, reason=str(refused))
                self._outbox.retry(notices)

    def _send(self, notices: Sequence[Notice], send: Send) -> None:
        """Send one mail for notices that say the same. Raises MailRefused, MailServerAway."""
        first = notices[0]
        recipient = self._find_recipient(first.account)
        if recipient is None or not (recipient.notices or first.of_security):
            self._outbox.drop(notices)
        elif until := self._outbox.find_end_of_wait(first):
            self._outbox.postpone(notices, until=until)
        else:
            try:
                mail = self._write(first, recipient)
            except (ValueError, MessageError) as error:  # an address that no header can hold
                raise MailRefused(type(error).__name__) from error
            send(mail)
            self._outbox.mark_sent(notices)

    def _pause(self, reason: str) -> None:
        if not self._pause_s:
            log.warning("mail_server_away", reason=reason)
        self._pause_s = min(max(self.every_s, 2 * self._pause_s), LONGEST_PAUSE_S)
        self._paused_until = time.monotonic() + self._pause_s


def _grouped(notices: Sequence[Notice]) -> Iterator[list[Notice]]:
    groups: dict[object, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(notice.subject, []).append(notice)
    return iter(groups.values())
