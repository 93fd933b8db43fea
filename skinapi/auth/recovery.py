"""A forgotten password: a link by mail, or from an admin, with which one chooses a new one.

Who asks for a mail is answered before anybody looks for the account: the request is kept in memory,
and a thread works through them every second. So neither the answer nor its time tells whether there
is an account, and nothing is stored of an address that has none but the count of its requests.
"""

import hmac
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.errors import InvalidPasswordLink, NoMailServer, TooManyGuesses
from skinapi.auth.guess_limits import GuessLimits
from skinapi.auth.passwords import Authentication, Passwords
from skinapi.auth.sessions import Sessions
from skinapi.errors import NotFound, StoreUnavailable, Unavailable
from skinapi.notices.outbox import Kind, Outbox
from skinapi.storage.background import PeriodicThread
from skinapi.storage.ids import ID, is_ahead, new_id, now
from skinapi.storage.ports import Store
from skinapi.stored_record import StoredRecord

# Links with which a forgotten password is replaced: each once, and for a limited time.
#
# What is stored is no secret. The token in a link is an HMAC of the record's id, with the server's
# key: so nobody who reads the store can make the link, and it can be made again for a mail that
# waits in the outbox.


MAILED_LINK_LIFE = timedelta(hours=1)


class PasswordLink(StoredRecord):
    """Opens nothing where the account has got another `token_version` since."""

    id: str
    created_at: datetime
    account: str
    token_version: int
    expires_at: datetime


class PasswordLinks:
    def __init__(self, store: Store, *, key: str, console: str) -> None:
        """`console` is the address of the console, where the links lead."""
        self._key = key.encode()
        self._console = console
        self._documents = store.collection("password_links")
        self._documents.ensure_index("account")
        self._documents.expire_by("expires_at")

    def add(self, account: Account, *, life: timedelta) -> PasswordLink:
        link = PasswordLink(
            id=new_id(),
            created_at=now(),
            account=account.id,
            token_version=account.token_version,
            expires_at=now() + life,
        )
        self._documents.insert({**link.stored(), "schema": 1})
        return link

    def url(self, link_id: str) -> str:
        """The token stands behind the #, which no browser sends to a server, nor as a referrer."""
        return f"{self._console}/#/forgotten/{link_id}.{self._sign(link_id)}"

    def find(self, token: str) -> PasswordLink | None:
        """The link with this token; None where it is used, expired, or of a clock ahead."""
        link_id, _, signature = token.partition(".")
        signed = hmac.compare_digest(self._sign(link_id).encode(), signature.encode())
        found = self._documents.get(link_id) if signed and ID.fullmatch(link_id) else None
        if found is None or is_ahead(found["created_at"]):
            return None
        return PasswordLink.model_validate(found)

    def use(self, link: PasswordLink) -> bool:
        """Delete it, and all others of its account. False where it was used before."""
        if not self._documents.delete({"id": link.id}):
            return False
        self.forget(link.account)
        return True

    def forget(self, account_id: str) -> None:
        self._documents.delete({"account": account_id})

    def _sign(self, link_id: str) -> str:
        message = f"password link\n{link_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()


MAIL_EVERY_S = 1.0
MOST_ASKED = 1000  # that wait at once, in each process
RETRY_AFTER_S = 2
LINK_ACTION = "account.password_link"
NO_ACCOUNT = "User/doctor not found"


