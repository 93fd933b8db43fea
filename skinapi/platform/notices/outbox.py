"""The outbox: notices to be sent by mail.

A notice is added in the transaction of the change that it reports, so that neither exists without
the other. It names a person by account id alone. Address, language and preferences are read when it
is sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.background import backoff
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.records import Repository, in_transaction

# Before another try: after each failure twice as long.
DAY = timedelta(days=1)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), DAY
GIVEN_UP_AFTER = 3 * DAY
# After an outage a patient still has to read what a doctor has written.
NEWS_GIVEN_UP_AFTER = 30 * DAY
LATE = timedelta(minutes=10)
# After so many tries, which take seven minutes, a refused mail may never arrive.
REFUSED_OFTEN = 4
# What comes within so long of the last mail to a person is one mail at its end.
GATHERED_FOR = timedelta(minutes=10)
# But no longer, where urgent mails leave all the time.
LONGEST_GATHERED = timedelta(hours=1)


class Kind(StrEnum):
    APPROVED = "approved"
    REGISTERED_AGAIN = "registered_again"
    REFUSED = "refused"
    NEWS = "news"
    URGENT = "urgent"
    WITHOUT_DOCTOR = "without_doctor"
    OTHER_DOCTOR = "other_doctor"
    OPINION = "opinion"
    REMINDER = "reminder"
    MESSAGE = "message"
    PASSWORD_LINK = "password_link"  # noqa: S105 (a kind, no password)
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    UNUSUAL_LOG_IN = "unusual_log_in"
    KEY_MADE = "key_made"
    FILE_MADE = "file_made"
    WEBHOOK_DISABLED = "webhook_disabled"
    ACCOUNT_UNUSED = "account_unused"
    CLOSED = "closed"


# They wait for no others: what they say is urgent, or has been waited for.
APART = frozenset({
    Kind.APPROVED, Kind.REFUSED, Kind.URGENT, Kind.WITHOUT_DOCTOR,
})  # fmt: skip
# They tell of who can open the account, or has opened what is stored there: nobody can switch them
# off, and no limit delays them.
SECURITY = frozenset({
    Kind.PASSWORD_LINK, Kind.PASSWORD_CHANGED, Kind.UNUSUAL_LOG_IN, Kind.KEY_MADE,
    Kind.OTHER_DOCTOR, Kind.ACCOUNT_UNUSED,
    Kind.REGISTERED_AGAIN, Kind.CLOSED, Kind.FILE_MADE,
})  # fmt: skip


class Notice(StoredRecord):
    """`about` is the page in the console that the mail links to; for a PASSWORD_LINK it is the id
    of the link, and for a CLOSED the page that checks the receipt. `figures` fill the placeholders
    of the text. `author` wrote a MESSAGE. A notice without `due_at` has been sent. A CLOSED
    outlives its account, so it stores its own `address` and `language`.
    """

    id: str
    created_at: datetime
    account: str
    kind: Kind
    about: str
    author: str | None = None
    urgent: bool = False
    attempts: int = 0
    due_at: datetime | None = None
    sent_at: datetime | None = None
    expires_at: datetime
    address: str | None = None
    language: Language | None = None
    figures: Mapping[str, int] = {}

    @property
    def is_stale(self) -> bool:
        return self.expires_at <= now() and self.kind is not Kind.NEWS

    @property
    def of_security(self) -> bool:
        return self.kind in SECURITY

    @property
    def waits_for_others(self) -> bool:
        return not (self.urgent or self.of_security or self.kind in APART)

    @property
    def mail(self) -> tuple[str, ...]:
        """Notices with equal keys are sent as one mail. Those that may wait sort last."""
        if self.waits_for_others:
            return "then", self.account
        return "first", self.account, self.kind, self.about


class Outbox(Repository[Notice]):
    """Without a mail server (`enabled`) nothing is added."""

    collection, record = "outbox", Notice
    indexes = (
        *(("due_at", "id"), ("account", "sent_at", "id"), ("author",), ("account", "id")),
        *(("attempts", "due_at"), ("expires_at", "id")),
    )

    def __init__(self, store: Store, *, enabled: bool) -> None:
        super().__init__(store)
        self.enabled = enabled

    def add(
        self,
        kind: Kind,
        *,
        to: str,
        about: str = "",
        author: str | None = None,
        urgent: bool = False,
        delay: timedelta = timedelta(),
        expires_at: datetime | None = None,
        figures: Mapping[str, int] | None = None,
        address: str | None = None,
        language: Language | None = None,
    ) -> None:
        """Call it in the transaction of the change. `to` is an account. A mail to an `address` is
        sent even if the account is deleted. The notice is sent after `delay`, unless it is
        withdrawn before.
        """
        if not self.enabled:
            return
        moment = now()
        due_at = moment + delay
        kept = NEWS_GIVEN_UP_AFTER if kind is Kind.NEWS else GIVEN_UP_AFTER
        self.insert(
            Notice(
                id=new_id(),
                created_at=moment,
                account=to,
                kind=kind,
                about=about,
                author=author,
                urgent=urgent,
                due_at=due_at,
                expires_at=expires_at or due_at + kept,
                figures=figures or {},
                address=address,
                language=language,
            )
        )

    def find_last(self, kind: Kind, *, to: str) -> Document | None:
        documents = self._documents.find({"account": to, "kind": kind}, sort="-id", limit=1)
        return documents[0] if documents else None

    def list_to(self, account: str) -> list[Notice]:
        return self._list({"account": account})

    def withdraw(self, kind: Kind, *, to: str, about: str) -> None:
        self._documents.delete({"account": to, "sent_at": None, "kind": kind, "about": about})

    def withdraw_about(self, about: str, *, to: str) -> None:
        self._documents.delete({"account": to, "sent_at": None, "about": about})

    def find_due(self, limit: int) -> list[Document]:
        """Stored notices that are due. A kind that only newer code knows is left for that code."""
        due: Filter = {"due_at": {"$lte": now()}, "kind": {"$in": [*Kind]}}
        return self._documents.find(due, sort="due_at", limit=limit)

    def find_end_of_wait(self, notice: Notice) -> datetime | None:
        moment = now()
        if not notice.waits_for_others or notice.created_at <= moment - LONGEST_GATHERED:
            return None
        lately: Filter = {"$gt": moment - GATHERED_FOR, "$lte": moment}
        sent = self._first({"account": notice.account, "sent_at": lately}, sort="-sent_at")
        return sent.sent_at + GATHERED_FOR if sent and sent.sent_at else None

    @in_transaction
    def mark_sent(self, notices: Sequence[Notice]) -> None:
        first, *others = notices
        if first.of_security:
            self.drop(notices)
            return
        self._change({"id": first.id}, sent_at=now(), expires_at=now() + DAY, due_at=None)
        self.drop(others)

    def drop(self, notices: Sequence[Notice]) -> None:
        if notices:
            self._documents.delete({"id": {"$in": [notice.id for notice in notices]}})

    def retry(self, notices: Sequence[Notice]) -> None:
        attempts = max(notice.attempts for notice in notices) + 1
        self._postpone([notice.id for notice in notices], attempts)

    def retry_damaged(self, document: Document, attempts: int) -> None:
        self._postpone([document["id"]], attempts)

    def _postpone(self, identifiers: Sequence[str], attempts: int) -> None:
        wait = backoff(attempts, first=FIRST_WAIT, longest=LONGEST_WAIT)
        later: Document = {"due_at": now() + wait, "attempts": attempts}
        self._documents.set_each(dict.fromkeys(identifiers, later))

    def postpone(self, notices: Sequence[Notice], *, until: datetime) -> None:
        self._documents.set_each({notice.id: {"due_at": until} for notice in notices})

    def forget_over(self) -> None:
        moment = now()
        over: Filter = {"expires_at": {"$lte": moment}}
        self._documents.delete({**over, "kind": {"$ne": Kind.NEWS}})
        self._documents.delete({**over, "attempts": {"$gte": REFUSED_OFTEN}})
        self._documents.delete({**over, "sent_at": {"$lte": moment}})

    def forget(self, account: str) -> int:
        """Delete what this account wrote or was to get, except the notice of its closure."""
        sent = self._documents.delete({"account": account, "kind": {"$ne": Kind.CLOSED}})
        return sent + self._documents.delete({"author": account})

    def problems(self) -> list[str]:
        late = self.count_late()
        return [f"Mails that the mail server of SMTP_URL does not take: {late}"] if late else []

    def count_late(self) -> int:
        late = now() - LATE
        refused: Filter = {"attempts": {"$gte": REFUSED_OFTEN}, "due_at": {"$gt": late}}
        return self._documents.count({"due_at": {"$lte": late}}) + self._documents.count(refused)
