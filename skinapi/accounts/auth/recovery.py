"""A request for a mail is answered before the account is looked up: a thread handles the queue in
memory every second. Neither the answer nor its time reveals if the account exists, and an unknown
address leaves nothing but a count.
"""

import hmac
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import NO_LOG_IN, Accounts
from skinapi.accounts.auth.errors import (
    InvalidPasswordLink,
    NoMailServer,
    NoPasswordHere,
    TooManyGuesses,
)
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.passwords import Authentication, Passwords
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.errors import Conflict, NotFound, StoreUnavailable, Unavailable
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# Links that replace a forgotten password, once and for a limited time. The token is an HMAC of the
# record's id with the server's key. A reader of the store cannot make a link, and the server can
# make it again for a waiting mail.


MAILED_LINK_LIFE = timedelta(hours=1)


class PasswordLink(StoredRecord):
    """A link is invalid if the account has got another `token_version`."""

    id: str
    created_at: datetime
    account: str
    token_version: int
    expires_at: datetime


class PasswordLinks(Repository[PasswordLink]):
    collection, record = "password_links", PasswordLink
    indexes = (("account",),)
    expiry = "expires_at"

    def __init__(self, store: Store, *, key: str, console: str) -> None:
        super().__init__(store)
        self._key = key.encode()
        self._console = console

    def add(self, account: Account, *, life: timedelta) -> PasswordLink:
        return self.insert(
            PasswordLink(
                id=new_id(),
                created_at=now(),
                account=account.id,
                token_version=account.token_version,
                expires_at=now() + life,
            )
        )

    def url(self, link_id: str) -> str:
        """The token follows a #, which browsers send neither to servers nor as a referrer."""
        return f"{self._console}/#/forgotten/{link_id}.{self._sign(link_id)}"

    def find_by_token(self, token: str) -> PasswordLink | None:
        link_id, _, signature = token.partition(".")
        signed = hmac.compare_digest(self._sign(link_id).encode(), signature.encode())
        return self.find(link_id) if signed else None

    def use(self, link: PasswordLink) -> bool:
        """Delete all links of the account. Return False if this one was already used."""
        if not self._documents.delete({"id": link.id}):
            return False
        self.forget(link.account)
        return True

    def forget(self, account_id: str) -> int:
        return self._documents.delete({"account": account_id})

    def _sign(self, link_id: str) -> str:
        message = f"password link\n{link_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()


MOST_ASKED = 1000  # that wait at once, in each process
RETRY_AFTER_S = 2
LINK_ACTION = "account.password_link"
NO_ACCOUNT = "User/doctor not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryService:
    work: UnitOfWork
    accounts: Accounts
    authentication: Authentication
    guess_limits: GuessLimits
    links: PasswordLinks
    outbox: Outbox
    passwords: Passwords
    sessions: Sessions
    handed_link_life: timedelta
    _asked: deque[tuple[str, str]] = field(default_factory=deque, init=False, repr=False)

    def ask_for_link(self, *, email: str, address: str) -> None:
        if not self.outbox.enabled:
            raise NoMailServer
        if len(self._asked) >= MOST_ASKED:
            raise Unavailable(retry_after=RETRY_AFTER_S)
        self._asked.append((email, address))

    def mail_links(self) -> None:
        """Requests stay in the queue if the store is unavailable."""
        while self._asked:
            email, address = self._asked.popleft()
            try:
                self._mail_link(email, address)
            except StoreUnavailable:
                self._asked.appendleft((email, address))
                raise

    def _mail_link(self, email: str, address: str) -> None:
        named, account = self.authentication.find_account(email)
        try:
            self.guess_limits.take_link(email=named, address=address)
        except TooManyGuesses:
            return
        if account is None or not (account.can_log_in and account.has_password):
            return
        with suppress(NotFound):  # deleted meanwhile
            if account.status in ("approved", "waiting"):
                self._add_mailed_link(account_id=account.id)

    @atomic
    def _add_mailed_link(self, unit: Unit, *, account_id: str) -> None:
        unit.audit(LINK_ACTION, by="anonymous", target=account_id)
        link = self._add_link(account_id, MAILED_LINK_LIFE)
        self.outbox.add(
            Kind.PASSWORD_LINK, to=account_id, about=link.id, expires_at=link.expires_at
        )

    @atomic
    def hand_link(self, unit: Unit, *, email: str, by: str) -> tuple[str, datetime]:
        _, account = self.authentication.find_account(email)
        if account is None:
            raise NotFound(NO_ACCOUNT)
        unit.audit(LINK_ACTION, by=by, target=account.id)
        if account.provider and not account.has_password:
            raise NoPasswordHere
        link = self._add_link(account.id, self.handed_link_life)
        return self.links.url(link.id), link.expires_at

    def _add_link(self, account_id: str, life: timedelta) -> PasswordLink:
        account = self.accounts.lock(account_id)
        if account.status == "closed":
            raise NotFound(NO_ACCOUNT)
        if not account.can_log_in:
            raise Conflict(NO_LOG_IN)
        return self.links.add(account, life=life)

    def set_password(self, *, token: str, new: str, address: str) -> None:
        link = self.links.find_by_token(token)
        if link is None:
            raise InvalidPasswordLink
        with self.passwords.place(address):
            new_hash = self.passwords.hash(new)
        self._use_link(link, new_hash)

    @atomic
    def _use_link(self, unit: Unit, link: PasswordLink, new_hash: str) -> None:
        unit.audit("account.password", by=link.account, target=link.account)
        try:
            account = self.accounts.get(link.account)
        except NotFound as error:
            raise InvalidPasswordLink from error
        current = account.token_version == link.token_version
        if not current or not self.links.use(link):
            raise InvalidPasswordLink
        account.refuse_inactive(even_waiting=True)
        self.accounts.change(
            unit,
            account,
            password_hash=new_hash,
            initial_password_expires_at=None,
            token_version=account.token_version + 1,
        )
        self.sessions.forget(account.id)
        self.guess_limits.reset(account)
        self.outbox.add(Kind.PASSWORD_CHANGED, to=account.id, about="forgotten")