class RecoveryService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        authentication: Authentication,
        guess_limits: GuessLimits,
        links: PasswordLinks,
        outbox: Outbox,
        passwords: Passwords,
        sessions: Sessions,
        trail: AuditTrail,
        handed_link_life: timedelta,
    ) -> None:
        """`handed_link_life`: how long a link lives that an admin hands over."""
        self._accounts = accounts
        self._authentication = authentication
        self._guess_limits = guess_limits
        self._links = links
        self._outbox = outbox
        self._passwords = passwords
        self._sessions = sessions
        self._trail = trail
        self._handed_link_life = handed_link_life
        self._asked: deque[tuple[str, str]] = deque()

    def ask_for_link(self, *, email: str, address: str) -> None:
        """Have a link mailed to the account with this e-mail address, if there is one that may log
        in. Raises NoMailServer, and Unavailable where too many requests wait.
        """
        if not self._outbox.enabled:
            raise NoMailServer
        if len(self._asked) >= MOST_ASKED:
            raise Unavailable(retry_after=RETRY_AFTER_S)
        self._asked.append((email, address))

    def mail_links(self) -> None:
        """Work through what was asked for. Raises StoreUnavailable: then the rest waits."""
        while self._asked:
            email, address = self._asked.popleft()
            try:
                self._mail_link(email, address)
            except StoreUnavailable:
                self._asked.appendleft((email, address))
                raise

    def _mail_link(self, email: str, address: str) -> None:
        """Nothing where there is no such account, or it has had enough mails."""
        named, account = self._authentication.find_account(email)
        try:
            self._guess_limits.take_link(email=named, address=address)
        except TooManyGuesses:
            return
        if account is None or account.status not in ("approved", "waiting"):
            return
        identifier = account.id

        def mail() -> None:
            link = self._add_link(identifier, MAILED_LINK_LIFE)
            self._outbox.add(
                Kind.PASSWORD_LINK, to=identifier, about=link.id, expires_at=link.expires_at
            )

        with suppress(NotFound):  # deleted meanwhile
            self._trail.change(mail, LINK_ACTION, by="anonymous", target=identifier)

    def hand_link(self, *, email: str, by: str) -> tuple[str, datetime]:
        """A link that an admin hands over, and until when it can be used. Raises NotFound."""
        _, account = self._authentication.find_account(email)
        if account is None:
            raise NotFound(NO_ACCOUNT)
        add = partial(self._add_link, account.id, self._handed_link_life)
        link = self._trail.change(add, LINK_ACTION, by=by, target=account.id)
        return self._links.url(link.id), link.expires_at

    def _add_link(self, account_id: str, life: timedelta) -> PasswordLink:
        account = self._accounts.hold(account_id)
        if account.status == "deleting":
            raise NotFound(NO_ACCOUNT)
        return self._links.add(account, life=life)

    def set_password(self, *, token: str, new: str, address: str) -> None:
        """Replace the password with a link's token, and end all sessions.

        Raises InvalidPasswordLink, also where the link was used, and AccountSuspended.
        """
        link = self._links.find(token)
        if link is None:
            raise InvalidPasswordLink
        with self._passwords.place(address):
            new_hash = self._passwords.hash(new)

        def decide(stored: Account) -> dict[str, Any]:
            if stored.token_version != link.token_version or not self._links.use(link):
                raise InvalidPasswordLink
            stored.refuse_inactive(even_waiting=True)
            return {
                "password_hash": new_hash,
                "must_change": False,
                "initial_password_expires_at": None,
                "token_version": stored.token_version + 1,
            }

        def replace() -> None:
            try:
                changed = self._accounts.change(link.account, decide)
            except NotFound as error:
                raise InvalidPasswordLink from error
            self._sessions.forget(changed.id)
            self._guess_limits.reset(changed)
            self._outbox.add(Kind.PASSWORD_CHANGED, to=changed.id, about="forgotten")

        self._trail.change(replace, "account.password", by=link.account, target=link.account)


class LinkMailer(PeriodicThread):
    def __init__(self, recovery: RecoveryService) -> None:
        super().__init__("link-mailer", every_s=MAIL_EVERY_S, failure="links not mailed")
        self._recovery = recovery

    def make_pass(self) -> None:
        self._recovery.mail_links()

    def stop(self) -> None:
        """Mail what is left, too."""
        super().stop()
        with suppress(StoreUnavailable):
            self.make_pass()
